"""What a set of parameters is worth on the inner windows. Pure: matrices in, one number out."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from data_contracts.evaluation import Scenario
from data_contracts.holdout import Holdout
from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.metrics import Direction, parse_metric
from data_contracts.scoring import Scorer, Scores
from tasks import models
from tasks.evaluation.lists import Subject, make_lists, more_values
from tasks.models import Capability
from tasks.numeric.metrics import Float32, score_lists
from tasks.numeric.permissions import both
from tasks.numeric.scorers import Factors
from tasks.numeric.slices import restrict
from tasks.rules.applied import ItemRules
from tasks.training.task import generator

CURVE_POINTS = 3
"""How often a fit that shows its factors on the way is scored, the end included."""

Report = Callable[[float, int], None]
"""Called with a value so far and its place in the trial; may raise to end the trial."""


class OutOfTimeError(Exception):
    """The time limit passed in the middle of a trial."""


@dataclass(frozen=True, eq=False)
class Fold:
    """One inner window: what to train on and what to score.

    Parameters
    ----------
    matrix
        Everything before the window's cut-off.
    holdout
        What users took in the window.
    scenario
        Which one decides.
    cold_start_items
        Item scores for unknown users, of models that have none.
    seen
        What users had before the cut-off, rows as ``holdout.past`` says.
    rules
        The shop's rules as of the window's cut-off; None where it has none.
    blocked
        Pairs that they block, rows as ``holdout.past`` says.

    """

    matrix: GroupedMatrix
    holdout: Holdout
    scenario: Scenario
    cold_start_items: Scores
    seen: Csr
    rules: ItemRules | None = None
    blocked: Csr | None = None

    @classmethod
    def of(
        cls,
        matrix: GroupedMatrix,
        holdout: Holdout,
        scenario: Scenario,
        cold_start_items: Scores,
        seen: Csr | None = None,
    ) -> "Fold":
        """Where `seen` is absent the matrix holds the users' whole past."""
        return cls(matrix, holdout, scenario, cold_start_items, matrix.by_user if seen is None else seen)

    @cached_property
    def truth(self) -> Holdout:
        """The truth of lists in the deciding scenario."""
        return self.holdout if self.scenario == "repeat" else restrict(self.holdout, self.seen)[0]

    def value(self, kind: str, scorer: Scorer, metric: str) -> float:
        """Mean of the metric over its units, or the root of it; in the metric's own direction.

        Raises
        ------
        ValueError
            If the window has no unit for the metric, or the model does not offer what it reads.

        """
        definition = parse_metric(metric).metric
        own = scorer.cold_start if scorer.cold_start is not None else self.cold_start_items
        subject = self._subject(kind, scorer, own)
        columns = self._columns(subject, metric)
        if metric not in columns or not len(columns[metric]):
            raise ValueError(
                f"{metric} has nothing to score in an inner window for a model of kind {kind!r}; choose more "
                "holdout_days, or a metric of lists"
            )
        mean = float(columns[metric].mean(dtype="float64"))
        return math.sqrt(mean) if definition.root else mean

    def _subject(self, kind: str, scorer: Scorer, cold_start: Scores) -> Subject:
        allow = models.allowed_items(kind, self.matrix)
        if self.rules is None:
            return Subject(kind, scorer, cold_start, allow)
        permitted = self.rules.allow
        opinion = np.where(permitted, cold_start, -np.inf)
        return Subject(kind, scorer, opinion, both(allow, permitted), self.rules.limits, self.blocked)

    def _columns(self, subject: Subject, metric: str) -> Mapping[str, Float32]:
        definition, k = parse_metric(metric)
        length, exclude = k or 1, self.seen if self.scenario == "discovery" else None
        if definition.reads in {"lists", "baskets"}:
            lists = make_lists(subject, self.truth, length, exclude)
            popularity = self.matrix.item_events() if definition.name == "novelty" else None
            values = score_lists(lists.rows, lists.cold_start, self.truth, [length], popularity=popularity)
            return values.users | values.baskets
        some = {self.scenario: make_lists(subject, self.holdout, length, exclude)}
        found = more_values(subject, some, self.holdout, self.matrix.history, self.seen, [length])
        values_of = found[self.scenario].get(definition.reads)
        return {} if values_of is None else values_of.columns


@dataclass(frozen=True, eq=False)
class Objective:
    """What tuning asks: which parameters make this metric best on these windows.

    Parameters
    ----------
    kind
        File in tasks/models.
    own
        Parameters of the dataset file; the search starts from them.
    folds
        Inner windows, the newest first.
    metric
        Such as ``basket_precision@5``.
    seed
        Decides the chance in the fits.

    """

    kind: str
    own: dict[str, Any]
    folds: Sequence[Fold] = field(repr=False)
    metric: str
    seed: int

    @property
    def direction(self) -> Direction:
        """In which direction the metric is better."""
        return parse_metric(self.metric).metric.direction

    def value(self, parameters: dict[str, Any], report: Report, deadline: float | None = None) -> float:
        """Mean of the metric over the windows.

        Parameters
        ----------
        parameters
            Of the model, complete.
        report
            Hears of the learning curve in the first window and of the mean after each window.
        deadline
            On the clock of ``time.monotonic``; None is none.

        Raises
        ------
        OutOfTimeError
            If the deadline passes meanwhile.
        ValueError
            If the fit fails with these parameters.

        """
        config = models.load(self.kind).Config(**parameters)
        total = 0.0
        for done, fold in enumerate(self.folds):
            curve = Curve(self, fold, report) if done == 0 else None
            total += fold.value(self.kind, self._fit(config, fold, curve, deadline), self.metric)
            report(total / (done + 1), CURVE_POINTS + done)
        return total / len(self.folds)

    def _fit(self, config: Any, fold: Fold, curve: "Curve | None", deadline: float | None) -> Scorer:
        def progress(_done: int, _total: int, _figures: dict[str, float]) -> None:
            if deadline is not None and time.monotonic() > deadline:
                raise OutOfTimeError

        progress(0, 0, {})
        module, more = models.load(self.kind), {}
        if curve is not None and Capability.CHECKPOINTS in module.SPEC.offers:
            every = max(1, -(-config.iterations // CURVE_POINTS))
            config = config.model_copy(update={"checkpoint_every": every})
            more = {"checkpoint": curve}
        return module.fit(fold.matrix, config, rng=generator(self.seed, self.kind), progress=progress, **more)


@dataclass(eq=False)
class Curve:
    """Scores the factors of a fit on its way; a model that takes a checkpoint gives them to it."""

    question: Objective
    fold: Fold
    report: Report
    points: Iterator[int] = field(default_factory=lambda: iter(range(CURVE_POINTS - 1)))

    def save(self, iteration: int, user_factors: Any, item_factors: Any) -> None:
        """Score what a checkpoint would keep; the end of the fit is scored by itself."""
        point = next(self.points, None)
        if point is not None:
            factors = Factors(user_factors, item_factors)
            self.report(self.fold.value(self.question.kind, factors, self.question.metric), point)
