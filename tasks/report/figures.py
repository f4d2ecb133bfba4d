"""The report's figures as inline SVG; lines and text take the colour of the page, light or dark."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from io import StringIO
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.closer_look import ScoreBin
from data_contracts.evaluation import Interval

INK = "#010203"
"""Placeholder that becomes ``currentColor``, the colour of the page's text."""
COLOURS = ("#3b82c4", "#d9772b", "#2f9e6e", "#b05fc0", "#c0504d", "#8a8d91")
"""Contrast of at least 3:1 against white and against black."""
MARKERS = ("o", "s", "^", "D", "v", "P")
WIDTH, HEIGHT = 5.2, 2.9
"""Inches; about the width of a small screen, so that text is not scaled down there."""

STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.18,
    "grid.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.dpi": 144,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}


class Canvas:
    """One figure while it is drawn; ``svg`` is set afterwards."""

    def __init__(self, axes: Any) -> None:
        self.axes = axes
        self.svg = ""


@contextmanager
def drawing(name: str, *, height: float = HEIGHT) -> Iterator[Canvas]:
    """Draw one figure; the same drawing gives the same bytes.

    Parameters
    ----------
    name
        Unique on the page: it keeps the ids inside the SVGs apart.
    height
        Inches.

    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Figure instead of pyplot: no global state is changed and no display is needed.
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        canvas = Canvas(figure.subplots())
        yield canvas
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    canvas.svg = _inline(text.getvalue(), name)


def _inline(svg: str, name: str) -> str:
    """Turn an SVG file into an element of a page: without header, metadata, repeated ids and size in points."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[A-Za-z0-9.]+_\d+"', "<g", body)
    box = re.search(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', body)
    assert box is not None
    opening = f'<svg role="img" aria-label="{escape(name)}" viewBox="{box[1]}">'
    body = opening + body[box.end() :]
    return body.replace(INK, "currentColor")


def intervals(title: str, entries: Mapping[str, Interval], label: str) -> str:
    """Draw a metric with its interval for each model, in the order given, the first on top."""
    height = 0.9 + 0.32 * len(entries)
    with drawing(title, height=height) as canvas:
        for place, entry in enumerate(entries.values()):
            _bar(canvas.axes, entry, place, COLOURS[0])
        canvas.axes.set_yticks(range(len(entries)), list(entries))
        canvas.axes.invert_yaxis()
        canvas.axes.margins(y=0.12)
        canvas.axes.set_xlabel(label)
    return canvas.svg


def _bar(axes: Any, entry: Interval, place: float, colour: str) -> None:
    axes.plot([entry.low, entry.high], [place, place], color=colour, linewidth=2.5, alpha=0.6)
    axes.plot([entry.value], [place], "o", color=colour, markersize=6)


def curve(model: str, series: Mapping[str, Sequence[float]]) -> str:
    """Draw figures of a training run by iteration, such as the loss and that of the held-out part."""
    with drawing(f"curve {model}", height=2.3) as canvas:
        for (label, values), colour in zip(series.items(), cycle(COLOURS), strict=False):
            marker = "." if len(values) <= 60 else ""
            canvas.axes.plot(range(1, len(values) + 1), values, marker=marker, color=colour, label=label)
        canvas.axes.set_xlabel("iteration")
        canvas.axes.set_ylabel(next(iter(series)))
        if len(series) > 1:
            canvas.axes.legend()
    return canvas.svg


def by_slice(series: Mapping[str, Sequence[Interval | None]], slices: Sequence[str], label: str) -> str:
    """Draw one metric of some models over groups of users, with intervals; None is a gap."""
    with drawing("slices", height=3.3) as canvas:
        offsets = np.linspace(-0.22, 0.22, len(series)) if len(series) > 1 else [0.0]
        for (name, entries), offset, colour, marker in zip(
            series.items(), offsets, cycle(COLOURS), cycle(MARKERS), strict=False
        ):
            points = [(place + offset, each) for place, each in enumerate(entries) if each is not None]
            at = [place for place, _ in points]
            for place, each in points:
                canvas.axes.plot([place, place], [each.low, each.high], color=colour, alpha=0.5)
            canvas.axes.plot(
                at, [each.value for _, each in points], marker, color=colour, label=name, markersize=5
            )
        canvas.axes.set_xticks(range(len(slices)), list(slices))
        canvas.axes.set_xlim(-0.5, len(slices) - 0.5)
        canvas.axes.set_xlabel("items in the user's history")
        canvas.axes.set_ylabel(label)
        canvas.axes.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.45, 1.0))
    return canvas.svg


