"""Poisson bootstrap of means and of paired differences, clustered where units share a user."""

import math

import numpy as np
import numpy.typing as npt

from data_contracts.evaluation import Interval
from tasks.numeric.jit import jit
from tasks.numeric.splitmix import GOLDEN, mix

Floats = npt.NDArray[np.floating]
Float64 = npt.NDArray[np.float64]

N_SAMPLES = 2_000
LEVEL = 0.95
TAILS = ((1.0 - LEVEL) / 2.0, 1.0 - (1.0 - LEVEL) / 2.0)
UNIT_BLOCK = 2_048
MOST_DRAWS, LEAST_SAMPLES = 100_000_000, 500
"""Units times resamples, a second or so for twenty metrics; and the fewest resamples of many units."""


# How often a unit is drawn, by 16 random bits: Poisson(1) to the precision of 2^-16 (9 or more draws,
# one unit in 900,000, cannot happen).
_COUNT_OF_BITS = np.searchsorted(
    np.round(np.cumsum([math.exp(-1) / math.factorial(n) for n in range(9)]) * 2**16),
    np.arange(2**16),
    side="right",
).astype(np.uint8)


def interval(
    values: Floats,
    *,
    seed: int,
    clusters: npt.NDArray[np.integer] | None = None,
    n_samples: int = N_SAMPLES,
) -> Interval:
    """Mean of `values` with its 95 % percentile interval; arguments as in :func:`intervals`."""
    return intervals(np.asarray(values)[:, None], seed=seed, clusters=clusters, n_samples=n_samples)[0]


def paired_difference(
    values: Floats,
    others: Floats,
    *,
    seed: int,
    clusters: npt.NDArray[np.integer] | None = None,
    n_samples: int = N_SAMPLES,
    root: bool = False,
) -> Interval:
    """Mean of ``values - others`` on the same units, with its interval.

    The same `seed` draws the same units for every model, so differences between models are paired. With
    `root` it is the difference of the square roots of the two means, as of root mean squared errors.

    Raises
    ------
    ValueError
        If the two do not have the same units.

    """
    if values.shape != others.shape:
        raise ValueError(f"paired values need the same units; got {values.shape} and {others.shape}")
    if root:
        means, centre = _resampled_means(np.column_stack([values, others]), seed, clusters, n_samples)
        roots = np.sqrt(means[:, 0]) - np.sqrt(means[:, 1])
        low, high = np.quantile(roots, TAILS)
        return Interval(float(np.sqrt(centre[0]) - np.sqrt(centre[1])), float(low), float(high))
    difference = np.asarray(values, dtype=np.float64) - np.asarray(others, dtype=np.float64)
    return interval(difference, seed=seed, clusters=clusters, n_samples=n_samples)


def intervals(
    values: Floats,
    *,
    seed: int,
    clusters: npt.NDArray[np.integer] | None = None,
    n_samples: int = N_SAMPLES,
) -> list[Interval]:
    """Means of several columns with their 95 % percentile intervals.

    A resample draws each cluster Poisson(1) times (Chamandy et al. 2012, "Estimating uncertainty for
    massive data streams") and takes sum / number over the units drawn, a ratio of two random sums.

    Parameters
    ----------
    values
        (n_units, n_columns).
    seed
        Fixes the resamples; they do not depend on the values.
    clusters
        int (n_units,), >= 0: units with one number are drawn together, because they are one user's.
        None: every unit is drawn alone.
    n_samples
        Number of resamples; of many units fewer, see :func:`enough_samples`.

    Raises
    ------
    ValueError
        If there are no units, a value is not finite, or lengths do not fit.

    """
    means, centre = _resampled_means(values, seed, clusters, n_samples)
    low, high = np.quantile(means, TAILS, axis=0)
    return [Interval(float(v), float(a), float(b)) for v, a, b in zip(centre, low, high, strict=True)]


def root_interval(found: Interval) -> Interval:
    """The interval of the square root of a mean that cannot be negative: the root keeps the order of resamples."""
    value, low, high = (float(np.sqrt(max(each, 0.0))) for each in (found.value, found.low, found.high))
    return Interval(value, low, high)


