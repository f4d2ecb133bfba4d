"""A run in one sentence: the message of its state, the last line of its log, the subject of a notification."""

from data_contracts.run_summary import RunFindings, RunSummary
from tasks.report.text import broken_rules, figure


def headline(summary: RunSummary) -> str:
    """What became of a run: the winner, the metric that decided, the verdict and, where a rule is broken, which."""
    gate = summary.gate
    return (
        f"{_became(summary)}: {reached(summary)}; gate {gate.verdict}{_broken(summary)}{_rejected(summary)}"
    )


def title(summary: RunSummary) -> str:
    """The same in a few words, for lists of runs."""
    gate = summary.gate
    found = summary.deciding_metrics[gate.winner].get(gate.metric)
    value = "" if found is None else f", {gate.metric} {figure(found.value)}"
    return f"{_became(summary)}{value}, gate {gate.verdict}"


def reached(findings: RunFindings) -> str:
    """The winner's value of the metric that decides, with its interval, and the gain over the best baseline."""
    gate = findings.gate
    found = findings.deciding_metrics[gate.winner].get(gate.metric)
    if found is None:
        return f"no {gate.metric} is known"
    said = f"{gate.metric} {figure(found.value)} ({figure(found.low)} to {figure(found.high)})"
    gain = findings.gate.differences.get(gate.winner)
    if gain is None or gate.winner == gate.best_baseline:
        return f"{said}, the best baseline"
    return f"{said}, {gain.value:+.4f} over {gate.best_baseline}"


def _became(summary: RunSummary) -> str:
    winner = summary.gate.winner
    if summary.live is False:
        return f"{winner} published, not live"
    if summary.published:
        return f"{winner} published"
    if summary.gate.publishes:
        return f"{winner} made, not published"
    return f"nothing published, {winner} was best"


def _broken(findings: RunFindings) -> str:
    gate = findings.gate
    level = {"open": "warn", "closed": "fail", "undecided": "evidence"}[gate.verdict]
    said = [
        f"{rule.name} is {figure(rule.value)}, limit {figure(rule.limit)}"
        for rule in broken_rules(gate, level)
    ]
    return f" ({'; '.join(said)})" if said else ""


def _rejected(findings: RunFindings) -> str:
    counts = findings.counts
    if not counts.rows_rejected:
        return ""
    return f"; {counts.rows_rejected:,} of {counts.rows_read:,} rows rejected"