def exposure(events: npt.NDArray[np.integer], lists: npt.NDArray[np.integer]) -> str:
    """Draw the number of events and of lists of every item."""
    with drawing("exposure", height=3.3) as canvas:
        # Rasterized: the size of the SVG does not grow with the catalogue.
        canvas.axes.plot(
            events, lists, ".", color=COLOURS[0], alpha=0.35, markersize=4, markeredgewidth=0, rasterized=True
        )
        for axis, scale in (
            (canvas.axes.xaxis, canvas.axes.set_xscale),
            (canvas.axes.yaxis, canvas.axes.set_yscale),
        ):
            scale("symlog", linthresh=1)  # logarithmic, with a place for 0
            axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        canvas.axes.set_xlim(left=-0.3)
        canvas.axes.set_ylim(bottom=-0.3)
        canvas.axes.set_xlabel("events of the item")
        canvas.axes.set_ylabel("lists that show it")
    return canvas.svg


def histogram(edges: npt.NDArray[np.floating], counts: npt.NDArray[np.integer]) -> str:
    """Draw the distribution of scores."""
    with drawing("scores") as canvas:
        canvas.axes.stairs(counts, edges, fill=True, color=COLOURS[0], alpha=0.6)
        canvas.axes.set_xlabel("score")
        canvas.axes.set_ylabel("rows")
    return canvas.svg


def reliability(bins: Sequence[ScoreBin]) -> str:
    """Draw the share of hits of places by their score, with intervals: a reliability diagram whose scores are no probabilities."""
    with drawing("hits by score") as canvas:
        at = [each.mean for each in bins]
        for each in bins:
            canvas.axes.plot([each.mean] * 2, [each.hits.low, each.hits.high], color=COLOURS[0], alpha=0.5)
        canvas.axes.plot(at, [each.hits.value for each in bins], "o-", color=COLOURS[0], markersize=5)
        canvas.axes.set_ylim(bottom=0)
        canvas.axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
        canvas.axes.set_xlabel("mean score")
        canvas.axes.set_ylabel("places that were hits")
    return canvas.svg


def by_rank(quantiles: npt.NDArray[np.floating]) -> str:
    """Draw scores by rank; `quantiles` is (n_ranks, 5): 5, 25, 50, 75 and 95 %."""
    ranks = np.arange(1, len(quantiles) + 1)
    with drawing("ranks") as canvas:
        for low, high, alpha in ((0, 4, 0.2), (1, 3, 0.35)):
            canvas.axes.fill_between(
                ranks, quantiles[:, low], quantiles[:, high], color=COLOURS[0], alpha=alpha, linewidth=0
            )
        canvas.axes.plot(ranks, quantiles[:, 2], marker="o", markersize=4, color=COLOURS[0])
        canvas.axes.set_xticks(ranks[:: max(1, len(ranks) // 10)])
        canvas.axes.set_xlabel("rank")
        canvas.axes.set_ylabel("score")
    return canvas.svg


def drift(title: str, days: Sequence[str], values: Sequence[float | None]) -> str:
    """Draw one figure by run, in the order of their days; None is a gap."""
    with drawing(f"drift {title}", height=1.9) as canvas:
        shown = [float("nan") if value is None else value for value in values]
        canvas.axes.plot(range(len(days)), shown, marker="o", markersize=4, color=COLOURS[0])
        step = max(1, -(-len(days) // 4))
        canvas.axes.set_xticks(range(0, len(days), step), list(days)[::step])
        canvas.axes.set_title(title, fontsize=10, loc="left")
        low, high = canvas.axes.get_ylim()
        if high - low < 0.02 * abs(high):  # a flat line should look flat
            canvas.axes.set_ylim(low - 0.05 * abs(high), high + 0.05 * abs(high))
    return canvas.svg
