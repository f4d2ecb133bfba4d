"""The run for whoever owns the shop: a paragraph without jargon, made from its summary. Pure."""

from data_contracts.evaluation import Scenario
from data_contracts.run_summary import RunFindings
from tasks.report.text import shown

BESTSELLERS = ("popularity", "recent_popularity")
"""Kinds of models that show everybody the same."""
HITS = (("basket_precision", "in the next basket"), ("precision", "taken in the time held out"))
"""Metrics that are a share of the items shown, and what that share did."""


def paragraph(findings: RunFindings, changed: float | None) -> list[str]:
    """Sentences on what was published, what it would have been worth, what it trades away, and the log.

    Parameters
    ----------
    findings
        What the run found.
    changed
        Share of the places of lists that changed since the publication before; None where there is none.

    """
    said = [_published(findings), *_worth(findings), *_trade(findings)]
    if changed is not None:
        said.append(f"Tonight's lists change {percent(changed)} of the places of the lists before.")
    return [*said, _rejected(findings)]


def percent(share: float) -> str:
    """A share for people: ``12 %``, ``0.4 %``."""
    return f"{100 * share:.{0 if share >= 0.1 or not share else 1}f} %"


def _published(findings: RunFindings) -> str:
    gate, users = findings.gate, findings.counts.users
    if not gate.publishes:
        why = (
            "were not good enough" if gate.verdict == "closed" else "could not be judged: too little is known"
        )
        return f"No new lists went out tonight, for they {why}; the shop shows what it showed before."
    whose = "" if users is None else f" for {users:,} customers"
    return f"Tonight's lists{whose} are those of {shown(gate.winner)}, the best of {len(findings.models)} ways that were compared."


def hits(findings: RunFindings, name: str, scenario: Scenario) -> tuple[float, int, str] | None:
    """Items of a list that were taken, the length of the list, and how they were taken; None if no metric says so."""
    metrics = findings.models[name].metrics(scenario)
    decided = findings.gate.metric.partition("@")[2]
    for metric, done in HITS:
        found = metrics.get(f"{metric}@{decided}")
        if decided and found is not None:
            return found.value * int(decided), int(decided), done
    return None


def _best(findings: RunFindings, names: list[str], scenario: Scenario) -> tuple[str, float] | None:
    known = [(name, found[0]) for name in names if (found := hits(findings, name, scenario)) is not None]
    return max(known, key=lambda each: each[1], default=None)


def _worth(findings: RunFindings) -> list[str]:
    gate = findings.gate
    found = hits(findings, gate.winner, gate.scenario)
    if found is None:
        return []
    said = f"Tried on customers' most recent shopping, of {found[1]} items shown {found[0]:.2g} {_was(found[0])} {found[2]}"
    plain = [name for name, model in findings.models.items() if model.kind in BESTSELLERS]
    best = _best(findings, [name for name in plain if name != gate.winner], gate.scenario)
    return [f"{said}; bestsellers would have had {best[1]:.2g}." if best else f"{said}."]


def _was(n: float) -> str:
    return "was" if f"{n:.2g}" == "1" else "were"


def _trade(findings: RunFindings) -> list[str]:
    winner = findings.gate.winner
    found = hits(findings, winner, "discovery")
    best = _best(findings, list(findings.models), "discovery")
    if found is None or best is None or findings.gate.scenario == "discovery":
        return []
    said = f"Counting only what a customer never had before, it is {found[0]:.2g} of {found[1]}"
    if best[0] == winner or best[1] - found[0] < 0.01:
        return [f"{said}, and no other way finds clearly more."]
    would = f"{shown(best[0])} would find {best[1]:.2g}"
    return [f"{said}; {would}. The lists give up those discoveries for things that customers buy again."]


def _rejected(findings: RunFindings) -> str:
    counts = findings.counts
    if not counts.rows_rejected or not counts.rows_read:
        return "No row of the log was rejected."
    reason = max(counts.rejected, key=lambda each: counts.rejected[each], default=None)
    most = "" if reason is None else f", mostly: {shown(reason.replace('_', ' '))}"
    return f"{percent(counts.rows_rejected / counts.rows_read)} of the log's rows were rejected{most}."
