"""Cases that are runs of the real command: which models, on which log, next to which published figures."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks._children import empty_folder
from benchmarks._event_log import cache_folder
from benchmarks.logs import Log, run_log
from benchmarks.models._rows import Row

Published = Mapping[tuple[str, str], tuple[float, str]]
"""(Model, metric) to the figure and who published it."""


def rows_of_run(
    log: Log,
    data: Path,
    seed: int,
    *,
    models: Iterable[str] = (),
    sections: str = "",
    metrics: Mapping[str, Iterable[str]],
    published: Published | None = None,
) -> list[Row]:
    """Run a log with some models, and take metrics of each scenario from the summary.

    Parameters
    ----------
    log, data, seed, models, sections
        As :func:`benchmarks.logs.run_log` takes them.
    metrics
        Names of the metrics by scenario, ``repeat`` or ``discovery``.
    published
        Figures to be compared with.

    """
    folder = empty_folder(cache_folder(), "models")
    try:
        summary = run_log(log, folder, data.absolute(), seed, models, sections)
    finally:
        shutil.rmtree(folder)
    known = published or {}
    rows = [
        _row(name, scenario, metric, summary["models"][name], known)
        for scenario, wanted in metrics.items()
        for metric in wanted
        for name in _best_first(summary["models"], scenario, metric)
    ]
    left_out = summary["left_out"]
    return rows + [
        Row(model=out["name"], metric="left out", value=0.0, note=out["reason"]) for out in left_out
    ]


def _best_first(models: Mapping[str, Any], scenario: str, metric: str) -> list[str]:
    there = {
        name: each[scenario][metric]["value"] for name, each in models.items() if metric in each[scenario]
    }
    lower_is_better = metric in {"rmse", "mae"}
    return sorted(there, key=lambda name: there[name] if lower_is_better else -there[name])


def _row(name: str, scenario: str, metric: str, model: Mapping[str, Any], published: Published) -> Row:
    figure, seconds = model[scenario][metric], model["seconds"]
    theirs, who = published.get((name, metric), (None, ""))
    return Row(
        model=name,
        metric=metric if metric in {"rmse", "mae"} else f"{scenario} {metric}",
        value=figure["value"],
        low=figure["low"],
        high=figure["high"],
        published=theirs,
        published_by=who,
        seconds=seconds["fit"],
        note=f"scored in {seconds['score']:.1f} s",
    )
