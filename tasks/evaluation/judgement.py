"""May the winner replace what is live? Pure: evaluations in, a decision out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from data_contracts.evaluation import Evaluation, GateDecision, GateVerdict, RuleResult
from data_contracts.metrics import parse_metric
from tasks.evaluation.model_selection import Criterion, SelectedModel, difference


@dataclass(frozen=True)
class Limits:
    """What the gate demands; the dataset file may change it."""

    margin_live: float = 0.02
    """How much of the metric (absolute) the winner may lose against the live model."""
    min_coverage: float = 0.01
    """Least share of the catalogue that the lists must show."""
    max_identical_share: float = 0.95
    """Largest share of known users who may get one and the same list."""
    max_short_lists: float = 0.0
    """Largest share of users whose list may be shorter than it could be."""


@dataclass(frozen=True)
class Fitness:
    """Facts about the winner that its lists do not show."""

    not_finite: int
    """Scores or factors that are NaN or infinite."""
    model_vocabulary: str
    """Hash of the vocabularies that the model was trained with."""
    expected_vocabulary: str
    """Hash of the vocabularies that the ids will be written with."""


def judge(
    choice: SelectedModel,
    results: Mapping[str, Evaluation],
    criterion: Criterion,
    *,
    fitness: Fitness,
    live: Evaluation | None = None,
    limits: Limits | None = None,
    same_for_all: Collection[str] = (),
    evidence: Sequence[RuleResult] = (),
    custom_rules: Sequence[RuleResult] = (),
    list_k: int | None = None,
    publish_undecided: bool = False,
    without_live: str = "nothing is live yet",
) -> GateDecision:
    """Apply every rule to the winner and give the verdict.

    Parameters
    ----------
    choice
        What :func:`tasks.evaluation.model_selection.choose` found; with too little evidence, the fallback.
    results
        Evaluation of every model of this run.
    criterion
        What decided.
    fitness
        Facts about the winner that its lists do not show.
    live
        Evaluation of what is live: its model, trained again on the same window and scored on the same hold-out as
        the others. Its published lists have seen most of the hold-out, and would win unfairly. None where
        nothing is live.
    limits
        What is demanded.
    same_for_all
        Models excused from the rules on coverage and identical lists: a shop whose best model is popularity must
        get its lists, and equal lists are then right, not a sign of a broken model.
    evidence
        Rules on how much is known, applied already.
    custom_rules
        Rules of the dataset file, applied already; they count like the built-in ones.
    list_k
        List length at which coverage is looked at; that of the metric if absent.
    publish_undecided
        Whether the fallback goes out when too little is known.
    without_live
        Why there is no `live`.

    """
    limits = limits or Limits()
    winner = results[choice.winner]
    k = list_k or parse_metric(criterion.metric).k or 1
    unsure = any(rule.broken for rule in evidence)
    comparisons = (
        _beats_best_baseline(choice),
        _not_worse_than_live(winner, live, criterion, limits.margin_live, without_live),
    )
    rules = (
        *(_passed_over(rule) if unsure else rule for rule in comparisons),
        *_list_rules(choice.winner, winner, criterion, limits, k, same_for_all=choice.winner in same_for_all),
        *_fitness_rules(fitness),
        *evidence,
        *custom_rules,
    )
    verdict = verdict_of(rules)
    return GateDecision(
        verdict=verdict,
        open=verdict == "open",
        winner=choice.winner,
        rules=rules,
        publishes=verdict == "open" or (verdict == "undecided" and publish_undecided),
    )


def verdict_of(rules: Sequence[RuleResult]) -> GateVerdict:
    """``closed``, ``undecided`` or ``open``.

    A broken rule of level fail closes the gate, with or without evidence: a list that may not be shown may not
    be shown.
    """
    broken = {rule.level for rule in rules if rule.broken}
    if "fail" in broken:
        return "closed"
    return "undecided" if "evidence" in broken else "open"


def _passed_over(rule: RuleResult) -> RuleResult:
    """A built-in comparison where there is too little evidence to compare."""
    return rule.model_copy(
        update={
            "value": None,
            "passed": None,
            "meaning": "too little is known to compare; see the rules below",
        }
    )


def _beats_best_baseline(choice: SelectedModel) -> RuleResult:
    """A baseline only wins when no candidate beats it: then there is no gain to show."""
    gain = choice.differences.get(choice.winner)
    low = None if gain is None or choice.winner == choice.best_baseline else gain.low
    return RuleResult(
        name="beats_best_baseline",
        value=low,
        limit=0.0,
        passed=None if low is None else low > 0.0,
        meaning=f"the winner is {choice.winner}, a baseline: no candidate surely beats the best of them"
        if low is None
        else f"low end of the interval of the gain of {choice.winner} over {choice.best_baseline}",
    )


def _not_worse_than_live(
    winner: Evaluation, live: Evaluation | None, criterion: Criterion, margin: float, without_live: str
) -> RuleResult:
    """The low end must lie above minus the margin, as in every rule that compares."""
    low, meaning = None, without_live
    if live is winner:
        meaning = "the winner is what is live"
    elif live is not None and not live.has_units(criterion.scenario, criterion.metric):
        meaning = f"what is live has no {criterion.metric}"
    elif live is not None and winner.has_units(criterion.scenario, criterion.metric):
        low = difference(winner, live, criterion).low
        meaning = (
            "low end of the interval of the winner's gain over what is live, trained again on this window"
        )
    return RuleResult(
        name="not_worse_than_live",
        value=low,
        limit=0.0 - margin,
        passed=None if low is None else low > 0.0 - margin,
        meaning=meaning,
    )


def _list_rules(
    name: str, winner: Evaluation, criterion: Criterion, limits: Limits, k: int, *, same_for_all: bool
) -> tuple[RuleResult, ...]:
    """Rules on the lists of the deciding scenario, and on seen items where they are forbidden."""
    facts = winner.summary["lists"]
    entry = winner.summary[criterion.scenario].get(f"coverage@{k}")
    coverage = None if entry is None else entry["value"]
    # Lists that are the same for all show k items, however large the catalogue is.
    floor = None if same_for_all else limits.min_coverage
    identical = facts[criterion.scenario]["identical_share"]
    ceiling = None if same_for_all else limits.max_identical_share
    complete = facts[criterion.scenario]["complete_share"]
    excused = f"; {name} shows everybody the same" if same_for_all else ""
    return (
        RuleResult(
            name="coverage",
            value=coverage,
            limit=floor,
            passed=None if floor is None or coverage is None else coverage >= floor,
            meaning=f"share of the catalogue in the lists of {k}{excused}",
        ),
        RuleResult(
            name="complete_lists",
            value=complete,
            limit=1.0 - limits.max_short_lists,
            passed=complete >= 1.0 - limits.max_short_lists,
            meaning="share of users whose list is as long as it can be",
        ),
        RuleResult(
            name="identical_lists",
            value=identical,
            limit=ceiling,
            passed=None if ceiling is None else identical <= ceiling,
            meaning=f"share of known users who get the most frequent list{excused}",
        ),
        RuleResult(
            name="no_forbidden_item",
            value=facts["discovery"]["forbidden"],
            limit=0,
            passed=facts["discovery"]["forbidden"] == 0,
            meaning="list entries that hold an item which the user ever had, where those are excluded",
        ),
    )


def _fitness_rules(fitness: Fitness) -> tuple[RuleResult, ...]:
    return (
        RuleResult(
            name="finite_scores",
            value=fitness.not_finite,
            limit=0,
            passed=fitness.not_finite == 0,
            meaning="scores of the winner that are NaN or infinite",
        ),
        RuleResult(
            name="same_vocabulary",
            value=fitness.model_vocabulary,
            limit=fitness.expected_vocabulary,
            passed=fitness.model_vocabulary == fitness.expected_vocabulary,
            meaning="hash of the ids that the model was trained with = hash of the ids to be published",
        ),
    )
