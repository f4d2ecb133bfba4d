"""Terminal output of a run: a line per step while it works, then tables."""

import re
import sys
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from data_contracts.columns import ITEM_ID, MODEL, RANK, SCORE, TITLE
from data_contracts.evaluation import RuleResult
from data_contracts.run_summary import GateResult, RunSummary
from flows.plain_text import printed_to
from flows.tables import cell, printable, rows_table
from flows.ui_artifacts import metric_rows
from tasks.report.headline import headline
from tasks.report.text import found_rows
from tasks.runtime.progress import Silent

EXAMPLE_ITEMS = 5

BROKEN = {
    "fail": Text("failed", "red"),
    "warn": Text("warning", "yellow"),
    "evidence": Text("too little known", "yellow"),
}
COLOURS = {"open": "green", "closed": "red", "undecided": "yellow"}


class TerminalListener:
    """A bar for the step at work and a line per finished step; lines only if the output is not a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def started(self, step: str) -> None:
        """Show a bar of unknown length."""
        self._bars[step] = self.progress.add_task(printable(step), total=None, note="")

    def advanced(self, step: str, done: int, total: int, figures: dict[str, float]) -> None:
        """Move the step's bar."""
        if step in self._bars:
            note = "  ".join(f"{name} {value:.4g}" for name, value in list(figures.items())[:1])
            self.progress.update(self._bars[step], completed=done, total=total or None, note=note)

    def finished(self, step: str, seconds: float, *, reused: bool, facts: dict[str, Any]) -> None:
        """Turn the bar into a line."""
        if step in self._bars:
            self.progress.remove_task(self._bars.pop(step))
        took = "reused" if reused else f"{seconds:.1f} s"
        self.console.print(Text.assemble(("  ✓ ", "green"), f"{printable(step):<44}", (f"{took:>8}", "dim")))
        for warning in facts.get("warnings", ()):
            self.console.print(Text(printable(f"  ! {warning}"), "yellow"), soft_wrap=True)


class QuietListener(Silent):
    """Prints warnings, each once, and nothing else."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.warned: set[str] = set()

    def finished(self, step: str, seconds: float, *, reused: bool, facts: dict[str, Any]) -> None:
        """Print what the step warns of."""
        for warning in facts.get("warnings", ()):
            if warning not in self.warned:
                self.warned.add(warning)
                self.console.print(Text(printable(f"! {warning}"), "yellow"), soft_wrap=True)


def quiet_words(summary: RunSummary) -> list[str]:
    """What a quiet run still says: models left out, and an ending other than lists that are live or were rehearsed."""
    said = [f"{each.name} is left out; its {each.stage} failed: {each.reason}" for each in summary.left_out]
    broken = [rule for rule in summary.gate.rules if rule.broken]
    if broken or not summary.gate.publishes:
        said.append(f"{summary.dataset} as of {summary.as_of}: {headline(summary)}")
    return said


def show(summary: RunSummary, examples: dict[str, list[dict[str, Any]]], picture: Path | None = None) -> None:
    """Print a run's summary and a few users' lists on stdout; `picture` keeps it as an SVG, too."""
    # Piped output has no width of its own: tables must not be cut to 80 columns.
    console = Console(
        file=printed_to(sys.stdout), width=None if sys.stdout.isatty() else 120, record=picture is not None
    )
    counts, gate = summary.counts, summary.gate
    console.print(
        f"\n[bold]{summary.dataset}[/bold] as of {summary.as_of}: "
        f"{counts.rows_read:,} rows read, {counts.rows_accepted:,} accepted "
        f"({counts.anonymous:,} without a user), {counts.rows_rejected:,} rejected; {summary.split}"
    )
    console.print(_scored(summary), soft_wrap=not console.is_terminal)
    if found := found_rows(counts):
        shown = [{**row, "rows": f"{row['rows']:,}"} for row in found]
        console.print(rows_table(shown, "what the contract found", console.width))
    if summary.rules is not None:
        console.print(_shop_rules(summary), soft_wrap=True)
    for each in summary.left_out:
        console.print(
            Text(printable(f"! {each.name} is left out; its {each.stage} failed: {each.reason}"), "yellow")
        )
    console.print(_metrics(summary, console.width))
    console.print(_rules(gate, console.width))
    verdict, who = (
        f"[{COLOURS[gate.verdict]}]{gate.verdict}[/]",
        "fallback" if gate.verdict == "undecided" else "winner",
    )
    console.print(f"The gate is {verdict}; {who}: [bold]{gate.winner}[/bold]", _why(gate))
    for user_id, rows in examples.items():
        console.print(_example(user_id, rows, console.width))
    if counts.late_outliers:
        told = f"! {counts.late_outliers:,} events after {counts.last_regular_event_time} look mistyped: they do not decide the day"
        console.print(Text(told, "yellow"), soft_wrap=True)
    where = "Predictions" if summary.published else "Not published; what was found"
    console.print(f"{where}: {printable(summary.path)}", soft_wrap=True)
    console.print(f"Report: {printable(summary.report)}", soft_wrap=True)
    if picture is not None:
        # Rich loads fonts from a public server; the picture must work without a network.
        svg = re.sub(
            r"@font-face\s*\{.*?\}", "", console.export_svg(title="shelftalker run"), flags=re.DOTALL
        )
        picture.write_text(svg, "utf-8")


def tuned_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per tuned model: the metric before and after tuning, and the parameters."""
    return [
        {
            "model": name,
            "before": found["start"],
            "best": found["value"],
            "trials": f"{found['trials']} ({found['pruned']} pruned)",
            "parameters": ", ".join(f"{key} {_short(value)}" for key, value in found["parameters"].items()),
        }
        for name, found in result["models"].items()
        if "value" in found
    ]


