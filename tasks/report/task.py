"""The report: one HTML page per run that says what was decided and why, and loads nothing else."""

import json
from collections.abc import Mapping
from datetime import date
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from data_contracts.errors import DamagedError
from data_contracts.evaluation import Interval
from data_contracts.report_section import ReportSection
from data_contracts.run_summary import RunFigures, RunFindings
from tasks.evaluation.closer_look import load_closer_look
from tasks.evaluation.task import EvaluatedModel
from tasks.preparation.prepared_events import PreparedEvents
from tasks.preparation.select_events import ITEMS_FILE
from tasks.publication.registry import Publication, publications
from tasks.report.churn import changed_share
from tasks.report.data_uris import PICTURES, pictures
from tasks.report.page import TEMPLATE, TEMPLATES, page_content, write_report
from tasks.report.rejected import rejected_rows
from tasks.report.statistics import Lists, read_lists
from tasks.report.text import Slices
from tasks.runtime import store
from tasks.runtime.files import read_json, report_damage, sha256_of
from tasks.runtime.step import step

REPORT = "report.html"
PREDICTIONS, QUARANTINE = "predictions.parquet", "quarantine.parquet"
CLOSER_LOOK = "closer look"
"""What the lineage calls the artifact of :func:`tasks.evaluation.closer_look.look_closer`."""
N_RUNS = 30
"""Earlier runs that are compared with this one."""


@step("write the report")
def report(
    out: Path,
    findings: RunFindings,
    earlier: list[RunFigures],
    data: PreparedEvents,
    models: tuple[EvaluatedModel, ...],
    others: dict[str, store.ArtifactRef],
    changed: float | None,
    template: str,
    rejected_samples: int,
) -> store.Facts:
    """Write the run's page and its pictures; `template` is the hash of the page's template.

    The lists, if there are any, are ``others["predictions"]``, what was found of the winner is ``others["closer look"]``.
    """
    gate, predictions = findings.gate, others.get("predictions")
    lists = None if predictions is None else _read_lists(predictions, data, gate.winner)
    refs = {
        "events": data.events,
        **{f"train {each.name}": each.model.artifact for each in models},
        **{f"evaluate {each.name}": each.evaluation for each in models},
        **others,
    }
    content = page_content(
        findings,
        curves={each.name: each.model.artifact.facts["curve"] for each in models},
        slices={each.name: read_slices(each.evaluation, gate.scenario) for each in models},
        lists=lists,
        earlier=earlier,
        lineage=[
            {"name": name, "step": ref.step, "key": ref.key, "seconds": ref.manifest["seconds"]}
            for name, ref in refs.items()
        ],
        packages=(predictions or models[0].model.artifact).manifest["packages"],
        changed=changed,
        looked=load_closer_look(others[CLOSER_LOOK]) if CLOSER_LOOK in others else None,
        rejected=rejected_rows(
            data.events.folder / QUARANTINE, _by_rows(findings.counts.rejected), rejected_samples
        ),
        sizes={each.name: _size(each.model.artifact) for each in models},
    )
    written = write_report(out / REPORT, content)
    (out / PICTURES).write_text(json.dumps(pictures(content)), "utf-8")
    return {"bytes": written.stat().st_size}


def _by_rows(rejected: Mapping[str, int]) -> list[str]:
    """Reasons with rows, those with the most first."""
    return sorted((reason for reason, rows in rejected.items() if rows), key=lambda each: -rejected[each])


def _size(artifact: store.ArtifactRef) -> int:
    """Bytes of what a step left."""
    return sum(each["size"] for each in artifact.manifest["files"].values())


def _read_lists(predictions: store.ArtifactRef, data: PreparedEvents, winner: str) -> Lists:
    return read_lists(
        predictions.folder / PREDICTIONS,
        data.events.folder / "events.parquet",
        data.events.folder / ITEMS_FILE,
        data.window,
        winner,
        store.scratch(),
    )


def read_slices(evaluation: store.ArtifactRef, scenario: str) -> Slices:
    """Metrics of one model by slice."""
    slices = read_json(evaluation.folder / "summary.json")["slices"][scenario]
    return {
        name: {
            metric: Interval(entry["value"], entry["low"], entry["high"]) for metric, entry in found.items()
        }
        for name, found in slices.items()
    }


def report_on(
    findings: RunFindings,
    publication: Publication,
    data: PreparedEvents,
    models: tuple[EvaluatedModel, ...],
    others: Mapping[str, store.ArtifactRef],
    section: ReportSection | None = None,
) -> store.ArtifactRef:
    """Write the page of a run; the artifact holds it as :data:`REPORT`, and :data:`PICTURES` for the UI.

    Parameters
    ----------
    findings
        What the run found.
    publication
        Where the run is, or would be, published: earlier publications of the dataset show the drift.
    data
        Events that the lists were made from.
    models
        What the run trained and evaluated.
    others
        More artifacts, for the lineage; with ``predictions`` the page has the sections on the lists, with
        :data:`CLOSER_LOOK` those on the winner.
    section
        What of the log is shown.

    """
    earlier = earlier_runs(publication)
    changed = _changed(publication, others.get("predictions"))
    shown = (section or ReportSection()).rejected_samples
    return report(
        findings, earlier, data, models, dict(others), changed, sha256_of(TEMPLATES / TEMPLATE), shown
    )


def _changed(publication: Publication, predictions: store.ArtifactRef | None) -> float | None:
    """Share of the places of lists that changed since the newest publication of an earlier day."""
    before = earlier_publications(publication)
    if predictions is None or not before:
        return None
    return changed_share(*(each.folder / PREDICTIONS for each in (predictions, before[-1])))


def earlier_publications(publication: Publication) -> list[Publication]:
    """The newest publication of each earlier day, oldest first."""
    by_day: dict[date, Publication] = {}
    for each in publications(publication.dataset):
        if publication.as_of and each.as_of and each.as_of < publication.as_of:
            known = by_day.get(each.as_of)
            if known is None or known.manifest["created_at"] <= each.manifest["created_at"]:
                by_day[each.as_of] = each
    return [by_day[day] for day in sorted(by_day)]


def earlier_runs(publication: Publication) -> list[RunFigures]:
    """Figures of the newest publication of each earlier day, oldest first."""
    figures = (_figures(each) for each in reversed(earlier_publications(publication)))
    readable = (each for each in figures if each is not None)
    return list(islice(readable, N_RUNS))[::-1]


def _figures(publication: Publication) -> RunFigures | None:
    """Figures of a publication; None, and reported, where its summary is damaged."""
    try:
        return RunFigures.read(read_json(publication.part("summary.json")))
    except DamagedError as error:
        report_damage(f"left out of the report's earlier runs: {error}")
    except (ValidationError, TypeError) as error:
        report_damage(f"left out of the report's earlier runs: {publication.path}/summary.json: {error}")
    return None
