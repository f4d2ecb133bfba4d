"""What a run leaves in the Prefect UI: the table of metrics, the gate's decision, what was rejected."""

from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.context import FlowRunContext

SHOWN = ("precision", "recall", "ndcg", "coverage")


def leave(summary: dict[str, Any]) -> None:
    """Create the run's artifacts; outside a flow run there is nowhere to put them."""
    if FlowRunContext.get() is None:
        return
    gate = summary["gate"]
    title = f"{summary['dataset']} as of {summary['as_of']}"
    create_table_artifact(
        key="metrics",
        table=metric_rows(summary),
        description=f"{title}: {gate['scenario']} {gate['metric']} decides; {summary['split']}",
    )
    create_table_artifact(
        key="gate",
        table=[
            {key: str(rule[key]) for key in ("name", "value", "limit", "passed", "level", "meaning")}
            for rule in gate["rules"]
        ],
        description=f"gate {'open' if gate['open'] else 'closed'}, winner {gate['winner']}",
    )
    rejected = summary["counts"]["rejected"]
    lines = [f"| {reason} | {count:,} |" for reason, count in rejected.items()]
    create_markdown_artifact(
        key="quarantine",
        markdown="\n".join(["| reason | rows |", "|---|---|", *lines]),
        description="rejected rows by reason; a row may have several",
    )
    create_link_artifact(
        key="report",
        link=Path(summary["report"]).as_uri(),
        link_text=f"Report: {summary['report']}",
        description=f"{title}: what was decided and why, on one page",
    )


def metric_rows(summary: dict[str, Any]) -> list[dict[str, str]]:
    """One row a model: the deciding metric with its interval, and a few more of the same scenario."""
    gate = summary["gate"]
    k = gate["metric"].partition("@")[2]
    rows = []
    for name, model in summary["models"].items():
        values = model[gate["scenario"]]
        row = {"model": name, gate["metric"]: _with_interval(values.get(gate["metric"]))}
        for metric in (f"{each}@{k}" for each in SHOWN):
            if metric in values and metric != gate["metric"]:
                row[metric] = f"{values[metric]['value']:.4f}"
        row["fit s"] = f"{model['seconds']['fit']:.1f}"
        rows.append(row)
    return rows


def _with_interval(entry: dict[str, float] | None) -> str:
    if entry is None:
        return "-"
    return f"{entry['value']:.4f} [{entry['low']:.4f}, {entry['high']:.4f}]"
