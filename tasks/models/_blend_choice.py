"""Stack or part: which weights rank the inner windows best, and the plainer ones where that is not sure.

Learned weights make what was taken likely; that is not the same as good lists, and a window is not the next.
So parts stand for election beside them, as weights themselves: habits (own items by how often, then the rest as
learned) and taste alone for new items. Each is judged on windows that it was not learned from. A part is taken
unless the stack is better by more than a standard error (L. Breiman et al., "Classification and Regression
Trees", 1984: the one-standard-error rule).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.models._blend import N_OWN, PRIOR
from tasks.numeric.listwise import TrainingExamples, fit_listwise

Float64 = npt.NDArray[np.float64]

LENGTH: Final = 10
"""Of the lists that are judged."""

FEWEST_LISTS: Final = 100
"""Users whose lists are compared; with fewer the stack stays."""

NAMES: Final = tuple(PRIOR)

HABITS: Final = {"own": 200.0, "own baskets": 100.0, "own, popular lately": 1.0}
"""Own items before all others, by the number of baskets; what is popular decides between equal numbers."""


def only_taste(n_signals: int) -> npt.NDArray[np.bool_]:
    """Signals that are left where taste alone orders new items, bool (n_signals,)."""
    plain = [at < N_OWN or name == "new, taste" for at, name in enumerate(NAMES)]
    return np.array(plain + [at % 2 == 0 for at in range(n_signals - len(plain))])


def choose_weights(examples: list[TrainingExamples], prior: Float64, *, prior_events: float) -> Float64:
    """Learn weights from all windows, and take the parts' own where those are as good.

    Parameters
    ----------
    examples
        Of each window, at least one.
    prior, prior_events
        As :func:`tasks.numeric.listwise.fit_listwise` wants them.

    Returns
    -------
    float64 (n_signals,)

    """
    folds = _folds(examples)

    def learn(some: TrainingExamples, allowed: npt.NDArray[np.bool_]) -> Float64:
        seen = some.features if allowed.all() else some.features * allowed
        masked = TrainingExamples(seen, some.targets, some.starts)
        return fit_listwise(masked, prior * allowed, prior_events=prior_events)

    allowed, taste_only = np.ones(len(prior), dtype=np.bool_), only_taste(len(prior))
    stacks = [learn(some, allowed) for some, _ in folds]
    plain = [learn(some, taste_only) for some, _ in folds]
    if _as_good(folds, plain, stacks, new_only=True):
        allowed, stacks = taste_only, plain
    weights = learn(joined(examples), allowed)
    if _as_good(folds, [habits(each) for each in stacks], stacks, new_only=False):
        weights = habits(weights)
    return weights


def habits(weights: Float64) -> Float64:
    """Weights that put own items first, by how often they were taken, and the others as `weights` do."""
    found = weights.copy()
    found[:N_OWN] = [HABITS.get(name, 0.0) for name in NAMES[:N_OWN]]
    found[len(NAMES) :: 2] = 0.0
    return found


def gains(examples: TrainingExamples, weights: Float64, *, new_only: bool) -> Float64:
    """Discounted events among the first ten of each list, float64 (n_lists,); NaN where nothing could be found.

    Parameters
    ----------
    examples
        What was offered and taken.
    weights
        float64 (n_signals,).
    new_only
        Whether items that users have had are left out.

    """
    sizes = np.diff(np.append(examples.starts, len(examples.targets)))
    owner = np.repeat(np.arange(len(sizes)), sizes)
    scores, taken = examples.features @ weights, examples.targets
    if new_only:
        own = examples.features[:, 0] > 0
        scores, taken = np.where(own, -np.inf, scores), np.where(own, 0.0, taken)
    order = np.lexsort((-scores, owner))
    ranks = np.arange(len(order)) - np.repeat(examples.starts, sizes)
    worth = np.where(ranks < LENGTH, 1.0 / np.log2(ranks + 2.0), 0.0)
    found = np.bincount(owner, worth * taken[order], minlength=len(sizes))
    return np.where(np.bincount(owner, taken, minlength=len(sizes)) > 0, found, np.nan)


def joined(examples: list[TrainingExamples]) -> TrainingExamples:
    """Examples of several windows as one."""
    offsets = np.cumsum([0, *(len(example.targets) for example in examples[:-1])])
    return TrainingExamples(
        np.concatenate([example.features for example in examples]),
        np.concatenate([example.targets for example in examples]),
        np.concatenate([example.starts + offset for example, offset in zip(examples, offsets, strict=True)]),
    )


def _folds(examples: list[TrainingExamples]) -> list[tuple[TrainingExamples, TrainingExamples]]:
    """What to learn from and what to judge by: each window by the others, or a single one by its halves."""
    parts = examples if len(examples) > 1 else _halves(examples[0])
    if len(parts) < 2:
        return []
    return [(joined(parts[:at] + parts[at + 1 :]), part) for at, part in enumerate(parts)]


def _halves(examples: TrainingExamples) -> list[TrainingExamples]:
    """Every other list, and those between."""
    sizes = np.diff(np.append(examples.starts, len(examples.targets)))
    owner = np.repeat(np.arange(len(sizes)), sizes)
    found = []
    for half in range(min(2, len(sizes))):
        mine = owner % 2 == half
        starts = np.concatenate([[0], np.cumsum(sizes[half::2])[:-1]]).astype(np.int64)
        found.append(TrainingExamples(examples.features[mine], examples.targets[mine], starts))
    return found


def _as_good(
    folds: list[tuple[TrainingExamples, TrainingExamples]],
    parts: list[Float64],
    stacks: list[Float64],
    *,
    new_only: bool,
) -> bool:
    """Whether the stack is not better than the part by more than a standard error, list by list."""
    differences = [
        gains(judged, stack, new_only=new_only) - gains(judged, part, new_only=new_only)
        for (_, judged), part, stack in zip(folds, parts, stacks, strict=True)
    ]
    lead = np.concatenate(differences) if differences else np.empty(0)
    lead = lead[~np.isnan(lead)]
    if len(lead) < FEWEST_LISTS or not lead.any():
        return False
    return bool(lead.mean() <= lead.std() / np.sqrt(len(lead)))
