"""The report: one HTML page a run that says what was decided and why, and needs nothing but itself."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from data_contracts.evaluation import METRICS
from data_contracts.selection import Selection
from tasks.preparation.select_events import ITEMS_FILE
from tasks.publication.registry import Publication, published
from tasks.report import figures as draw
from tasks.report.data_uris import PICTURES, by_history, pictures
from tasks.report.statistics import Lists, read_lists
from tasks.report.text import (
    decision,
    figure,
    finite,
    found_rows,
    is_failed,
    main_models,
    metric_tables,
    run_facts,
    share_of_top,
    shown,
    slice_table,
)
from tasks.runtime import store
from tasks.runtime.files import read_json, sha256_of
from tasks.runtime.step import step

REPORT = "report.html"
TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "report.html.j2"

N_RUNS = 30
"""Earlier runs that are compared with this one."""
DRIFTS = ("events", "users", "items", "quarantine share", "value")

Refs = Mapping[str, store.ArtifactRef]


def write_report(path: Path, content: Mapping[str, Any]) -> Path:
    """Render one page.

    Parameters
    ----------
    path
        The file to write.
    content
        What the template shows; see :func:`page_content`. Texts are escaped, whatever they hold; figures
        are SVG made here.

    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"shown": shown, "figure": figure}
    pages.tests |= {"failed": is_failed}
    path.write_text(pages.get_template(TEMPLATE).render(content), "utf-8")
    return path


def page_content(
    summary: store.Facts,
    *,
    curves: Mapping[str, list[dict[str, float]]],
    slices: Mapping[str, dict[str, dict[str, Any]]],
    lists: Lists | None,
    earlier: list[dict[str, Any]],
    lineage: list[dict[str, str]],
    packages: Mapping[str, str],
) -> dict[str, Any]:
    """Everything on the page.

    Parameters
    ----------
    summary
        The run's summary.
    curves
        For each model what its training reported by iteration.
    slices
        For each model ``{slice: {metric: entry}}`` in the deciding scenario.
    lists
        The published lists, or None where the gate is closed.
    earlier
        :func:`tasks.report.text.run_facts` of earlier runs, oldest first.
    lineage
        Rows of step, key and what it read.
    packages
        Versions.

    """
    gate = summary["gate"]
    chosen = main_models(summary)
    tables = metric_tables(summary)
    return {
        "summary": summary,
        "gate": gate,
        "sentences": decision(summary),
        "tables": tables,
        "metric_figures": _metric_figures(tables),
        "definitions": METRICS,
        "curves": _curves(curves),
        "slice_names": list(next(iter(slices.values()))),
        "slice_rows": slice_table(slices, gate["metric"], chosen),
        "slice_figure": _svg(by_history({name: slices[name] for name in chosen}, gate["metric"])),
        "lists": None if lists is None else _list_section(lists),
        "runs": [*earlier, run_facts(summary)],
        "drifts": _drifts([*earlier, run_facts(summary)], gate),
        "found": found_rows(summary["counts"]),
        "lineage": lineage,
        "packages": packages,
    }


