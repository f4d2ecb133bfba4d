"""The first page of the report server: every dataset, its nights, and what is live."""

from collections.abc import Sequence
from typing import Any

from tasks.report.nights import Night, Shop
from tasks.report.page import rendered
from tasks.report.text import NOTHING, figure

WIDTH, HEIGHT, EDGE = 640, 120, 8


def index_page(shops: Sequence[Shop]) -> str:
    """The page as HTML; texts are escaped, whatever they hold."""
    from markupsafe import Markup

    content = {
        "shops": shops,
        "lines": {shop.name: Markup(line(shop.nights)) for shop in shops},  # noqa: S704 - numbers alone
        "spans": {shop.name: span(shop.nights) for shop in shops},
    }
    return rendered("index.html.j2", content, percent=percent)


def percent(share: float | None) -> str:
    """A share for people."""
    return NOTHING if share is None else f"{100 * share:.1f} %"


def comparable(nights: Sequence[Night]) -> list[Night]:
    """Nights with a value, oldest first, that were decided as the newest one was."""
    known = [night for night in nights if night.value is not None]
    return [night for night in known if night.metric == known[0].metric][::-1]


def span(nights: Sequence[Night]) -> str:
    """What the line of :func:`line` runs over, in words."""
    known = comparable(nights)
    values = [night.value.value for night in known if night.value is not None]
    if not values:
        return ""
    return f"{known[0].day} to {known[-1].day}; {figure(min(values))} to {figure(max(values))}, last {figure(values[-1])}"


def line(nights: Sequence[Night]) -> str:
    """The metric by night as SVG, its interval as a band; '' for less than two nights."""
    points = [night.value for night in comparable(nights) if night.value is not None]
    if len(points) < 2:
        return ""
    low, high = min(each.low for each in points), max(each.high for each in points)
    room: Any = (high - low) or 1.0

    def at(place: int, value: float) -> str:
        across = EDGE + (WIDTH - 2 * EDGE) * place / (len(points) - 1)
        return f"{across:.1f},{HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - low) / room:.1f}"

    upper = [at(place, each.high) for place, each in enumerate(points)]
    lower = [at(place, each.low) for place, each in enumerate(points)]
    middle = [at(place, each.value) for place, each in enumerate(points)]
    dots = "".join('<circle cx="{}" cy="{}" r="3.5"/>'.format(*each.split(",")) for each in middle)
    said = f"from {points[0].value:.4f} to {points[-1].value:.4f}, between {low:.4f} and {high:.4f}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{len(points)} nights, {said}">'
        f'<polygon class="band" points="{" ".join([*upper, *reversed(lower)])}"/>'
        f'<polyline class="line" points="{" ".join(middle)}"/><g class="dots">{dots}</g></svg>'
    )
