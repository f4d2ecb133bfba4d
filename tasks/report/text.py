"""Texts and tables of the report, made from a run's summary alone. Pure: values in, text out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from data_contracts.evaluation import SCENARIOS, Interval, RuleResult
from data_contracts.metrics import METRICS, Metric, parse_metric
from data_contracts.run_summary import Counts, GateResult, Metrics, RunFindings

Slices = Mapping[str, Metrics]
"""Metrics of one model by group of users or items, such as ``history 1-2``."""

LONGEST_ID = 60

NOTHING = "\N{EN DASH}"
"""Shown where there is no number."""


def shown(value: Any, longest: int = LONGEST_ID) -> str:
    """Text from a log for display: shortened, with escapes for characters that do not print."""
    text = "" if value is None else str(value)
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def figure(value: Any) -> str:
    """Format a number, with at most four decimals."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    if isinstance(value, str):
        return shown(value, 12)
    if float(value).is_integer():
        return f"{value or 0:,.0f}"  # no minus before a zero
    return f"{value:,.4f}" if abs(value) < 100 else f"{value:,.1f}"


def decision(findings: RunFindings) -> list[str]:
    """The decision and its reasons, in a few sentences."""
    gate = findings.gate
    found = findings.deciding_metrics[gate.winner].get(gate.metric)
    reached = f"{gate.winner} reaches {gate.metric} {_interval(found)} in the {gate.scenario} scenario."
    if gate.verdict == "undecided":
        return [*_verdict(gate), reached]
    return [*_verdict(gate), reached, _against_baseline(gate), *_against_live(gate)]


def _verdict(gate: GateResult) -> list[str]:
    failed, lacking, warnings = (broken_rules(gate, level) for level in ("fail", "evidence", "warn"))
    stays = "Nothing was published; what was live stays live."
    fallback = f"Nothing was live, so the lists of the fallback, {gate.winner}, go out."
    n_rules = len(gate.rules)
    first = {
        "open": f"The gate is open: no rule of {n_rules} failed, so the lists of {gate.winner} may be shown.",
        "closed": f"The gate is closed: {len(failed)} of {n_rules} rules failed. {stays}",
        "undecided": "The gate is undecided: too little is known to say which model is best. "
        + (fallback if gate.publishes else stays),
    }[gate.verdict]
    return [
        first,
        *(f"{_broken(rule)}." for rule in failed),
        *(f"Too little is known: {_broken(rule)}." for rule in lacking),
        *(f"Warning, which does not close the gate: {_broken(rule)}." for rule in warnings),
    ]


def broken_rules(gate: GateResult, level: str) -> list[RuleResult]:
    """Rules of one level that apply and were not kept."""
    return [rule for rule in gate.rules if rule.broken and rule.level == level]


MARKS = {
    "fail": ("failed", "failed"),
    "warn": ("warning", "warning"),
    "evidence": ("warning", "too little known"),
}


def mark(rule: RuleResult) -> tuple[str, str]:
    """How a rule ended: the style, and the word."""
    if rule.passed is None:
        return "quiet", "does not apply"
    return MARKS[rule.level] if rule.broken else ("passed", "passed")


def definition(metric: Metric) -> str:
    """What a metric means, and in which direction it is better."""
    return metric.definition + ("" if metric.direction == "higher" else "; less is better")


def _broken(rule: RuleResult) -> str:
    return f"{rule.name} is {figure(rule.value)}, the limit is {figure(rule.limit)}: {rule.meaning}"


def _against_baseline(gate: GateResult) -> str:
    best = gate.best_baseline
    difference = gate.differences.get(gate.winner)
    if difference is not None and gate.winner != best:
        return (
            f"Compared with the best baseline, {best}, the gain is {_interval(difference, '+')}: "
            "the whole interval lies above zero."
        )
    if not gate.differences:
        return "It is the best baseline; there was no other candidate."
    name, nearest = max(gate.differences.items(), key=lambda each: each[1].value)
    return (
        f"It is the best baseline, and no candidate is significantly better; the closest is {name} with a "
        f"gain of {_interval(nearest, '+')}."
    )


def _against_live(gate: GateResult) -> list[str]:
    rule = next((each for each in gate.rules if each.name == "not_worse_than_live"), None)
    if rule is None:
        return []
    if rule.value is None:
        return [f"There was no comparison with what was live before: {rule.meaning}."]
    return [
        (
            f"Compared with what was live before, the low end of the interval of the gain is "
            f"{figure(rule.value)}; the limit is {figure(rule.limit)}."
        )
    ]


def _interval(entry: Interval | None, sign: str = "") -> str:
    if entry is None:
        return NOTHING
    return f"{entry.value:{sign}.4f} (95 %: {entry.low:{sign}.4f} to {entry.high:{sign}.4f})"


