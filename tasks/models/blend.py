"""The blend: what a user took before, what is taken now, and what users alike take, weighed by the log.

A score is a sum of logarithms, that is a weighted product of signals, and so needs no common scale. Items
a user has had are judged by the user's own past (how many baskets, how lately), by how often the item is
taken again, by its popularity and by WALS; items never had by popularity, WALS and the neighbours of past
items. Baskets count once, whatever their events weigh; popularity, WALS and the voice of past items go by
weight. How much each signal says is learned from the log itself: the model goes back some weeks, trains its
parts on what was known then, and asks what explains what users took next. Where weights so learned do not make
better lists than a part alone, the part is taken.

Own baskets that fade follow H. Hu et al., "Modeling Personalized Item Frequency Information for
Next-basket Recommendation", SIGIR 2020 (TIFU-KNN); learning to join parts on an inner window is stacking
(D. Wolpert 1992).
"""

from dataclasses import replace
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix, History
from data_contracts.limits import MAX_COUNT, MAX_DAYS
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason, wals
from tasks.models._blend import PRIOR, Blend, Codes
from tasks.models._blend_choice import choose_weights
from tasks.models._blend_reasons import reasons
from tasks.models._cost import Cost, Sizes
from tasks.models._inner_window import FEWEST, last_of_each, last_target_of_each
from tasks.models._stacked_parts import PartConfig, train_parts
from tasks.models._training_examples import returning_users, with_targets
from tasks.numeric.candidates import Candidates
from tasks.numeric.csr import check_matrix
from tasks.numeric.listwise import TrainingExamples
from tasks.numeric.neighbours import item_neighbours
from tasks.numeric.parallel import single_threaded_blas
from tasks.numeric.past import cold_start_events, hold_back, look_back, own_past


