"""What `"auto"` stands for in WALS: weights and regularization that suit a log, tried out on its own last days.

How strong the weight of what was not observed should be depends on how much was (S. Rendle et al., RecSys 2022,
report 0.3 for a dense matrix and 0.007 for a sparse one), and on more than that. So a few candidates, stated
relative to the log, are fitted with few factors to a sample of its users without what they did last, and the
one that ranks that best is taken.
"""

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from data_contracts.interactions import GroupedMatrix
from tasks.models._checkpoints import start
from tasks.models._inner_window import Inner, inner_window, share_of_users
from tasks.numeric.csr import Weighting, value_weights
from tasks.numeric.wals_side import GivenWeights, Terms, both_sides
from tasks.numeric.wals_solve import solve_cg

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Auto = Literal["auto"]


def _number_or_auto(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """One message for both kinds of value."""
    try:
        found = handler(value)
    except ValidationError:
        found = -1.0
    if found == "auto" or found >= 0:
        return found
    raise PydanticCustomError(
        "number_or_auto", f'Input should be a number from 0 to {MAX_WEIGHT:,.0f}, or "auto"'
    )


MAX_WEIGHT = 1e9
NumberOrAuto = Annotated[
    Annotated[float, Field(ge=0, le=MAX_WEIGHT, allow_inf_nan=False)] | Auto, WrapValidator(_number_or_auto)
]
"""A parameter of a configuration."""

Pull = tuple[float, float]

PULLS: tuple[Pull, ...] = ((16.0, 0.01), (4.0, 0.03), (64.0, 0.01), (16.0, 0.03))
"""Candidates: the weight of an unobserved entry as a multiple of the mean weight of all cells, and the
regularization as a multiple of the mean weight of an observed entry. The first is good on most logs, and taken
unless another is surely better; the last suits logs where little but popularity can be learned."""

FACTORS, ITERATIONS = 64, 5
"""Of the fits that are tried, at most. With 32 factors, stronger pulls look better than they are with more."""

MARGIN = 0.1
"""A candidate must be better than the first by this share of its value and by one standard error: a sample of the
users and few factors make stronger pulls look better than they will be, and smaller gains did not last."""

SHARE = 0.25
"""Work of all fits that are tried, as a share of the work of the fit itself: with what they cost besides, about a
third of its time on large logs."""

LEAST_ENTRIES = 200_000
"""Entries to try on where there are so many, whatever the share: a second or two."""


class Choice(NamedTuple):
    """Three parameters of WALS, as numbers."""

    unobserved_weight: float
    regularization: float
    weighting: Weighting


USUAL = Choice(0.3, 0.01, "count")
"""What suited purchases that fill two percent of the matrix."""


class Wanted(NamedTuple):
    """The same as a configuration asks for them, and the size of the fit they are for."""

    unobserved_weight: float | Auto
    regularization: float | Auto
    weighting: Weighting | Auto
    exponent: float
    explicit: bool
    n_factors: int
    iterations: int


def settle(matrix: GroupedMatrix, wanted: Wanted, rng: np.random.Generator) -> Choice:
    """Numbers for what is wanted: as given, the usual ones beside a given weight, or else what suits the log.

    The generator itself is not drawn from, only a child of it, so that a fit with the same numbers given starts
    from the same factors.
    """
    if wanted.unobserved_weight != "auto":
        return given_numbers(*wanted[:3])
    return choose(matrix, wanted, rng.spawn(1)[0])


def given_numbers(
    unobserved_weight: float | Auto, regularization: float | Auto, weighting: Weighting | Auto
) -> Choice:
    """What a configuration with a given weight stands for.

    Raises
    ------
    ValueError
        If the weight is "auto": it depends on the log.

    """
    if unobserved_weight == "auto":
        raise ValueError(
            'unobserved_weight is still "auto"; call settled(matrix, rng=...) on the configuration'
        )
    return Choice(
        unobserved_weight,
        USUAL.regularization if regularization == "auto" else regularization,
        USUAL.weighting if weighting == "auto" else weighting,
    )


def choose(matrix: GroupedMatrix, wanted: Wanted, rng: np.random.Generator) -> Choice:
    """Replace every `"auto"` by what suits the log.

    Parameters
    ----------
    matrix
        What the fit will be trained on; where it has a history the last days of it are held out, else some
        entries of every user.
    wanted
        Numbers stay as they are.
    rng
        Of the sample of users and the first factors.

    """
    weighting = _first_weighting(matrix, wanted)
    inner = inner_window(share_of_users(matrix, _entries(matrix, wanted), rng), rng)
    if inner is None:
        return _choice(matrix, wanted, PULLS[0], weighting)
    trial = _Trial(inner, wanted, int(rng.integers(2**63)))
    pull = PULLS[trial.best([(each, weighting) for each in PULLS])]
    weightings = [weighting, *_other_weightings(matrix, wanted)]
    weighting = weightings[trial.best([(pull, each) for each in weightings])]
    return _choice(matrix, wanted, pull, weighting)


def first_guess(matrix: GroupedMatrix, wanted: Wanted, weighting: Weighting) -> Choice:
    """The first candidate as numbers, for who will not try any."""
    return _choice(matrix, wanted, PULLS[0], weighting)


def _entries(matrix: GroupedMatrix, wanted: Wanted) -> int:
    """How many entries the candidates may be tried on."""
    fits = len(PULLS) + len(_other_weightings(matrix, wanted))
    one = min(FACTORS, wanted.n_factors) * min(ITERATIONS, wanted.iterations)
    share = SHARE * wanted.n_factors * wanted.iterations / (one * fits)
    return max(LEAST_ENTRIES, int(share * matrix.nnz))


def _first_weighting(matrix: GroupedMatrix, wanted: Wanted) -> Weighting:
    if wanted.weighting != "auto":
        return wanted.weighting
    return "binary" if wanted.explicit or _all_alike(matrix) else "count"


def _other_weightings(matrix: GroupedMatrix, wanted: Wanted) -> list[Weighting]:
    """What else is tried: logarithms; "binary" was best on no log."""
    if wanted.weighting != "auto" or wanted.explicit or _all_alike(matrix):
        return []
    return ["log"]


def _all_alike(matrix: GroupedMatrix) -> bool:
    values = matrix.by_user.values
    return bool(values.min() == values.max())


def _choice(matrix: GroupedMatrix, wanted: Wanted, pull: Pull, weighting: Weighting) -> Choice:
    """Turn a candidate into numbers, for a log of this density and these values."""
    # The mean of logarithms: one value of a million must not decide.
    logs = np.log(np.maximum(value_weights(matrix.by_user.values, weighting), np.finfo(np.float32).tiny))
    weight = float(np.exp(logs.mean(dtype=np.float64)))
    unobserved, regularization = wanted.unobserved_weight, wanted.regularization
    if unobserved == "auto":
        unobserved = pull[0] * weight * matrix.nnz / (matrix.n_users * matrix.n_items)
    if regularization == "auto":
        sizes = [
            matrix.nnz / own + unobserved * other
            for own, other in (matrix.by_user.shape, matrix.by_user.shape[::-1])
        ]
        typical = float(np.sqrt(sizes[0] * sizes[1]))
        regularization = pull[1] * weight * typical ** (1 - wanted.exponent)
    return Choice(rounded(unobserved), rounded(regularization), weighting)


def rounded(number: float) -> float:
    """Three digits: more would say what was not measured."""
    return float(f"{number:.3g}")


class _Trial:
    """Fits candidates to a window, each once."""

    def __init__(self, inner: Inner, wanted: Wanted, seed: int) -> None:
        self.inner, self.wanted, self.seed = inner, wanted, seed
        self.known: dict[Choice, Float64] = {}

    def best(self, candidates: list[tuple[Pull, Weighting]]) -> int:
        """Place of the best candidate where it is surely better than the first, else of the first."""
        choices = [_choice(self.inner.known, self.wanted, *each) for each in candidates]
        if len(set(choices)) == 1:
            return 0
        gains = [self.values(each) - self.values(choices[0]) for each in choices]
        best = int(np.argmax([gain.mean() for gain in gains]))
        error = float(gains[best].std() / np.sqrt(len(gains[best])))
        enough = max(error, MARGIN * float(self.values(choices[0]).mean()))
        return best if gains[best].mean() > enough else 0

    def values(self, choice: Choice) -> Float64:
        """What a small fit with these numbers is worth, user by user."""
        if choice not in self.known:
            self.known[choice] = self.inner.values(
                *_small_fit(self.inner.known, self.wanted, choice, self.seed)
            )
        return self.known[choice]


def _small_fit(matrix: GroupedMatrix, wanted: Wanted, choice: Choice, seed: int) -> tuple[Float32, Float32]:
    """User and item factors after a few iterations, from the same start for every choice."""
    terms = Terms(
        choice.weighting,
        wanted.explicit,
        choice.unobserved_weight,
        choice.regularization,
        wanted.exponent,
    )
    users, items = both_sides(matrix, terms, GivenWeights())
    n_factors, iterations = min(FACTORS, wanted.n_factors), min(ITERATIONS, wanted.iterations)
    _, x, y = start(matrix.by_user.shape, n_factors, iterations, np.random.default_rng(seed), None)
    for _ in range(iterations):
        solve_cg(users, y, x, steps=2, halve=True)
        solve_cg(items, x, y, steps=2, halve=True)
    solve_cg(users, y, x, steps=3)
    return x, y
