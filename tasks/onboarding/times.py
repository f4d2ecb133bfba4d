"""Find out how times are written: by content, and for what may be read two ways by which order is the likelier."""

import re
import warnings
from collections.abc import Sequence
from itertools import product
from typing import Any

import duckdb
from pandas.tseries.api import guess_datetime_format

from tasks.ingestion.moments import FLOATS, NUMBERS, is_number
from tasks.runtime.duckdb_engine import literal

_DATES = (
    *("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y"),
    *("%d %b, %Y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y", "%B %d %Y", "%a %d %b %Y", "%m %d, %Y"),
    *("%Y%m%d", "%d. %m. %Y", "%d/%b/%Y"),
)
_CLOCKS = (
    *(
        "",
        " %H:%M",
        " %H:%M:%S",
        " %H:%M:%S.%f",
        " %I:%M %p",
        " %I:%M:%S %p",
        " %I:%M%p",
        " %I:%M:%S%p",
        " %H.%M",
    ),
    *(
        " %H.%M.%S",
        " %I.%M.%S.%f %p",
        ", %H:%M",
        ", %H:%M:%S",
        ", %I:%M %p",
        ", %I:%M:%S %p",
        "T%H:%M",
        "T%H:%M:%S",
    ),
    *(" %H:%M:%S %z", " %H:%M:%S %Z", " %H%M%S", " %Hh%M"),
)
_OTHERS = (
    *("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ", "%a %b %d %H:%M:%S %Z %Y"),
    *(
        "%a %b %d %H:%M:%S %z %Y",
        "%a %b %d %H:%M:%S %Y",
        "%a, %d %b %Y %H:%M:%S %z",
        "%a, %d %b %Y %H:%M:%S %Z",
    ),
    *("%d/%b/%Y:%H:%M:%S %z", "[%d/%b/%Y:%H:%M:%S %z]", "%Y-%m-%d-%H.%M.%S.%f", "%Y-%m-%d %H:%M:%S %z UTC"),
    *("%Y-%m-%d %H:%M:%S.%f %z UTC", "%H:%M %d/%m/%Y", "%H:%M:%S %d/%m/%Y", "%H:%M:%S %d.%m.%Y"),
)

_EPOCHS = {
    "epoch_seconds": 1.0,
    "epoch_milliseconds": 1e3,
    "epoch_microseconds": 1e6,
    "epoch_nanoseconds": 1e9,
}
_FIRST, _LAST = 7.5e8, 4.1e9
"""Seconds since 1970 of late 1993 and of 2099: numbers outside are ids rather than times."""

_SERIALS = (33_000.0, 73_000.0)
"""Days of a spreadsheet for 1990 and 2099."""

_ENOUGH = 0.9
"""Share of a column's values that a format must read."""

_TRIED = 400
"""Values that every format is tried on; the best ones are tried on all."""

_LOOKS = re.compile(
    r".*\b(?:(?:19|20)[0-9]{2}\b.*[-/. ].*|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}\b.*)|(?:19|20)[0-9]{2}-?(?:W?[0-9]{2})"
)