def _shop_rules(summary: RunSummary) -> Text:
    """One line on the shop's own rules."""
    assert summary.rules is not None
    rules, held_out = summary.rules, summary.counts.holdout
    parts = [f"rules: {rules.allowed_items:,} of {rules.items:,} items may be shown"]
    taken = [f"{each.rule} {each.places:,}" for each in rules.rules if each.places]
    if rules.compared_places:
        parts.append(f"of {rules.compared_places:,} places they take {', '.join(taken) or 'none'}")
    if rules.unfilled_lists:
        parts.append(f"{rules.unfilled_lists:,} of {rules.lists or 0:,} lists are not full")
    if held_out.n_forbidden_pairs:
        parts.append(
            f"left out of the hold-out: {held_out.n_forbidden_pairs:,} pairs, {held_out.n_users_left_out or 0:,} users"
        )
    return Text(printable("; ".join(parts)))


def _scored(summary: RunSummary) -> str:
    """Users and baskets that the models are compared on."""
    held_out = summary.counts.holdout
    said = f"scored: {held_out.n_users:,} users ({held_out.n_known_users:,} known before)"
    if held_out.n_baskets:
        said += f", {held_out.n_baskets:,} baskets ({held_out.n_known_baskets:,} of known users)"
    return said


def _metrics(summary: RunSummary, width: int) -> Table:
    gate = summary.gate
    rows = metric_rows(summary)
    # What decides, and what was paid for it; the report has them all.
    first = [*list(rows[0])[:2], *(name for name in rows[0] if name.endswith(" s"))]
    styles = ["bold green" if row["model"] == gate.winner else "" for row in rows]
    title = f"models, {gate.scenario} scenario (95 % intervals)"
    return rows_table(rows, title, width, first=first, whole=True, styles=styles)


def _rules(gate: GateResult, width: int) -> Table:
    rows = [
        {"rule": rule.name, **dict(zip(("value", "limit"), _compared(rule), strict=True)), "": _mark(rule)}
        for rule in gate.rules
    ]
    return rows_table(rows, "gate", width, first=("",))


def _mark(rule: RuleResult) -> Text:
    if rule.passed is None:
        return Text("does not apply", "dim")
    return BROKEN[rule.level] if rule.broken else Text("passed", "green")


def _compared(rule: RuleResult) -> tuple[str, str]:
    """What a rule compares; of hashes, which the report has, only whether they are the same."""
    if isinstance(rule.value, str) or isinstance(rule.limit, str):
        return ("the same" if rule.value == rule.limit else "another"), "the same"
    return _short(rule.value), _short(rule.limit)


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, int | float) else f"{str(value)[:8]}…"


def _why(gate: GateResult) -> str:
    if gate.verdict == "undecided":
        lacking = ", ".join(rule.name for rule in gate.rules if rule.broken and rule.level == "evidence")
        done = (
            "it goes out, for nothing was live" if gate.publishes else "nothing goes out, what is live stays"
        )
        return f"(too little is known: {lacking}; {done})"
    if gate.winner == gate.best_baseline:
        return "(the best baseline: no candidate surely beats it)"
    found = gate.differences[gate.winner]
    return f"(+{found.value:.4f} [{found.low:.4f}, {found.high:.4f}] over {gate.best_baseline})"


def _example(user_id: str, rows: list[dict[str, Any]], width: int) -> Table:
    rows = rows[:EXAMPLE_ITEMS]
    makers = {row[MODEL] for row in rows}
    names = (RANK, ITEM_ID, TITLE, SCORE) if len(makers) == 1 else (RANK, ITEM_ID, TITLE, SCORE, MODEL)
    shown = [{name: row[name] for name in names if row.get(name) is not None} for row in rows]
    by = f", by {cell(makers.pop())}" if len(makers) == 1 else ""
    return rows_table(shown, f"user {cell(user_id)}{by}", width)
