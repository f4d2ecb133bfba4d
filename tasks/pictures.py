"""Figures of a run for places that show pictures only: each a whole SVG in a data URI, so no server is asked."""

import base64
from collections.abc import Mapping
from typing import Any

from tasks import report_figures, store
from tasks.files import read_json
from tasks.report_words import finite, main_models, shown

INK, PAPER = "#1b1f24", "#ffffff"
LONGEST_NAME = 24


def pictures(
    summary: store.Facts, evaluations: Mapping[str, store.ArtifactRef]
) -> dict[str, tuple[str, str]]:
    """Draw a run's metrics with intervals, and the deciding metric by history length of the user.

    Returns
    -------
    For each name the picture as a data URI, and what it shows.

    """
    gate = summary["gate"]
    metric, scenario = gate["metric"], gate["scenario"]
    entries = {name: finite(model[scenario].get(metric)) for name, model in summary["models"].items()}
    known = {shown(name, LONGEST_NAME): entry for name, entry in entries.items() if entry is not None}
    ordered = dict(sorted(known.items(), key=lambda each: -each[1]["value"]))
    slices = {
        name: read_json(evaluations[name].folder / "summary.json")["slices"][scenario]
        for name in main_models(summary)
    }
    return {
        "metrics-plot": (
            _data_uri(report_figures.intervals(scenario, ordered, metric)),
            f"{metric} in the {scenario} scenario, with 95 % intervals",
        ),
        "history-plot": (_data_uri(by_history(slices, metric)), f"{metric} by length of the user's history"),
    }


def by_history(slices: Mapping[str, Mapping[str, Any]], metric: str) -> str:
    """Draw a metric by length of the user's history, as SVG; `slices` is {model: {slice: {metric: entry}}}."""
    names = [name for name in next(iter(slices.values())) if name.startswith("history ")]
    series = {
        shown(model, LONGEST_NAME): [finite(found.get(name, {}).get(metric)) for name in names]
        for model, found in slices.items()
    }
    return report_figures.by_slice(series, [name.removeprefix("history ") for name in names], metric)


def _data_uri(svg: str) -> str:
    """Turn a figure made for the report's page into a picture of its own, dark on light."""
    alone = svg.replace(
        "<svg ",
        f'<svg xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink" style="color: {INK}; background: {PAPER}" ',
        1,
    )
    return "data:image/svg+xml;base64," + base64.b64encode(alone.encode()).decode()