def metric_tables(findings: RunFindings) -> list[dict[str, Any]]:
    """One table per scenario: all models, best first, all metrics at the deciding list length."""
    gate = findings.gate
    k = shown_k(findings)
    every = [each.written(k if each.takes_k else None) for each in METRICS.values() if k or not each.takes_k]
    others = [name for name in every if name != gate.metric]
    tables = []
    for scenario in sorted(SCENARIOS, key=lambda each: each != gate.scenario):
        models = {name: model.metrics(scenario) for name, model in findings.models.items()}
        known = [name for name in (gate.metric, *others) if any(name in model for model in models.values())]
        rows = [
            {
                "model": name,
                "winner": name == gate.winner,
                "cells": [models[name].get(metric) for metric in known],
            }
            for name in best_first(models, gate.metric)
        ]
        decides = scenario == gate.scenario
        tables.append({"scenario": scenario, "decides": decides, "metrics": known, "rows": rows})
    return tables


def best_first(models: Mapping[str, Metrics], metric: str) -> list[str]:
    """Names by the metric, best first; ties in the order given, models without it last."""
    gain = parse_metric(metric).metric.gain
    worth = {
        name: gain(found[metric].value) if metric in found else -math.inf for name, found in models.items()
    }
    return sorted(models, key=lambda name: -worth[name])


def shown_k(findings: RunFindings) -> int | None:
    """List length of the deciding metric; the longest in the summary where it takes none."""
    k = parse_metric(findings.gate.metric).k
    if k is not None:
        return k
    found = [parse_metric(name).k for model in findings.models.values() for name in model.repeat]
    return max((each for each in found if each is not None), default=None)


def sliced_metric(findings: RunFindings) -> str:
    """The metric that is shown for parts of the users: the deciding one, or ndcg where that has no parts."""
    metric = findings.gate.metric
    if parse_metric(metric).metric.reads in {"lists", "baskets"}:
        return metric
    return METRICS["ndcg"].written(shown_k(findings) or 1)


def main_models(findings: RunFindings, n: int = 5) -> list[str]:
    """The winner, the best baseline and the best of the others: as many as a figure can tell apart."""
    gate = findings.gate
    ranked = best_first(findings.deciding_metrics, gate.metric)
    return list(dict.fromkeys((gate.winner, gate.best_baseline, *ranked)))[:n]


def slice_table(slices: Mapping[str, Slices], metric: str, models: Iterable[str]) -> list[dict[str, Any]]:
    """One row per model, one cell per slice."""
    return [
        {"model": name, "cells": [finite(part.get(metric)) for part in slices[name].values()]}
        for name in models
    ]


def finite(entry: Interval | None) -> Interval | None:
    """None for an entry without a value: a slice may be empty."""
    if entry is None or not all(map(math.isfinite, (entry.value, entry.low, entry.high))):
        return None
    return entry


def share_of_top(values: Sequence[float], weights: Sequence[float], top: float) -> float:
    """Share of `weights` that belongs to the top share of entries by `values`."""
    order = sorted(range(len(values)), key=lambda at: -values[at])
    first = order[: max(1, round(top * len(order)))]
    total = float(sum(weights))
    return sum(float(weights[at]) for at in first) / total if total else 0.0


def found_rows(counts: Counts) -> list[dict[str, Any]]:
    """One row per reason for which the contract rejected, noticed or changed rows, and what was done with them."""
    found = (
        (counts.rejected, "quarantined"),
        (counts.counted, "kept, counted"),
        (counts.normalised, "normalised"),
    )
    types = [
        {"reason": f"event type {name}", "rows": rows, "done": "accepted"}
        for name, rows in (counts.event_types or {}).items()
    ]
    return types + [
        {"reason": reason.replace("_", " "), "rows": rows, "done": done}
        for reasons, done in found
        for reason, rows in sorted(reasons.items(), key=lambda each: -each[1])
        if rows
    ]


def shop_rules(findings: RunFindings) -> str:
    """What the shop's own rules did, in a few sentences; empty where it has none."""
    rules, held_out = findings.rules, findings.counts.holdout
    if rules is None:
        return ""
    said = [f"The shop's rules let {rules.allowed_items:,} of {rules.items:,} items be shown."]
    for ids, unknown, what in (
        (rules.withdrawn_ids, rules.unknown_withdrawn, "withdrawn ids"),
        (rules.blocked_pairs, rules.unknown_blocked_pairs, "blocked pairs"),
    ):
        if ids is not None:
            said.append(f"Of {ids:,} {what}, {unknown or 0:,} are of no item of the run.")
    if rules.compared_places is not None:
        said.append(
            f"Places are counted on the lists that {rules.compared_users or 0:,} users would have without rules "
            f"({rules.compared_places:,} places); each rule by itself."
        )
    if rules.lists is not None:
        said.append(f"{rules.unfilled_lists or 0:,} of {rules.lists:,} lists could not be filled.")
    if held_out.n_forbidden_pairs is not None:
        said.append(
            f"Of the hold-out, {held_out.n_forbidden_pairs:,} pairs of a user and an item that could not have been "
            f"shown are left out, and with them {held_out.n_users_left_out or 0:,} users who took nothing else."
        )
    return " ".join(said)
