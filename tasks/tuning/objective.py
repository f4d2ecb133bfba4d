"""What a set of parameters is worth on the inner windows. Pure: matrices in, one number out."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from data_contracts.evaluation import Holdout, Scenario, parse_metric
from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Mask, Scorer, Scores
from tasks import models
from tasks.evaluation.task import make_lists
from tasks.models import Capability
from tasks.numeric.metrics import score_lists
from tasks.numeric.ranking import cold_start_list
from tasks.numeric.scorers import Factors
from tasks.numeric.slices import restrict
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
    truth
        What users took in the window, in the scenario that decides.
    seen
        Items to leave out of the lists; None leaves out nothing.
    unknown users
        Item scores for unknown users, of models that have none.

    """

    matrix: GroupedMatrix
    truth: Holdout
    seen: Csr | None
    cold_start_items: Scores

    @classmethod
    def of(
        cls, matrix: GroupedMatrix, holdout: Holdout, scenario: Scenario, cold_start_items: Scores
    ) -> "Fold":
        """Cut the truth as the scenario says."""
        if scenario == "repeat":
            return cls(matrix, holdout, None, cold_start_items)
        return cls(matrix, restrict(holdout, matrix.by_user)[0], matrix.by_user, cold_start_items)

    def value(self, scorer: Scorer, metric: str, allow: Mask | None = None) -> float:
        """Mean of the metric over users or baskets; `allow` (n_items,) says what may be listed."""
        _, k = parse_metric(metric)
        own = scorer.cold_start if scorer.cold_start is not None else self.cold_start_items
        lists = make_lists(scorer, cold_start_list(own, k), self.truth, k, self.seen, allow)
        values = score_lists(lists.rows, lists.cold_start, self.truth, [k])
        columns = values.users | values.baskets
        if metric not in columns or not len(columns[metric]):
            raise ValueError(f"{metric} has no users or baskets in an inner window; choose more holdout_days")
        return float(columns[metric].mean(dtype="float64"))


@dataclass(frozen=True, eq=False)
class Objective:
    """What tuning asks: which parameters make this metric largest on these windows.

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
            scorer = self._fit(config, fold, curve, deadline)
            total += fold.value(scorer, self.metric, self.allow(fold))
            report(total / (done + 1), CURVE_POINTS + done)
        return total / len(self.folds)

    def allow(self, fold: Fold) -> Mask | None:
        """Items that the model may list."""
        return models.allowed_items(self.kind, fold.matrix)

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
            scorer, asked = Factors(user_factors, item_factors), self.question
            self.report(self.fold.value(scorer, asked.metric, asked.allow(self.fold)), point)