def _svg(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - made by tasks.report.figures, where letters are escaped


def _metric_figures(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    figures = []
    for table in tables:
        entries = {row["model"]: finite(row["cells"][0]) for row in table["rows"]}
        known = {shown(name, 24): entry for name, entry in entries.items() if entry is not None}
        if known:
            drawn = draw.intervals(table["scenario"], known, table["metrics"][0])
            figures.append({"title": f"{table['scenario']} scenario", "svg": _svg(drawn)})
    return figures


def _curves(curves: Mapping[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    figures = []
    for name, steps in curves.items():
        label = next((key for key in (steps[0] if steps else {}) if key != "seconds"), None)
        if label is not None:
            drawn = draw.curve(name, [each[label] for each in steps if label in each], label)
            figures.append({"title": name, "svg": _svg(drawn)})
    return figures


def _list_section(lists: Lists) -> dict[str, Any]:
    events, shows = lists.exposure.events.tolist(), lists.exposure.lists.tolist()
    return {
        "exposure": _svg(draw.exposure(lists.exposure.events, lists.exposure.lists)),
        "top_events": share_of_top(events, events, 0.1),
        "top_lists": share_of_top(events, shows, 0.1),
        "n_items": len(events),
        "never": sum(count == 0 for count in shows),
        "histogram": _svg(draw.histogram(lists.scores.edges, lists.scores.counts)),
        "by_rank": _svg(draw.by_rank(lists.scores.by_rank)),
        "examples": lists.examples,
    }


def _drifts(runs: list[dict[str, Any]], gate: Mapping[str, Any]) -> list[dict[str, Any]]:
    if len(runs) < 2:
        return []
    days = [str(run["as_of"]) for run in runs]
    comparable = [run["metric"] == gate["metric"] and run["scenario"] == gate["scenario"] for run in runs]
    figures = []
    for name in DRIFTS:
        values = [
            None if name == "value" and not same else run[name]
            for run, same in zip(runs, comparable, strict=True)
        ]
        title = f"{gate['metric']} of the winner" if name == "value" else name
        if any(value is not None for value in values):
            figures.append({"title": title, "svg": _svg(draw.drift(title, days, values))})
    return figures


@step("write the report")
def report(
    out: Path,
    summary: store.Facts,
    earlier: list[dict[str, Any]],
    window: Selection,
    events: store.ArtifactRef,
    models: dict[str, store.ArtifactRef],
    evaluations: dict[str, store.ArtifactRef],
    others: dict[str, store.ArtifactRef],
    template: str,
) -> store.Facts:
    """Write the run's page and its pictures; `others` only the lineage and the lists on the page need."""
    gate, lists, predictions = summary["gate"], None, others.get("predictions")
    if predictions is not None:
        lists = read_lists(
            predictions.folder / "predictions.parquet",
            events.folder / "events.parquet",
            events.folder / ITEMS_FILE,
            window,
            gate["winner"],
            store.scratch(),
        )
    results = {name: read_json(ref.folder / "summary.json") for name, ref in evaluations.items()}
    refs = {
        "events": events,
        **{f"train {name}": ref for name, ref in models.items()},
        **{f"evaluate {name}": ref for name, ref in evaluations.items()},
        **others,
    }
    content = page_content(
        summary,
        curves={name: ref.facts["curve"] for name, ref in models.items()},
        slices={name: result["slices"][gate["scenario"]] for name, result in results.items()},
        lists=lists,
        earlier=earlier,
        lineage=[{"name": name, "step": ref.step, "key": ref.key} for name, ref in refs.items()],
        packages=(predictions or next(iter(models.values()))).manifest["packages"],
    )
    written = write_report(out / REPORT, content)
    (out / PICTURES).write_text(json.dumps(pictures(content)), "utf-8")
    return {"bytes": written.stat().st_size}


def report_on(
    summary: store.Facts,
    publication: Publication,
    window: Selection,
    events: store.ArtifactRef,
    models: Refs,
    evaluations: Refs,
    others: Refs,
) -> store.ArtifactRef:
    """Write the page of a run; the artifact holds it as :data:`REPORT`, and :data:`PICTURES` for the UI.

    Parameters
    ----------
    summary
        The run's summary, with its ``run_id``.
    publication
        Where the run is, or would be, published: earlier publications of the dataset show the drift.
    window
        Events that the lists were made from.
    events, models, evaluations
        What the run made.
    others
        More of it, for the lineage; with ``predictions`` the page has the sections on the lists.

    """
    return report(
        summary,
        earlier_runs(publication),
        window,
        events,
        dict(models),
        dict(evaluations),
        dict(others),
        sha256_of(TEMPLATES / TEMPLATE),
    )


def earlier_runs(publication: Publication) -> list[dict[str, Any]]:
    """Facts of the newest publication of each earlier day, oldest first."""
    by_day: dict[date, Publication] = {}
    for each in published(publication.dataset):
        if publication.as_of and each.as_of and each.as_of < publication.as_of:
            known = by_day.get(each.as_of)
            if known is None or known.manifest["created_at"] <= each.manifest["created_at"]:
                by_day[each.as_of] = each
    last = [by_day[day] for day in sorted(by_day)][-N_RUNS:]
    return [run_facts(read_json(each.folder / "summary.json")) for each in last]
