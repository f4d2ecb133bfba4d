"""The report's plain words and tables, made from a run's summary alone. Pure: dictionaries in, text out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from data_contracts.evaluation import METRICS, SCENARIOS

Summary = Mapping[str, Any]
Entry = Mapping[str, float]

LONGEST_ID = 60

NOTHING = "\N{EN DASH}"
"""What stands where there is no number."""


def shown(value: Any, longest: int = LONGEST_ID) -> str:
    """Text from a log for people: shortened, and what does not print as an escape."""
    text = "" if value is None else str(value)
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def figure(value: Any) -> str:
    """Show a number as people write it, with four digits at most behind the point."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    if isinstance(value, str):
        return shown(value, 12)
    if float(value).is_integer():
        return f"{value or 0:,.0f}"  # no minus before a zero
    return f"{value:,.4f}" if abs(value) < 100 else f"{value:,.1f}"


def decision(summary: Summary) -> list[str]:
    """What was decided and why: a few sentences."""
    gate = summary["gate"]
    winner = gate["winner"]
    found = summary["models"][winner][gate["scenario"]].get(gate["metric"])
    reached = f"{winner} reaches {gate['metric']} {_interval(found)} in the {gate['scenario']} scenario."
    return [*_verdict(gate), reached, _against(gate), *_live(gate)]


def _verdict(gate: Mapping[str, Any]) -> list[str]:
    rules = gate["rules"]
    failed = [rule for rule in rules if is_failed(rule)]
    warnings = [rule for rule in rules if not rule["passed"] and not is_failed(rule)]
    first = (
        f"The gate is open: no rule of {len(rules)} failed, so the lists of {gate['winner']} may be shown."
        if gate["open"]
        else f"The gate is closed: {len(failed)} of {len(rules)} rules failed. "
        "Nothing was published; what was live stays live."
    )
    return [
        first,
        *(f"{_broken(rule)}." for rule in failed),
        *(f"A warning, which closes nothing: {_broken(rule)}." for rule in warnings),
    ]


def is_failed(rule: Mapping[str, Any]) -> bool:
    """Whether a rule closes the gate; one that only warns does not."""
    return not rule["passed"] and rule.get("level") != "warn"


def _broken(rule: Mapping[str, Any]) -> str:
    return (
        f"{rule['name']} is {figure(rule['value'])}, the limit is {figure(rule['limit'])}: {rule['meaning']}"
    )


def _against(gate: Mapping[str, Any]) -> str:
    best = gate["best_baseline"]
    difference = gate["differences"].get(gate["winner"])
    if difference is not None and gate["winner"] != best:
        return (
            f"Against the best baseline, {best}, that is a difference of {_interval(difference, '+')}: "
            "the whole interval lies above zero."
        )
    if not gate["differences"]:
        return "It is the best baseline; there was no other candidate."
    name, nearest = max(gate["differences"].items(), key=lambda each: each[1]["value"])
    return (
        f"It is the best baseline, and no candidate surely beats it; the nearest is {name} with a "
        f"difference of {_interval(nearest, '+')}."
    )


def _live(gate: Mapping[str, Any]) -> list[str]:
    rule = next((each for each in gate["rules"] if each["name"] == "not_worse_than_live"), None)
    if rule is None:
        return []
    if rule["value"] is None:
        return ["Nothing was live before this run to compare with."]
    return [
        (
            f"Against what was live before, the low end of the interval of the difference is "
            f"{figure(rule['value'])}; the limit is {figure(rule['limit'])}."
        )
    ]


def _interval(entry: Entry | None, sign: str = "") -> str:
    if entry is None:
        return NOTHING
    return f"{entry['value']:{sign}.4f} (95 %: {entry['low']:{sign}.4f} to {entry['high']:{sign}.4f})"


def metric_tables(summary: Summary) -> list[dict[str, Any]]:
    """One table a scenario: all models, best first, all metrics at the deciding list length."""
    gate = summary["gate"]
    k = gate["metric"].partition("@")[2]
    others = [f"{base}@{k}" for base in METRICS if f"{base}@{k}" != gate["metric"]]
    tables = []
    for scenario in sorted(SCENARIOS, key=lambda each: each != gate["scenario"]):
        models = {name: model[scenario] for name, model in summary["models"].items()}
        known = [
            name for name in (gate["metric"], *others) if any(name in model for model in models.values())
        ]
        rows = [
            {
                "model": name,
                "winner": name == gate["winner"],
                "cells": [models[name].get(metric) for metric in known],
                "seconds": summary["models"][name]["seconds"],
            }
            for name in best_first(models, gate["metric"])
        ]
        decides = scenario == gate["scenario"]
        tables.append({"scenario": scenario, "decides": decides, "metrics": known, "rows": rows})
    return tables


def best_first(models: Mapping[str, Mapping[str, Entry]], metric: str) -> list[str]:
    """Names by the metric, best first; ties in the order given."""
    return sorted(models, key=lambda name: -models[name].get(metric, {"value": -math.inf})["value"])


def main_models(summary: Summary, n: int = 5) -> list[str]:
    """The winner, the best baseline and the best of the others: as many as a figure can tell apart."""
    gate = summary["gate"]
    ranked = best_first(
        {name: model[gate["scenario"]] for name, model in summary["models"].items()}, gate["metric"]
    )
    return list(dict.fromkeys((gate["winner"], gate["best_baseline"], *ranked)))[:n]


def slice_table(
    slices: Mapping[str, Mapping[str, Mapping[str, Entry]]], metric: str, models: Iterable[str]
) -> list[dict[str, Any]]:
    """One row a model, one cell a slice; `slices` is {model: {slice: {metric: entry}}}."""
    return [
        {"model": name, "cells": [finite(part.get(metric)) for part in slices[name].values()]}
        for name in models
    ]


def finite(entry: Entry | None) -> Entry | None:
    """None for an entry without a value: a slice may be empty."""
    if entry is None or any(value is None or not math.isfinite(value) for value in entry.values()):
        return None
    return entry


def share_of_top(values: Sequence[float], weights: Sequence[float], top: float) -> float:
    """Share of `weights` that belongs to the top share of entries by `values`."""
    order = sorted(range(len(values)), key=lambda at: -values[at])
    first = order[: max(1, round(top * len(order)))]
    total = float(sum(weights))
    return sum(float(weights[at]) for at in first) / total if total else 0.0


def run_facts(summary: Summary) -> dict[str, Any]:
    """What is compared from run to run; None where a summary does not say."""
    counts, gate = summary.get("counts", {}), summary.get("gate", {})
    winner = gate.get("winner")
    results = summary.get("models", {}).get(winner, {}).get(gate.get("scenario"), {})
    read = counts.get("rows_read")
    return {
        "as_of": summary.get("as_of"),
        "winner": winner,
        "events": counts.get("events"),
        "users": counts.get("users"),
        "items": counts.get("items"),
        "quarantine share": counts.get("rows_rejected", 0) / read if read else None,
        "metric": gate.get("metric"),
        "scenario": gate.get("scenario"),
        "value": results.get(gate.get("metric"), {}).get("value"),
    }


FOUND = {"rejected": "quarantined", "counted": "kept, counted", "normalised": "put in order"}
"""What was done with rows that the contract found, by the summary's name for them."""


def found_rows(counts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each thing that the contract found: reason, rows, and what was done with them."""
    return [
        {"reason": reason.replace("_", " "), "rows": rows, "done": done}
        for what, done in FOUND.items()
        for reason, rows in sorted(counts[what].items(), key=lambda each: -each[1])
        if rows
    ]
