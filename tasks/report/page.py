"""The report's page: everything that the template shows, and the HTML made of it."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from data_contracts.closer_look import CloserLook
from data_contracts.metrics import METRICS
from data_contracts.run_summary import GateResult, RunFigures, RunFindings
from tasks.report import figures as draw
from tasks.report.concentration import concentration
from tasks.report.data_uris import by_history
from tasks.report.manager import paragraph
from tasks.report.rejected import RejectedRow
from tasks.report.statistics import Lists
from tasks.report.text import (
    Slices,
    decision,
    definition,
    figure,
    finite,
    found_rows,
    main_models,
    mark,
    metric_tables,
    share_of_top,
    shop_rules,
    shown,
    slice_table,
    sliced_metric,
)

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "report.html.j2"
DRIFTS = ("events", "users", "items", "quarantine_share", "value")
"""Figures that are drawn by run."""


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
    path.write_text(rendered(TEMPLATE, content, mark=mark), "utf-8")
    return path


def rendered(template: str, content: Mapping[str, Any], **filters: Callable[..., Any]) -> str:
    """A page from a template of this package, with its filters and those of all; texts are escaped, whatever they hold."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"shown": shown, "figure": figure, "breakable": _breakable, **filters}
    return pages.get_template(template).render(content)


def _breakable(name: str) -> Any:
    """A name that may go on in the next line after each underscore and before its list length."""
    from markupsafe import Markup, escape

    parts = [escape(part) for part in re.split(r"(?<=_)|(?=@)", name)]
    return Markup("<wbr>").join(parts)


def page_content(
    findings: RunFindings,
    *,
    curves: Mapping[str, list[dict[str, float]]],
    slices: Mapping[str, Slices],
    lists: Lists | None,
    earlier: Sequence[RunFigures],
    lineage: list[dict[str, Any]],
    packages: Mapping[str, str],
    changed: float | None = None,
    looked: CloserLook | None = None,
    rejected: Sequence[RejectedRow] = (),
    sizes: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Any]:
    """Everything on the page.

    Parameters
    ----------
    findings
        What the run found.
    curves
        For each model what its training reported by iteration.
    slices
        For each model its metrics by slice, in the deciding scenario.
    lists
        The published lists, or None where the gate is closed.
    earlier
        Figures of earlier runs, oldest first.
    lineage
        Rows of name, step, key, and seconds when the work was done.
    packages
        Versions.
    changed
        Share of the places of lists that changed since the publication before; None where there is none.
    looked
        What a closer look at the winner found; None where nobody looked.
    rejected
        Rows of the quarantine that are shown.
    sizes
        Bytes of each model on disk.

    """
    gate = findings.gate
    chosen = main_models(findings)
    tables, sliced = metric_tables(findings), sliced_metric(findings)
    runs = [*earlier, RunFigures.read(findings.to_json())]
    return {
        "summary": findings,
        "gate": gate,
        "sentences": decision(findings),
        "manager": paragraph(findings, changed),
        "shop_rules": shop_rules(findings),
        "tables": tables,
        "metric_figures": _metric_figures(tables),
        "definitions": {name: definition(metric) for name, metric in METRICS.items()},
        "curves": _curves(curves),
        "slice_names": list(next(iter(slices.values()))),
        "slice_metric": sliced,
        "slice_rows": slice_table(slices, sliced, chosen),
        "slice_figure": _svg(by_history({name: slices[name] for name in chosen}, sliced)),
        "lists": None if lists is None else _list_section(lists),
        "runs": runs,
        "drifts": _drifts(runs, gate),
        "found": found_rows(findings.counts),
        "rejected": rejected,
        "sizes": sizes,
        "looked": looked,
        "score_figure": _svg(draw.reliability(looked.scores)) if looked and looked.scores else None,
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
        labels = [key for key in (steps[0] if steps else {}) if key != "seconds"]
        # The first is what is learned by; what was held out stands beside it.
        kept = [key for key in labels if key == labels[0] or key.startswith("validation")]
        if kept:
            drawn = draw.curve(name, {key: [each[key] for each in steps if key in each] for key in kept})
            figures.append({"title": name, "svg": _svg(drawn)})
    return figures


def _list_section(lists: Lists) -> dict[str, Any]:
    events, shows = lists.exposure.events.tolist(), lists.exposure.lists.tolist()
    return {
        "concentration": concentration(lists.exposure.events, lists.exposure.lists),
        "exposure": _svg(draw.exposure(lists.exposure.events, lists.exposure.lists)),
        "top_events": share_of_top(events, events, 0.1),
        "top_lists": share_of_top(events, shows, 0.1),
        "n_items": len(events),
        "never": sum(count == 0 for count in shows),
        "histogram": _svg(draw.histogram(lists.scores.edges, lists.scores.counts)),
        "by_rank": _svg(draw.by_rank(lists.scores.by_rank)),
        "examples": lists.examples,
    }


def _drifts(runs: Sequence[RunFigures], gate: GateResult) -> list[dict[str, Any]]:
    if len(runs) < 2:
        return []
    days = [str(run.as_of) for run in runs]
    drawn = []
    for name in DRIFTS:
        values = [_comparable(run, name, gate) for run in runs]
        title = f"{gate.metric} of the winner" if name == "value" else name.replace("_", " ")
        if any(value is not None for value in values):
            drawn.append({"title": title, "svg": _svg(draw.drift(title, days, values))})
    return drawn


def _comparable(run: RunFigures, name: str, gate: GateResult) -> float | None:
    """A figure of a run, or None where that run was decided by another metric."""
    if name == "value" and (run.metric, run.scenario) != (gate.metric, gate.scenario):
        return None
    value: float | None = dict(run)[name]
    return value
