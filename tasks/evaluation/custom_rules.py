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
    question
        Whose seed and resamples the comparisons share.
    live
        Evaluation of what is live now; None where nothing is.

    """
    return tuple(
        _at_least(rule, rule.at_least, choice, results)
        if rule.at_least is not None
        else _versus(rule, choice, results, criterion, live)
        for rule in rules
    )


def _at_least(
    rule: CustomRule, floor: float, choice: SelectedModel, results: Mapping[str, Evaluation]
) -> RuleResult:
    value = results[choice.winner].summary[rule.scenario][rule.metric]["value"]
    return RuleResult(
        name=rule.name,
        value=value,
        limit=floor,
        passed=value >= floor,
        meaning=f"{rule.scenario} {rule.metric} of {choice.winner}",
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
    winner, other = results[choice.winner], live if name == LIVE else results[name]
    if other is None or other is winner:
        value, meaning = None, "nothing is live yet" if other is None else f"the winner is {name} itself"
    else:
        asked = replace(criterion, metric=rule.metric, scenario=rule.scenario)
        value = difference(winner, other, asked).low
        meaning = f"low end of the interval of {rule.scenario} {rule.metric}, {choice.winner} minus {name}"
    limit = 0.0 - rule.margin
    return RuleResult(
        name=rule.name,
        value=value,
        limit=limit,
        passed=value is None or value > limit,
        meaning=meaning,
        level=rule.level,
    )
