"""What tuning may try, as plain data: each model's file names ranges for the parameters that matter."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = float | int | str | bool | None


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; whole numbers where both ends are.

    Parameters
    ----------
    low, high
        The ends.
    log
        Try each factor between two numbers as often, rather than each distance.

    Raises
    ------
    ValueError
        If the ends are not in order, or a logarithmic range does not start above 0.

    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        """Check the ends."""
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"a range needs low < high, and low > 0 where log; got {self}")

    @property
    def whole(self) -> bool:
        """Only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def nearest(self, value: Value) -> Value:
        """The number of the range that is next to `value`.

        None stands for no limit, the upper end; a word such as "auto" for any number, the middle.
        """
        if value is None:
            return self.high
        if isinstance(value, str):
            middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
            return round(middle) if self.whole else middle
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Categorical:
    """One of these values."""

    values: tuple[Value, ...]

    def nearest(self, value: Value) -> Value:
        """`value` if it is one of them, else the first."""
        return value if value in self.values else self.values[0]


@dataclass(frozen=True)
class Doubling:
    """A size that costs: the other parameters are tuned at `first`, then it doubles while that helps.

    Parameters
    ----------
    first, last
        The smallest and the largest size to try.

    """

    first: int
    last: int

    def larger(self) -> tuple[int, ...]:
        """Sizes above `first`, each twice the one before."""
        steps = int(math.log2(self.last / self.first))
        return tuple(self.first * 2**step for step in range(1, steps + 1))


Search = Mapping[str, Range | Categorical | Doubling]
"""By parameter name; parameters that are not named keep their value."""

Parameters = dict[str, Any]
