"""LambdaMART over the blend: what the blend thinks best for a user is put in order by gradient boosted trees.

Two stages, as in large recommenders: the blend of :mod:`tasks.models.blend` finds candidates, and trees that
see some forty signals of each (how often and how lately it was taken, what is usual for the item, whether its
sales rise, how the user shops) decide on their order. As the blend's weights, the trees are learned from the
log itself: windows one behind the other are predicted from what was known before each.

C. Burges, "From RankNet to LambdaRank to LambdaMART", MSR-TR-2010-82; the trees are LightGBM's (G. Ke et
al., NeurIPS 2017).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Self

import numpy as np
import numpy.typing as npt
from numba import get_num_threads
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.limits import MAX_COUNT
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason, blend
from tasks.models._blend import Blend, Codes
from tasks.models._blend_choice import joined
from tasks.models._cost import Cost, Sizes
from tasks.models._lambdamart import NAMES, LambdaMart
from tasks.models._lambdamart_signals import Signals, signals
from tasks.models._training_examples import returning_users, with_targets
from tasks.numeric.candidates import Candidates
from tasks.numeric.csr import check_matrix
from tasks.numeric.listwise import fit_listwise
from tasks.numeric.parallel import single_threaded_blas
from tasks.numeric.past import look_back
from tasks.numeric.rank_trees import Growth, grow

Examples = tuple[npt.NDArray[np.float32], npt.NDArray[np.float64], npt.NDArray[np.int64]]
"""What the trees see of each candidate, how often it was taken next, and candidates of each user."""


def cost(config: "Config", sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: the blend, its parts for each window, and the trees."""
    return blend.parts_cost(config.candidates, sizes, config.candidates.inner_windows + config.windows)


SPEC = ModelSpec(
    cost=cost,
    uses=frozenset({Need.TIMES, Need.HISTORY}),
    offers=frozenset({Capability.EXPLANATIONS, Capability.OWNERS}),
    parts=lambda config: tuple(part.kind for part in config.candidates.parts),
)


class Config(ModelConfig):
    """Parameters of LambdaMART."""

    candidates: blend.Config = Field(default_factory=blend.Config)
    """Parameters of the blend that finds the candidates."""
    own_candidates: int = Field(default=40, ge=1, le=10_000)
    """Candidates among the items that the user has had."""
    new_candidates: int = Field(default=30, ge=1, le=10_000)
    """Candidates among the other items."""
    windows: int = Field(default=6, ge=1, le=100)
    """Windows to learn from, each as long as the blend's and half a length before the one after it; each
    costs a training of the blend's parts."""
    forests: int = Field(default=3, ge=1, le=100)
    """Forests, each from a draw of its own; their mean decides."""
    rounds: int = Field(default=50, ge=1, le=10_000)
    """Trees of a forest."""
    learning_rate: float = Field(default=0.1, gt=0, le=1)
    """Share of each tree that is added."""
    leaves: int = Field(default=31, ge=2, le=131_072)
    """Leaves of a tree at most."""
    min_leaf: int = Field(default=100, ge=1, le=MAX_COUNT)
    """Candidates in a leaf at least."""

    def settled(self, matrix: GroupedMatrix, *, rng: np.random.Generator) -> Self:
        """Settle the blend once, for all windows."""
        return self.model_copy(update={"candidates": self.candidates.settled(matrix, rng=rng)})


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> LambdaMart:
    """Train the blend, go back some windows, and learn the order of its candidates from what came next.

    Parameters
    ----------
    matrix
        Without a history and a timeline, or where no window holds enough, the blend decides alone.
    config
        Parameters of the model.
    rng
        Source of the blend's draws and of the trees'.
    progress
        Called after the blend, after each window and after the trees; without figures.

    Raises
    ------
    ValueError
        If the matrix has no entries or a value is not finite.

    """
    check_matrix(matrix)
    config = config.settled(matrix, rng=rng)
    timed = matrix.history is not None and matrix.timeline is not None
    total = config.windows + 2 if timed else 1

    def tell(done: int) -> None:
        if progress is not None:
            progress(done, total, {})

    found = _stack(matrix, config.candidates, rng)
    tell(1)
    if not timed:
        return LambdaMart(found, _nothing(), (), config.own_candidates, config.new_candidates)
    examples = []
    for done, (older, later) in enumerate(_windows(matrix, config), start=2):
        if len(returning_users(older.by_user, later)):
            parts = replace(blend.parts(older, config.candidates, rng), weights=found.weights)
            then = LambdaMart(parts, signals(older), (), config.own_candidates, config.new_candidates)
            examples.append(_examples(then, later, config, rng))
        tell(done)
    trees = _trees(examples, config, int(rng.integers(2**31 - 1)))
    tell(total)
    return LambdaMart(found, signals(matrix), trees, config.own_candidates, config.new_candidates)


