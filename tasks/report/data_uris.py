"""Figures of the report as data URIs, for the Prefect UI, which shows pictures by their address."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from tasks.report import figures
from tasks.report.text import Slices, finite, shown

INK, PAPER = "#1b1f24", "#ffffff"
LONGEST_NAME = 24
PICTURES = "pictures.json"
"""Name of the file that holds the result of :func:`pictures`."""


def pictures(content: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The figures of the metrics with intervals, of the deciding metric by history length, and of learning.

    Parameters
    ----------
    content
        Content of the page; see :func:`tasks.report.page.page_content`.

    Returns
    -------
    For each name the figure as a data URI, and what it shows.

    """
    metric = content["gate"].metric
    found = {
        "history-plot": (
            content["slice_figure"],
            f"{content['slice_metric']} by length of the user's history",
        )
    }
    if content["metric_figures"]:  # that of the deciding scenario comes first
        first = content["metric_figures"][0]
        found["metrics-plot"] = (first["svg"], f"{metric} in the {first['title']}, with 95 % intervals")
    for each in content["curves"]:
        found[f"learning-{as_key(each['title'])}"] = (
            each["svg"],
            f"{each['title']}, step by step of its training",
        )
    return {name: (_data_uri(str(svg)), meaning) for name, (svg, meaning) in found.items()}


def as_key(name: str) -> str:
    """The name of a dataset or model as part of an artifact's key, which has small letters, digits and dashes alone."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def by_history(slices: Mapping[str, Slices], metric: str) -> str:
    """Draw a metric by length of the user's history, as SVG; `slices` holds those of each model."""
    names = [name for name in next(iter(slices.values())) if name.startswith("history ")]
    series = {
        shown(model, LONGEST_NAME): [finite(found.get(name, {}).get(metric)) for name in names]
        for model, found in slices.items()
    }
    return figures.by_slice(series, [name.removeprefix("history ") for name in names], metric)


def _data_uri(svg: str) -> str:
    """Turn a figure of the report's page into a stand-alone SVG, dark on light."""
    alone = svg.replace(
        "<svg ",
        f'<svg xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink" style="color: {INK}; background: {PAPER}" ',
        1,
    )
    return "data:image/svg+xml;base64," + base64.b64encode(alone.encode()).decode()