def cost(config: "Config", sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: WALS for each window and for all, neighbours and signals."""
    return parts_cost(config, sizes, config.inner_windows)


def parts_cost(config: "Config", sizes: Sizes, windows: int) -> Cost:
    """What training the parts on everything and on some earlier windows takes."""
    taste = wals.cost(config.taste, sizes)
    events = 3e-6 * sizes.n_events
    # What is learned from: signals of each candidate, and a copy where windows are joined.
    n_signals = len(PRIOR) + 2 * len(config.parts)
    n_examples = windows * min(sizes.n_users, config.max_inner_users) * (config.candidates + 20)
    memory = taste.memory_bytes + 150 * sizes.n_events + 16 * n_signals * n_examples
    others = [part.cost(sizes) for part in config.parts]
    memory += sum(each.memory_bytes for each in others)
    seconds = taste.seconds + events + sum(each.seconds for each in others)
    return Cost((windows + 1) * seconds, memory)


SPEC = ModelSpec(
    cost=cost,
    uses=frozenset({Need.TIMES, Need.HISTORY}),
    offers=frozenset({Capability.EXPLANATIONS, Capability.OWNERS}),
    parts=lambda config: tuple(part.kind for part in config.parts),
)


class Config(ModelConfig):
    """Parameters of the blend; weights are learned, not set."""

    taste: wals.Config = Field(default_factory=wals.Config)
    """Parameters of the WALS part."""
    neighbours: int = Field(default=50, ge=1, le=10_000)
    """Neighbours kept per item."""
    recent_half_life_days: float = Field(default=14.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Half-life of "popular lately" and of the cold-start list."""
    profile_half_life_days: float = Field(default=60.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Half-life of a past item's voice for its neighbours."""
    fade: float = Field(default=0.9, gt=0, le=1)
    """How much a basket counts against the one after it."""
    inner_days: int = Field(default=31, ge=1, le=MAX_DAYS)
    """Length of a window on which weights are learned; best the length of the hold-out. Windows get twice as
    long until they hold enough."""
    min_inner_events: int = Field(default=200, ge=0, le=MAX_COUNT)
    """Events of users who came again that the latest window should hold: some fifteen for each weight."""
    min_inner_users: int = Field(default=200, ge=0, le=MAX_COUNT)
    """Users of the windows together below half of which (or of all who have two events) the last fifth of every
    user's events is predicted instead."""
    inner_windows: int = Field(default=2, ge=0, le=100)
    """Such windows at most, one before the other; each costs a training of all parts, so that there are no more than
    hold `max_inner_users`."""
    candidates: int = Field(default=100, ge=1, le=10_000)
    """Items besides the user's own that the weights are learned on, for each user."""
    max_inner_users: int = Field(default=10_000, ge=1, le=MAX_COUNT)
    """Users a window is learned from; more are drawn at random."""
    parts: tuple[PartConfig, ...] = ()
    """Further models, by kind or as ``{kind = ..., parameters}``: each is trained for every window and for all, finds
    candidates, and is one more signal for items had before and one for the rest."""
    prior_events: float = Field(default=10.0, gt=0, le=MAX_COUNT, allow_inf_nan=False)
    """Events needed to move a weight from its first value as far as the log wants."""

    def settled(self, matrix: GroupedMatrix, *, rng: np.random.Generator) -> Self:
        """Settle the WALS part once, for the inner windows and the whole log."""
        return self.model_copy(update={"taste": self.taste.settled(matrix, rng=rng)})


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> Blend:
    """Learn the weights on inner windows, then train all parts on everything.

    Parameters
    ----------
    matrix
        Weights are learned where it has a history that reaches behind the inner windows; else they are
        those of :data:`PRIOR`.
    config
        Parameters of the model.
    rng
        Source of WALS's first factors and of the draw of users.
    progress
        Called after each window and after the last training; without figures.

    Raises
    ------
    ValueError
        If the matrix has no entries or a value is not finite.

    """
    check_matrix(matrix)
    config = config.settled(matrix, rng=rng)
    model, examples = stack(matrix, config, rng, progress)
    if not examples:
        return model
    with single_threaded_blas():
        return replace(
            model, weights=choose_weights(examples, model.weights, prior_events=config.prior_events)
        )


def stack(
    matrix: GroupedMatrix, config: Config, rng: np.random.Generator, progress: Progress | None = None
) -> tuple[Blend, list[TrainingExamples]]:
    """Train all parts on everything, and on what was known before each inner window.

    Returns
    -------
    model
        With the weights of :data:`PRIOR`.
    examples
        What the weights are learned from, window by window.

    """
    examples, total = [], config.inner_windows + 1
    for done, (older, later) in enumerate(_windows(matrix, config), start=1):
        examples.append(_examples(parts(older, config, rng), later, config, rng))
        if progress is not None:
            progress(done, total, {})
    model = parts(matrix, config, rng)
    if progress is not None:
        progress(total, total, {})
    return model, examples


def explain(
    scorer: Blend, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Say which past items speak for each item, and which signals lift it.

    An item that the user has had speaks for itself. For a new one, the past items of the WALS and the
    neighbour part count by how much a little more of each would raise the score.
    """
    taste = wals.contributions(scorer.factors, by_user, user_code, item_codes, config.taste)
    return reasons(scorer, user_code, item_codes, taste, n)


def _windows(matrix: GroupedMatrix, config: Config) -> list[tuple[GroupedMatrix, Csr]]:
    """Inner windows, latest first, in which a user known before came again; no more than give users enough.

    Where hardly anybody comes again, every user's last events stand for them.
    """
    history = matrix.history
    if history is None or not config.inner_windows:
        return []
    days, n_users, found = window_days(history, config), 0, []
    for number in range(config.inner_windows):
        older, later = look_back(matrix, number * days, (number + 1) * days)
        returned = len(returning_users(older.by_user, later))
        if returned:
            found.append((older, later))
        n_users += returned
        if n_users >= config.max_inner_users:
            break
    if 2 * n_users >= min(config.min_inner_users, _comers(history)):
        return found
    # Most people came once: only what each of them did last says what comes after what.
    if history.targets is None:
        return [hold_back(matrix, last_of_each(history.indptr))]
    held = hold_back(matrix, last_target_of_each(history.indptr, history.ages, history.targets))
    if len(returning_users(held[0].by_user, held[1])) >= FEWEST:
        return [held]
    # Too few targets to learn from: whatever people did stands for them.
    return _windows(replace(matrix, history=replace(history, targets=None)), config)


def _comers(history: History) -> int:
    """Users with two events, one of them a target."""
    events = np.diff(history.indptr)
    owner = np.repeat(np.arange(len(events)), events)
    return int(((events > 1) & (np.bincount(owner[history.wanted()], minlength=len(events)) > 0)).sum())


def window_days(history: History, config: Config) -> int:
    """Length of a window: `inner_days`, doubled while windows hold too little; together they leave half of the log behind them."""
    if not len(history.ages):
        return config.inner_days
    starts = np.minimum(history.indptr[:-1], len(history.ages) - 1)  # of users without events too
    first = np.repeat(history.ages[starts], np.diff(history.indptr))
    wanted = history.wanted()
    days, room = config.inner_days, float(first.max()) / (2 * max(config.inner_windows, 1))
    while (
        2 * days <= room
        and (wanted & (history.ages < days) & (first >= days)).sum() < config.min_inner_events
    ):
        days *= 2
    return days


def parts(matrix: GroupedMatrix, config: Config, rng: np.random.Generator) -> Blend:
    """Train everything but the weights."""
    past = own_past(matrix, fade=config.fade, half_life_days=config.profile_half_life_days)
    by_user = matrix.by_user
    again = np.bincount(by_user.indices, weights=past.baskets > 1, minlength=matrix.n_items)
    # Three users who never came again temper the share where an item has few.
    share = again / (matrix.by_item.lengths() + 3.0)
    late = config.recent_half_life_days
    events = [matrix.item_events(half_life) for half_life in (late, None, late / 2)]
    items = np.column_stack([*np.log1p(events), share])
    return Blend(
        weights=np.array([*PRIOR.values(), *([0.0, 0.0] * len(config.parts))]),
        past=Csr(by_user.indptr, by_user.indices, np.sqrt(past.decayed), matrix.n_items),
        own=np.log1p(np.column_stack([past.baskets, past.fading])).astype(np.float32),
        items=items.astype(np.float32),
        factors=wals.fit(matrix, config.taste, rng=rng),
        neighbours=item_neighbours(matrix, config.neighbours),
        cold_start_items=cold_start_events(matrix, config.recent_half_life_days),
        others=train_parts(config.parts, matrix, rng),
    )


def _examples(model: Blend, later: Csr, config: Config, rng: np.random.Generator) -> TrainingExamples:
    """What users known in `model` took next, among their own items and the best of the rest."""

    def see(users: Codes) -> tuple[list[Codes], npt.NDArray[np.float64]]:
        offered: list[Codes] = [np.empty(0, np.int32)] * len(users)
        tables: list[npt.NDArray[np.float64]] = [np.empty((0, len(model.weights)))] * len(users)

        def choose(rows: slice, found: Candidates) -> None:
            scores, signals = model.weigh(found), model.signals(found)
            for at in range(len(found.users)):
                picked = model.offer(found, at, scores, config.candidates)
                offered[rows.start + at], tables[rows.start + at] = found.items[picked], signals[picked]

        model.for_candidates(np.asarray(users, dtype=np.int64), choose, n_found=config.candidates)
        return offered, np.concatenate(tables)

    features, targets, lengths = with_targets(learned_from(model, later, config, rng), later, see)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return TrainingExamples(features, targets, starts)


def learned_from(model: Blend, later: Csr, config: Config, rng: np.random.Generator) -> Codes:
    """Users known in `model` who came again, sorted; a draw of them where they are many."""
    users = returning_users(model.past, later)
    if len(users) > config.max_inner_users:
        users = np.sort(rng.choice(users, size=config.max_inner_users, replace=False))
    return users
