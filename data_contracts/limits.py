"""Limits of the numbers that people may write: wide enough for any shop, and small enough to be computed with.

A number beyond them would end in overflow, or in more memory than any machine has, hours after it was read.
"""

from datetime import date
from typing import Annotated, Final

from pydantic import Field

MAX_DAYS: Final = 36_500
"""A hundred years."""
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)
"""Days that a run may be as of: what a run looks back over still is a time that every library can hold."""
MAX_SEED: Final = 2**63 - 1
MAX_DATES: Final = 3_660
"""Dates of one backfill: ten years of days."""
MAX_TRIALS: Final = 100_000
MAX_MINUTES: Final = 100_000.0
MAX_WINDOWS: Final = 24
"""Inner windows of a search."""
MAX_COUNT: Final = 1_000_000_000
MAX_NUMBER: Final = 1e15
"""Up to here a float holds whole numbers exactly, and thousands of them can be summed."""

Days = Annotated[int, Field(gt=0, le=MAX_DAYS)]
"""Whole days."""
HalfLife = Annotated[float, Field(ge=0.001, le=MAX_DAYS, allow_inf_nan=False)]
"""Days, from a minute and a half."""
BoundedDay = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
"""A day that a run may be as of."""
ListLength = Annotated[int, Field(gt=0, le=10_000)]
"""Places of a list."""
AudienceLength = Annotated[int, Field(gt=0, le=100_000)]
"""Users that one item is shown to."""
Resamples = Annotated[int, Field(gt=0, le=100_000)]
"""Of a bootstrap."""
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
"""How many of something."""
SkippedRows = Annotated[int, Field(ge=0, le=1_000_000)]
"""Lines before a header."""
Number = Annotated[float, Field(ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False)]
"""A value of a log or of a metric."""

EventWeight = Annotated[float, Field(ge=1e-5, le=1e6, allow_inf_nan=False)]
"""Of one event of some type: from here down weights would be rounded to nothing."""

Most = Annotated[int, Field(gt=0, le=MAX_COUNT)]
"""A limit that something may have."""
Allowance = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
"""Minutes, or gigabytes."""
