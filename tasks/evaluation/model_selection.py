"""Which model wins, and may it replace what is live. Pure: summaries in, a decision out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from data_contracts.evaluation import Evaluation, GateDecision, Interval, RuleResult, Scenario, parse_metric
from tasks.numeric.bootstrap import N_SAMPLES, paired_difference


@dataclass(frozen=True)
class Criterion:
    """What decides: one metric in one scenario, with the resamples that all comparisons share."""

    metric: str
    scenario: Scenario
    seed: int
    n_samples: int = N_SAMPLES


@dataclass(frozen=True)
class SelectedModel:
    """The winner and what it was measured against.

    Parameters
    ----------
    winner
        Name of a candidate, or of the best baseline where no candidate beats it for sure.
    best_baseline
        The baseline with the highest mean.
    differences
        For every candidate, its mean minus the best baseline's on the same users.

    """

    winner: str
    best_baseline: str
    differences: dict[str, Interval]


@dataclass(frozen=True)
class Limits:
    """What the gate demands; the dataset file may change it."""

    margin_live: float = 0.02
    """How much of the metric (absolute) the winner may lose against the live publication."""
    min_coverage: float = 0.01
    """Least share of the catalogue that the lists must show."""
    max_identical_share: float = 0.95
    """Largest share of known users who may get one and the same list."""


@dataclass(frozen=True)
class Fitness:
    """Facts about the winner that its lists do not show."""

    not_finite: int
    """Scores or factors that are NaN or infinite."""
    model_vocabulary: str
    """Hash of the vocabularies that the model was trained with."""
    expected_vocabulary: str
    """Hash of the vocabularies that the ids will be written with."""


def choose(
    results: Mapping[str, Evaluation],
    criterion: Criterion,
    *,
    baselines: Sequence[str],
    candidates: Sequence[str],
) -> SelectedModel:
    """Take the best candidate that is surely better than the best baseline, else that baseline.

    "Surely": the paired 95 % interval of the difference lies above zero. Equal means go to the name that
    is listed first.

    Raises
    ------
    ValueError
        If there is no baseline, a model has no result, or the metric has no values per user or basket.

    """
    missing = [name for name in (*baselines, *candidates) if name not in results]
    if missing or not baselines:
        raise ValueError(
            f"choose needs a result for every model and one baseline; missing: {missing or 'all'}"
        )
    parse_metric(criterion.metric)
    means = {name: _mean(results[name], criterion) for name in (*baselines, *candidates)}
    best = max(baselines, key=means.__getitem__)
    differences = {name: difference(results[name], results[best], criterion) for name in candidates}
    sure = [name for name in candidates if differences[name].low > 0.0]
    return SelectedModel(max(sure, key=means.__getitem__, default=best), best, differences)


def difference(result: Evaluation, other: Evaluation, criterion: Criterion) -> Interval:
    """Mean of `result` minus mean of `other` on the same units, with its interval."""
    values, clusters = result.units(criterion.scenario, criterion.metric)
    others, _ = other.units(criterion.scenario, criterion.metric)
    return paired_difference(
        values, others, seed=criterion.seed, clusters=clusters, n_samples=criterion.n_samples
    )


def judge(
    choice: SelectedModel,
    results: Mapping[str, Evaluation],
    criterion: Criterion,
    *,
    fitness: Fitness,
    live: Evaluation | None = None,
    limits: Limits | None = None,
    same_for_all: Collection[str] = (),
    custom_rules: Sequence[RuleResult] = (),
) -> GateDecision:
    """Apply every rule to the winner; the gate opens when all of them pass, those that only warn aside.

    Parameters
    ----------
    choice
        What :func:`choose` found.
    results
        Evaluation of every model of this run.
    question
        What decided.
    fitness
        Facts about the winner that its lists do not show.
    live
        Evaluation of the live publication's lists, as they were published, on the same hold-out; None
        where nothing is live.
    limits
        What is demanded.
    same_for_all
        Models excused from the rule on identical lists: a shop whose best model is popularity must get
        its lists, and equal lists are then right, not a sign of a broken model.
    custom_rules
        Rules of the dataset file, applied already; they count like the built-in ones.

    """
    limits = limits or Limits()
    winner = results[choice.winner]
    rules = (
        _beats_best_baseline(choice),
        _not_worse_than_live(winner, live, criterion, limits.margin_live),
        *_list_rules(choice.winner, winner, criterion, limits, choice.winner in same_for_all),
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
        *custom_rules,
    )
    is_open = all(rule.passed or rule.level == "warn" for rule in rules)
    return GateDecision(open=is_open, winner=choice.winner, rules=rules)


def _mean(result: Evaluation, criterion: Criterion) -> float:
    values, _ = result.units(criterion.scenario, criterion.metric)
    if not len(values):
        raise ValueError(f"{criterion.scenario} {criterion.metric} has no users or baskets in this hold-out")
    return float(values.mean(dtype="float64"))


def _beats_best_baseline(choice: SelectedModel) -> RuleResult:
    """A baseline only wins when no candidate beats it: then there is no difference to show."""
    is_baseline = choice.winner == choice.best_baseline
    low = 0.0 if is_baseline else choice.differences[choice.winner].low
    return RuleResult(
        name="beats_best_baseline",
        value=None if is_baseline else low,
        limit=0.0,
        passed=is_baseline or low > 0.0,
        meaning="the winner is the best baseline itself, because no candidate surely beats it"
        if is_baseline
        else f"low end of the interval of {choice.winner} minus {choice.best_baseline}",
    )


def _not_worse_than_live(
    winner: Evaluation, live: Evaluation | None, criterion: Criterion, margin: float
) -> RuleResult:
    low = None if live is None else difference(winner, live, criterion).low
    return RuleResult(
        name="not_worse_than_live",
        value=low,
        limit=0.0 - margin,
        passed=low is None or low >= -margin,
        meaning="nothing is live yet" if low is None else "low end of the interval of winner minus live",
    )


def _list_rules(
    name: str, winner: Evaluation, criterion: Criterion, limits: Limits, same_for_all: bool
) -> tuple[RuleResult, ...]:
    """Rules on the lists of the deciding scenario, and on seen items where they are forbidden."""
    facts = winner.summary["lists"]
    _, k = parse_metric(criterion.metric)
    coverage = winner.summary[criterion.scenario][f"coverage@{k}"]["value"]
    # Lists that are the same for all show k items, however large the catalogue is.
    floor = None if same_for_all else limits.min_coverage
    identical = facts[criterion.scenario]["identical_share"]
    ceiling = None if same_for_all else limits.max_identical_share
    complete = facts[criterion.scenario]["complete_share"]
    return (
        RuleResult(
            name="coverage",
            value=coverage,
            limit=floor,
            passed=floor is None or coverage >= floor,
            meaning=f"share of the catalogue in the lists of {k}"
            + (f"; {name} shows everybody the same" if same_for_all else ""),
        ),
        RuleResult(
            name="complete_lists",
            value=complete,
            limit=1.0,
            passed=complete >= 1.0,
            meaning="share of users whose list is as long as it can be",
        ),
        RuleResult(
            name="identical_lists",
            value=identical,
            limit=ceiling,
            passed=ceiling is None or identical <= ceiling,
            meaning="share of known users who get the most frequent list"
            + (f"; {name} shows everybody the same" if same_for_all else ""),
        ),
        RuleResult(
            name="no_forbidden_item",
            value=facts["discovery"]["forbidden"],
            limit=0,
            passed=facts["discovery"]["forbidden"] == 0,
            meaning="list entries that hold an item which the user had, where those are excluded",
        ),
    )
