"""What `shelftalker check` prints."""

import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from data_contracts.check_result import CheckResult, ModelExpected, WindowCounts
from data_contracts.columns import EVENT_TIME
from flows.tables import printable, rows_table

PIPED_WIDTH = 100
"""Of output that is no terminal."""


def show_check(found: CheckResult, console: Console | None = None) -> None:
    """Print what was found, in tables that fit the terminal."""
    out = console or Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    out.print(Text(printable(f"{found.dataset}: {found.file}"), "bold"), soft_wrap=True)
    if found.source is not None:
        out.print(Text(printable(f"the log: {found.source}")), soft_wrap=True)
    out.print(rows_table([each.model_dump() for each in found.mapping], "what is read as what", out.width))
    out.print(Text(printable(f"an event weighs: {found.feedback}")))
    if found.rows:
        shown = [{**row, EVENT_TIME: _minute(row[EVENT_TIME])} for row in found.rows]
        out.print(rows_table(_alike(shown), f"the first {len(found.rows)} events", out.width))
    _contract(found, out)
    if found.split is not None:
        _divided(found, out)
    if found.models:
        _models(found, out)


def _contract(found: CheckResult, out: Console) -> None:
    if found.rows_read is not None:
        out.print(
            f"{found.rows_read:,} rows read, {found.rows_accepted:,} accepted ({found.anonymous:,} without a user), "
            f"{found.rows_rejected:,} rejected"
        )
    rules = [
        {
            "reason": each.reason,
            "rows": "not known" if each.rows is None else f"{each.rows:,}",
            "limit": f"{each.limit:.1%}",
            "rule": each.rule,
            "rows go": "into quarantine" if each.action == "quarantine" else "on, counted",
        }
        for each in found.contract
    ]
    out.print(rows_table(rules, "what the contract found", out.width))
    if found.quarantined:
        rows = [{**row, "reasons": ", ".join(row.get("reasons") or ())} for row in found.quarantined]
        out.print(rows_table(_alike(rows), "in quarantine, for example", out.width))
    for warning in found.warnings:
        out.print(Text(printable(f"! {warning}"), "yellow"), soft_wrap=True)


def _divided(found: CheckResult, out: Console) -> None:
    assert found.split is not None
    train, held = found.split.train, found.split.holdout
    rows = [
        {"part": "trained on", **_counts(train), "known users": "", "scored": ""},
        {
            "part": "held out",
            **_counts(held),
            "known users": f"{held.known_users:,}",
            "scored": f"{held.scored_users:,}",
        },
    ]
    out.print(rows_table(rows, f"the split: {printable(found.split.how)}", out.width))


def _counts(window: WindowCounts) -> dict[str, Any]:
    found = {"users": window.users, "baskets": window.baskets, "events": window.events, "items": window.items}
    counted = {name: f"{count:,}" for name, count in found.items() if count is not None}
    days = {"first": window.first, "last": window.last}
    return counted | {name: time[:10] for name, time in days.items() if time}


def _models(found: CheckResult, out: Console) -> None:
    rows = [
        {
            "model": each.name,
            "minutes": _figure(each.minutes),
            "GB": _figure(each.memory_gb),
            "as": _part(each),
            "kind": each.kind,
        }
        for each in found.models
    ]
    out.print(rows_table(rows, "what a run would train", out.width))
    for each in found.models:
        if each.problem is not None:
            out.print(Text(printable(f"! {each.problem}"), "yellow"), soft_wrap=True)
    for name, why in found.left_out.items():
        out.print(Text(printable(f"! {name} is left out: {why}"), "yellow"), soft_wrap=True)
    out.print(
        f"Reading took {found.seconds_to_read:.1f} s; expect some {_figure(found.minutes_to_train)} minutes of training, the winner's "
        f"second one included, and {_figure(found.memory_gb)} GB at its height, of {found.memory_limit_gb:.1f} GB that a model may take. "
        "Nothing was trained."
    )


def _part(model: ModelExpected) -> str:
    if model.problem is not None:
        return "left out"
    return "baseline" if model.baseline else "candidate"


def _minute(time: str | None) -> str | None:
    return None if time is None else time[:16].replace("T", " ")


def _figure(value: float | None) -> str:
    return "< 0.01" if not value or value < 0.01 else f"{value:.2g}"


def _alike(rows: tuple[dict[str, Any], ...] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the columns that are empty in all of them."""
    used = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    return [{name: row[name] for name in used} for row in rows]
