"""Artifacts of a run in the Prefect UI: the table of metrics, the gate's decision, what was rejected."""

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prefect.artifacts import (
    create_image_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.context import FlowRunContext

from data_contracts.evaluation import Interval, Scenario
from data_contracts.metrics import METRICS, parse_metric
from data_contracts.run_summary import GateResult, RunSummary
from flows.not_live import not_live
from tasks.report.data_uris import PICTURES, as_key
from tasks.report.headline import headline
from tasks.report.text import best_first, decision, figure, found_rows, mark, shown, shown_k
from tasks.runtime import store
from tasks.runtime.files import read_json

HEX = re.compile(r"\b[0-9a-f]{32,}\b")
"""Hashes in a sentence: nobody reads 64 digits."""
SHOWN = ("rmse", "mae", "ndcg", "precision", "recall", "coverage")
"""Metrics beside the one that decides."""
N_TOP, N_COLUMNS = 5, 5
"""Models, and columns, in the table of the report's artifact: as many as the UI shows without cutting."""
REPORTS_URL = "SHELFTALKER_REPORTS_URL"
"""Environment variable: address of a server that shows the reports of this home."""


def create(summary: RunSummary, page: store.ArtifactRef) -> None:
    """Create the run's artifacts, with the pictures drawn beside its page; outside a flow run, create none.

    Keys begin with the dataset, for the UI shows the versions of a key as one history.
    """
    if FlowRunContext.get() is None:
        return
    title, key = f"{summary.dataset} as of {summary.as_of}", partial(key_of, summary.dataset)
    if summary.live is False:
        # Whoever reads it sits before a browser: the command must say which home is meant.
        said = not_live(summary, store.home())
        create_markdown_artifact(key=key("not-live"), markdown=said, description=title)
    tables = {
        "profile": (profile_rows(summary), f"{title}: what was read"),
        "quarantine": (
            found_rows(summary.counts),
            f"{title}: what the contract found; a row may have several reasons",
        ),
        "metrics": (
            metric_rows(summary),
            f"{title}: {summary.gate.scenario} {summary.gate.metric} decides; {summary.split}",
        ),
        "gate": (gate_rows(summary.gate), gate_text(summary.gate)),
    }
    if summary.rules is not None:
        rules = [rule.to_json() for rule in summary.rules.rules]
        tables["rules"] = (
            rules,
            f"{title}: items that the shop's rules forbid, and places of lists that they take",
        )
    for name, (rows, meaning) in tables.items():
        create_table_artifact(key=key(name), table=rows, description=meaning)
    pictures = read_json(page.folder / PICTURES)
    for name, (picture, meaning) in pictures.items():
        create_image_artifact(image_url=picture, key=key(name), description=f"{title}: {meaning}")
    create_markdown_artifact(
        key=key("report"),
        markdown=report_text(summary, pictures),
        description=f"{title}: what was decided and why",
    )


def key_of(dataset: str, name: str) -> str:
    """Key of an artifact of a dataset."""
    return f"{as_key(dataset)}-{name}"


def report_text(summary: RunSummary, pictures: Mapping[str, Sequence[str]]) -> str:
    """The verdict, the best models and the pictures in Markdown, and the way to the whole report.

    Parameters
    ----------
    summary
        Of the run.
    pictures
        For each name a data URI, and what it shows.

    """
    rows = [dict(list(row.items())[:N_COLUMNS]) for row in metric_rows(summary)[:N_TOP]]
    table = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    lines = ["| " + " | ".join(map(_escaped, row)) + " |" for row in table]
    drawn = [f"![{_escaped(meaning)}]({picture})" for picture, meaning in pictures.values()]
    said = "\n".join(f"- {_escaped(sentence)}" for sentence in decision(summary))
    link = f"[The whole report]({address(summary.report)})"
    return "\n\n".join([f"**{_escaped(headline(summary))}**", said, "\n".join(lines), *drawn, link])


def _escaped(text: str) -> str:
    """Text that Markdown shows as it stands: names come from dataset files."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)


def gate_rows(gate: GateResult) -> list[dict[str, str]]:
    """One row per rule: what was found, the limit and how it ended; numbers and hashes shortened.

    What a rule means is a sentence, which the UI would cut: :func:`gate_text` has those of broken rules.
    """
    return [
        {
            "rule": rule.name,
            "found": figure(rule.value),
            "limit": figure(rule.limit),
            "result": mark(rule)[1],
        }
        for rule in gate.rules
    ]


def gate_text(gate: GateResult) -> str:
    """The verdict, and what each broken rule means."""
    broken = [
        f"{rule.name}: {HEX.sub(lambda found: shown(found[0], 12), rule.meaning)}"
        for rule in gate.rules
        if rule.broken
    ]
    return "; ".join([f"gate {gate.verdict}, winner {gate.winner}", *broken])


def address(report: str) -> str:
    """URL of a file of the home: on the report server if there is one, else on this disk."""
    path, server = Path(report), os.environ.get(REPORTS_URL)
    if server and path.is_relative_to(store.home()):
        return f"{server.rstrip('/')}/{quote(path.relative_to(store.home()).as_posix())}"
    return path.as_uri()


def profile_rows(summary: RunSummary) -> list[dict[str, str]]:
    """What was read, trained on and held out, one fact per row."""
    counts = summary.counts.to_json()
    facts = {name: value for name, value in counts.items() if not isinstance(value, dict)}
    facts |= {f"held out: {name}": value for name, value in counts["holdout"].items()}
    return [{"fact": name.replace("_", " "), "value": _plain(value)} for name, value in facts.items()]


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def metric_rows(summary: RunSummary) -> list[dict[str, str]]:
    """One row per model, best first: the deciding metric with its interval in both scenarios, a few more, and seconds."""
    decides, scenario = summary.gate.metric, summary.gate.scenario
    k, results = shown_k(summary), summary.deciding_metrics
    names = [METRICS[each].written(k if METRICS[each].takes_k else None) for each in SHOWN]
    others = [each for each in names if each != decides and any(each in known for known in results.values())]
    other: Scenario = "discovery" if scenario == "repeat" else "repeat"
    rows = []
    for name in best_first(results, decides):
        metrics, model = results[name], summary.models[name]
        row = {"model": name, decides: _with_interval(metrics.get(decides))}
        # Errors of ratings know no lists, so that they are the same in both.
        if parse_metric(decides).metric.reads != "ratings":
            row[f"{other} {decides}"] = _with_interval(model.metrics(other).get(decides))
        row |= {each: f"{metrics[each].value:.4f}" if each in metrics else "-" for each in others}
        rows.append(row | {"fit s": f"{model.seconds.fit:.1f}", "score s": f"{model.seconds.score:.1f}"})
    return rows


def _with_interval(entry: Interval | None) -> str:
    return "-" if entry is None else f"{entry.value:.4f} [{entry.low:.4f}, {entry.high:.4f}]"
