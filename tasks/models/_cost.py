"""What training a model takes, roughly: known from the size of the log before anything is begun.

Seconds are those of two cores that multiply and add some 10^11 times a second; half of them take twice as long.
docs/limits.md has the formulas beside what was measured.
"""

from typing import NamedTuple


class Sizes(NamedTuple):
    """Size of what a model is trained on."""

    n_users: int
    n_items: int
    n_entries: int
    """Pairs of user and item."""
    n_events: int
    """Events of known users."""


class Cost(NamedTuple):
    """What training takes."""

    seconds: float
    memory_bytes: float
    """At its height, beyond what the program holds anyway and the files that are mapped."""


def factorisation(
    sizes: Sizes,
    n_factors: int,
    passes: float,
    per_entry: float,
    per_row: float,
    entry_bytes: float,
    copies: float,
) -> Cost:
    """Cost of a model of factors.

    Parameters
    ----------
    sizes
        Of the log.
    n_factors
        Length of a factor row.
    passes
        Passes over the entries.
    per_entry
        Seconds for each entry and factor of a pass.
    per_row
        Seconds for each row of factors and squared length of it, of a pass.
    entry_bytes
        Held for each entry.
    copies
        Copies of all factors that are held.

    """
    rows = sizes.n_users + sizes.n_items
    a_pass = sizes.n_entries * n_factors * per_entry + rows * n_factors**2 * per_row
    return Cost(passes * a_pass, 4 * copies * rows * n_factors + entry_bytes * sizes.n_entries)
