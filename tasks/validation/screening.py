"""Find the rows that the plainest rules may object to, a column at a time, so that the others need no judge.

Great Expectations copies columns and, for some types, calls Python for every value: most of the time of an
ingestion went into rows that nothing is wrong with. A screen never passes a row that its rule would reject.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Screen = Callable[[pa.ChunkedArray], Any]
"""Makes a boolean mask of a column: the rows that a rule may object to. Null counts as False."""


def screen(expectation: Mapping[str, Any], schema: pa.Schema) -> Screen | None:
    """The screen of an expectation on tables of this schema; None where only Great Expectations can tell."""
    kwargs = dict(expectation.get("kwargs", {}))
    column = kwargs.pop("column", None)
    if column not in schema.names or not set(kwargs) <= {"min_value", "max_value"}:
        return None
    low, high, kind = kwargs.get("min_value"), kwargs.get("max_value"), schema.field(column).type
    match expectation.get("type"):
        case "expect_column_values_to_not_be_null" if not kwargs:
            return _missing
        case "expect_column_value_lengths_to_be_between" if _is_text(kind) and _all_are(int, low, high):
            return lambda values: _outside(pc.utf8_length(values), low, high)
        case "expect_column_values_to_be_between" if _is_number(kind) and _all_are((int, float), low, high):
            return lambda values: _outside(values, low, high)
        case "expect_column_values_to_be_between" if pa.types.is_timestamp(kind) and kind.tz is None:
            moments = [_moment(limit, kind) for limit in (low, high)]
            if all(
                (limit is None) == (moment is None)
                for limit, moment in zip((low, high), moments, strict=True)
            ):
                return lambda values: _outside(values, *moments)
    return None


def suspicious(table: pa.Table, screens: Sequence[tuple[str, Screen]]) -> npt.NDArray[np.intp]:
    """Rows that any screen, given with its column, has caught."""
    found = np.zeros(table.num_rows, dtype=np.bool_)
    for column, look in screens:
        found |= pc.fill_null(look(table.column(column)), False).to_numpy()
    return np.flatnonzero(found)


def _missing(values: pa.ChunkedArray) -> Any:
    return pc.is_null(values, nan_is_null=True)


def _outside(values: Any, low: Any, high: Any) -> Any:
    """Where values are not surely within the limits, NaN included."""
    within = [*([pc.greater_equal(values, low)] if low is not None else []),
              *([pc.less_equal(values, high)] if high is not None else [])]  # fmt: skip
    if not within:
        return pc.is_null(values)
    inside = within[0] if len(within) == 1 else pc.and_(*within)
    return pc.invert(inside)


def _moment(limit: Any, kind: pa.DataType) -> pa.Scalar | None:
    """A limit as the time it names; None where it names none, or one with an offset."""
    try:
        moment = datetime.fromisoformat(limit)
    except (TypeError, ValueError):
        return None
    return None if moment.tzinfo or "T" not in limit else pa.scalar(moment, kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _all_are(kinds: Any, *limits: Any) -> bool:
    return all(
        limit is None or (isinstance(limit, kinds) and not isinstance(limit, bool)) for limit in limits
    )