def _resampled_means(
    values: Floats, seed: int, clusters: npt.NDArray[np.integer] | None, n_samples: int
) -> tuple[Float64, Float64]:
    """Means of the columns over each resample (n_samples, n_columns), and over all units (n_columns,)."""
    values = np.asarray(values)
    if values.ndim != 2 or not len(values):
        raise ValueError(f"values must be (n_units, n_columns) with at least one unit; got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"values must be finite; {int((~np.isfinite(values)).sum())} are not")
    if n_samples < 1 or seed < 0:
        raise ValueError(f"n_samples must be >= 1 and seed >= 0; got {n_samples} and {seed}")
    totals = _cluster_totals(values, clusters)
    sums = resampled_sums(totals, seed=seed, n_samples=enough_samples(len(totals), n_samples))
    drawn = sums[:, -1] > 0  # a resample without any unit has no mean
    return sums[drawn, :-1] / sums[drawn, -1:], totals[:, :-1].sum(axis=0) / totals[:, -1].sum()


def enough_samples(n_units: int, n_samples: int) -> int:
    """Resamples for so many units: those asked for, and fewer above :data:`MOST_DRAWS`.

    What many units have in common hardly moves: with 500 resamples the ends of an interval are known to a
    fifteenth of its half width.
    """
    return min(n_samples, max(LEAST_SAMPLES, MOST_DRAWS // n_units))


def _cluster_totals(values: Floats, clusters: npt.NDArray[np.integer] | None) -> Float64:
    """Sums of the values per cluster, and the number of units as last column."""
    columns = np.column_stack([values, np.ones(len(values))]).astype(np.float64)
    if clusters is None:
        return columns
    if clusters.shape != (len(values),):
        raise ValueError(f"clusters must have shape ({len(values)},); got {clusters.shape}")
    numbers, members = np.unique(clusters, return_inverse=True)
    totals = np.empty((len(numbers), columns.shape[1]))
    for at in range(columns.shape[1]):
        totals[:, at] = np.bincount(members, weights=columns[:, at], minlength=len(numbers))
    return totals


def resampled_sums(columns: Float64, *, seed: int, n_samples: int = N_SAMPLES) -> Float64:
    """Sums of columns over Poisson resamples of the rows: counts (n_samples, n_units) @ columns.

    The counts of a row depend on the seed and the row number alone. They are made block by block
    (memory stays flat in n_units); the products are float32, their sum over blocks float64.

    Parameters
    ----------
    columns
        (n_units, n_columns).
    seed
        Fixes the counts.
    n_samples
        Number of resamples.

    Returns
    -------
    float64 (n_samples, n_columns)

    """
    narrow = np.ascontiguousarray(columns, dtype=np.float32)
    sums = np.zeros((n_samples, columns.shape[1]))
    counts = np.empty((min(UNIT_BLOCK, len(narrow)), n_samples), dtype=np.float32)
    for first in range(0, len(narrow), UNIT_BLOCK):
        part = narrow[first : first + UNIT_BLOCK]
        draw_counts(np.uint64(seed), first, _COUNT_OF_BITS, counts[: len(part)])
        sums += counts[: len(part)].T @ part
    return sums


@jit()
def draw_counts(
    seed: np.uint64, first: int, count_of_bits: npt.NDArray[np.uint8], counts: npt.NDArray[np.float32]
) -> None:
    """Fill (n_units, n_samples) with Poisson(1) counts: four per word of a SplitMix64 hash."""
    n_units, n_samples = counts.shape
    start = mix(seed + GOLDEN)
    for unit in range(n_units):
        # SplitMix64 (Steele et al. 2014) as a hash of the place: no state to carry from row to row.
        state = mix(start ^ mix(np.uint64(first + unit) * GOLDEN + GOLDEN))
        for sample in range(0, n_samples, 4):
            state += GOLDEN
            word = mix(state)
            for part in range(min(4, n_samples - sample)):
                bits = (word >> np.uint64(16 * part)) & np.uint64(0xFFFF)
                counts[unit, sample + part] = count_of_bits[bits]