def _stack(matrix: GroupedMatrix, config: blend.Config, rng: np.random.Generator) -> Blend:
    """The blend with its weights as learned: what a part would put first for good, trees could not move."""
    model, examples = blend.stack(matrix, config, rng)
    if not examples:
        return model
    with single_threaded_blas():
        weights = fit_listwise(joined(examples), model.weights, prior_events=config.prior_events)
    return replace(model, weights=weights)


def explain(
    scorer: LambdaMart, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """The blend's reasons for each item, and the signal by which the trees lift it most."""
    found = blend.explain(scorer.blend, by_user, user_code, item_codes, config.candidates, n)
    if not scorer.trees:
        return found
    everything = scorer.everything(np.array([user_code]))
    (places,), table = scorer.seen(everything, scorer.blend.weigh(everything))
    if not len(table):
        return found
    shares = scorer.forests.shares(table)[:, : len(scorer.names)]
    best = {
        int(item): f"; {scorer.names[at]} {shares[line, at]:+.2f}"
        for line, (item, at) in enumerate(zip(everything.items[places], shares.argmax(axis=1), strict=True))
        if shares[line, at] > 0
    }
    return [
        each._replace(how=each.how + best.get(int(item), ""))
        for each, item in zip(found, item_codes, strict=True)
    ]


def _windows(matrix: GroupedMatrix, config: Config) -> Iterator[tuple[GroupedMatrix, Csr]]:
    """What was known before each window and what came in it, latest first."""
    assert matrix.history is not None
    days = blend.window_days(matrix.history, config.candidates)
    for number in range(config.windows):
        latest = number * days // 2
        yield look_back(matrix, latest, latest + days)


def _examples(then: LambdaMart, later: Csr, config: Config, rng: np.random.Generator) -> Examples:
    """What users known in `then` took next of their candidates."""
    users = blend.learned_from(then.blend, later, config.candidates, rng)

    def see(block: Codes) -> tuple[list[Codes], npt.NDArray[np.float32]]:
        offered: list[Codes] = [np.empty(0, np.int32)] * len(block)
        tables: dict[int, npt.NDArray[np.float32]] = {}

        def look(rows: slice, found: Candidates) -> None:
            seen, tables[rows.start] = then.seen(found, then.blend.weigh(found))
            offered[rows] = [found.items[places] for places in seen]

        then.for_candidates(np.asarray(block, dtype=np.int64), look, n_found=then.n_new)
        return offered, np.concatenate([tables[first] for first in sorted(tables)])

    return with_targets(users, later, see)


def _trees(examples: list[Examples], config: Config, seed: int) -> tuple[str, ...]:
    if not examples:
        return ()
    table, targets, lengths = (np.concatenate(each) for each in zip(*examples, strict=True))
    growth = Growth(config.forests, config.rounds, config.learning_rate, config.leaves, config.min_leaf)
    start = table[:, NAMES.index("the blend's score")].astype(np.float64)
    return tuple(grow(table, targets, lengths, start, growth, seed=seed, n_threads=get_num_threads()))


def _nothing() -> Signals:
    """Signals of a log without times: none."""
    return Signals(*(np.empty((0, 0), dtype=np.float32) for _ in range(3)))