def guess_time_format(
    connection: duckdb.DuckDBPyConnection, values: Sequence[str], kind: str, *, named: bool
) -> str | None:
    """Find what `source.time_format` must be for a column; None if it holds no times that can be read.

    Parameters
    ----------
    connection
        Where formats are tried out.
    values
        Its texts in the log's order, missing ones left out.
    kind
        Its DuckDB type.
    named
        Whether its name speaks of a time: only then small numbers may be days of a spreadsheet.

    """
    if kind.startswith(("TIMESTAMP", "DATE")):
        return "auto"
    if not values or not kind.startswith(("VARCHAR", "DECIMAL", *NUMBERS, *FLOATS)):
        return None
    if sum(len(re.findall("[0-9]", value)) >= 3 for value in values[:100]) < 0.5 * len(values[:100]):
        return None
    numbers = [
        float(value) for value in values if re.fullmatch(r"\s*[0-9]+(\.[0-9]*)?([eE]\+?[0-9]+)?\s*", value)
    ]
    if len(numbers) > _ENOUGH * len(values):
        found = _of_numbers(numbers, named=named)
        if found:
            return found
    if is_number(kind) or len(numbers) > _ENOUGH * len(values):
        whole = [re.sub(r"\.0*$", "", value) for value in values]
        return _best(connection, whole, ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M"))
    return _best(connection, values, ("auto", *_formats(values)))


def looks_like_times(values: Sequence[str]) -> bool:
    """Whether most texts hold a year and marks, though no format may read them."""
    shown = values[:: max(1, len(values) // _TRIED)]
    return bool(shown) and sum(bool(_LOOKS.fullmatch(value)) for value in shown) > _ENOUGH * len(shown)


def is_ambiguous(form: str, values: Sequence[str]) -> bool:
    """Whether day and month of all times may be the other way round."""
    if not re.match(r"%[md][-/.]%[md]", form) or form.startswith("%d."):
        return False
    pairs = [re.findall("[0-9]+", value)[:2] for value in values]
    return all(len(pair) == 2 and max(map(int, pair)) <= 12 for pair in pairs)


def _of_numbers(numbers: Sequence[float], *, named: bool) -> str | None:
    for form, per_second in _EPOCHS.items():
        inside = sum(_FIRST * per_second <= number <= _LAST * per_second for number in numbers)
        if inside > _ENOUGH * len(numbers):
            return form
    low, high = _SERIALS
    days = [number for number in numbers if low <= number <= high]
    return "excel_serial" if named and len(days) > _ENOUGH * len(numbers) else None


def _formats(values: Sequence[str]) -> list[str]:
    """Formats that may fit, those that pandas reads out of some values first."""
    shown = values[:: max(1, len(values) // 20)][:20]
    with warnings.catch_warnings():
        # pandas says in words which of two readings it takes; both are asked for.
        warnings.simplefilter("ignore")
        guessed = [guess_datetime_format(value, dayfirst=day) for day in (False, True) for value in shown]
    made = ["".join(parts) for parts in product(_DATES, _CLOCKS)]
    return list(dict.fromkeys([*made, *_OTHERS, *[form for form in guessed if form and "%Y" in form]]))


def _best(connection: duckdb.DuckDBPyConnection, values: Sequence[str], forms: Sequence[str]) -> str | None:
    few = list(values[:: max(1, len(values) // _TRIED)])
    forms = [form for form in forms if form == "auto" or form in _OTHERS or _may_fit(few, form)]
    counts = _counts(connection, few, forms)
    most = max(counts, default=0)
    if most <= _ENOUGH * len(few):
        return None
    near = [form for form, count in zip(forms, counts, strict=True) if count >= 0.95 * most]
    near = [form for form in near if form == "auto"] or near
    counts = _counts(connection, list(values), near)
    tied = [form for form, count in zip(near, counts, strict=True) if count == max(counts)]
    if max(counts) <= _ENOUGH * len(values):
        return None
    return min(tied, key=lambda form: _unlikeliness(connection, values, form)) if len(tied) > 1 else tied[0]


def _may_fit(values: Sequence[str], form: str) -> bool:
    """Whether a few values have the same marks between digits and letters; spares the database most formats."""
    shapes = {_shape(value) for value in values[:: max(1, len(values) // 20)]}
    return any(
        _shape(re.sub(r"%[YmdyHMSIf]", "9", re.sub(r"%[abBpZ]", "a", form)).replace("%z", zone)) in shapes
        for zone in _ZONES
    )


_ZONES = ("+9", "-9", "+9:9", "-9:9", "a")


def _shape(text: str) -> str:
    letters = re.sub(r"[^\W\d_]+", "a", text.strip())
    return re.sub(r"\s+", " ", re.sub("[0-9]+", "9", letters))


def _counts(connection: duckdb.DuckDBPyConnection, values: list[str], forms: Sequence[str]) -> list[int]:
    """How many values each format reads as a time between 1970 and 2100."""
    found: list[int] = []
    for at in range(0, len(forms), 100):
        listed = ", ".join(
            f"count(*) FILTER ({_read(form)} BETWEEN '1970-01-01' AND '2100-01-01')"
            for form in forms[at : at + 100]
        )
        row: Any = connection.execute(
            f"SELECT {listed} FROM (SELECT trim(unnest(?)) AS v)", [values]
        ).fetchone()
        found += row
    return found


def _unlikeliness(
    connection: duckdb.DuckDBPyConnection, values: Sequence[str], form: str
) -> tuple[int, float]:
    """How often the time goes back from one row to the next, as logs are mostly in order; then the days they span."""
    row: Any = connection.execute(
        f"SELECT count(*) FILTER (t < before), date_diff('day', min(t), max(t)) FROM "
        f"(SELECT t, lag(t) OVER (ORDER BY n) AS before FROM "
        f"(SELECT {_read(form)} AS t, n FROM (SELECT trim(unnest(?)) AS v, unnest(range(?)) AS n)))",
        [list(values), len(values)],
    ).fetchone()
    return int(row[0]), float(row[1])


def _read(form: str) -> str:
    if form == "auto":
        return "TRY_CAST(v AS TIMESTAMPTZ)::TIMESTAMP"
    return f"try_strptime(v, {literal(form)})::TIMESTAMPTZ::TIMESTAMP"
