"""Gate rules that a dataset file adds, applied to the winner. Pure: evaluations in, verdicts out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from data_contracts.evaluation import Evaluation, RuleResult
from data_contracts.gate_section import BEST_BASELINE, LIVE, CustomRule
from tasks.evaluation.model_selection import Criterion, SelectedModel, difference


def apply_rules(
    rules: Sequence[CustomRule],
    choice: SelectedModel,
    results: Mapping[str, Evaluation],
    criterion: Criterion,
    live: Evaluation | None = None,
) -> tuple[RuleResult, ...]:
    """Hold the winner against each rule.

    Parameters
    ----------
    rules
        Of the dataset file.
    choice
        The winner and the best baseline.
    results
        Evaluation of every model of this run.
    criterion
        Whose seed and resamples the comparisons share.
    live
        Evaluation of what is live now; None where nothing is.

    """
    return tuple(
        _limit(rule, choice, results)
        if rule.versus is None
        else _versus(rule, choice, results, criterion, live)
        for rule in rules
    )


def _limit(rule: CustomRule, choice: SelectedModel, results: Mapping[str, Evaluation]) -> RuleResult:
    """Reaching the limit exactly is enough, from either side; a value that is missing does not reach it."""
    entry = results[choice.winner].summary[rule.scenario].get(rule.metric)
    value = None if entry is None else entry["value"]
    if rule.at_least is not None:
        limit, passed = rule.at_least, value is not None and value >= rule.at_least
    else:
        assert rule.at_most is not None
        limit, passed = rule.at_most, value is not None and value <= rule.at_most
    bound = "at least" if rule.at_least is not None else "at most"
    return RuleResult(
        name=rule.name,
        value=value,
        limit=limit,
        passed=passed,
        meaning=f"{rule.scenario} {rule.metric} of {choice.winner}, {bound}"
        + ("" if entry is not None else "; it has none"),
        level=rule.level,
    )


def _versus(
    rule: CustomRule,
    choice: SelectedModel,
    results: Mapping[str, Evaluation],
    criterion: Criterion,
    live: Evaluation | None,
) -> RuleResult:
    name = choice.best_baseline if rule.versus == BEST_BASELINE else str(rule.versus)
    winner, other = results[choice.winner], live if name == LIVE else results.get(name)
    asked = replace(criterion, metric=rule.metric, scenario=rule.scenario)
    what = f"{rule.scenario} {rule.metric}"
    limit, value, passed = 0.0 - rule.margin, None, None
    if other is None:
        meaning = "nothing is live yet" if name == LIVE else f"{name} was left out of this run"
    elif other is winner:
        meaning = f"the winner is {name} itself"
    elif not winner.has_units(rule.scenario, rule.metric):
        passed, meaning = False, f"{choice.winner} has no {what}"
    elif not other.has_units(rule.scenario, rule.metric):
        meaning = f"{name} has no {what} to compare with"
    else:
        value = difference(winner, other, asked).low
        passed = value > limit
        meaning = f"low end of the interval of the gain in {what} of {choice.winner} over {name}"
    return RuleResult(
        name=rule.name,
        value=value,
        limit=limit,
        passed=passed,
        meaning=meaning,
        level=rule.level,
    )
