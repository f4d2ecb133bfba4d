"""What is wrong with a window that holds too little, and what would help with this way of splitting."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from data_contracts.columns import EVENT_TIME
from data_contracts.selection import Selection
from tasks.runtime.duckdb_engine import path_literal


class _Log(NamedTuple):
    first: datetime
    last: datetime


def training_too_small(
    connection: duckdb.DuckDBPyConnection, events: Path, selection: Selection, name: str, size: int
) -> str:
    """Say why too few different ids of one kind are trained on.

    Parameters
    ----------
    connection
        Of the engine.
    events
        Path of events.parquet.
    selection
        The training side.
    name, size
        Which ids, and how many there are.

    """
    said = (
        f"the training side ({described(selection)}) holds {size} different {name}; at least 2 are needed. "
    )
    log = _log(connection, events)
    if selection.values == "typed" and size == 0:
        said += "Only event types with a weight count: see to weights and negative under [feedback]. "
    elif selection.threshold is not None and size == 0:
        said += f"Only values from {selection.threshold:g} on count: lower the threshold under [feedback]. "
    elif selection.values != "all" and size == 0:
        said += 'Only values above 0 count, less their returns: see to the value column, or write kind = "count" under [feedback]. '
    if log is None:
        return said + "The log has no times; it needs more rows"
    if selection.end is not None and selection.end <= log.first:
        return said + (
            f"The log begins at {log.first}, when this window is over: write fewer holdout_days under [window]; "
            'for a log of a few days, hold out part of each user\'s events instead: split = "leave_last" or '
            '"random"; or wait for more days'
        )
    if selection.start is not None and selection.start > log.last:
        return said + (
            f"The newest event is of {log.last}, before this window begins: choose an earlier --as-of, or more "
            "lookback_days under [window]"
        )
    if selection.start is not None:
        said += "More lookback_days under [window] would train on more; "
    return said + f"the log runs from {log.first} to {log.last}"


def nothing_held_out(
    connection: duckdb.DuckDBPyConnection, events: Path, selection: Selection, n_held: int
) -> str:
    """Say why no held-out event has a known item.

    Parameters
    ----------
    connection
        Of the engine.
    events
        Path of events.parquet.
    selection
        What is held out.
    n_held
        Held-out events, known item or not.

    """
    event = f"event of type {' or '.join(selection.targets)}" if selection.only_targets else "event"
    said = f"the hold-out ({described(selection)}) has no {event} with an item known before it"
    log = _log(connection, events)
    if selection.split != "none":
        return f"{said}: {_of_each_user(selection, n_held)}"
    if selection.start is None:
        return f"{said}: {_of_file(selection, log, n_held)}"
    if n_held:
        return (
            f"{said}: all of its {n_held:,} events are of items that came later; write fewer holdout_days under "
            '[window], or split = "leave_last" where every night brings new items'
        )
    return (
        f"{said}: it has no {'such ' if selection.only_targets else ''}event at all, for the log ends at {log.last if log else 'no time'}. Give an "
        "--as-of soon after that, or more holdout_days under [window]"
    )


def described(selection: Selection) -> str:
    """The selection in words."""
    bounds = f"from {selection.start or 'the first event'} to {selection.end or 'the last event'}"
    if selection.split == "none":
        return bounds
    side = "held out" if selection.part == "holdout" else "left"
    return f"what {selection.split} has {side} of each user, {bounds}"


def _of_each_user(selection: Selection, n_held: int) -> str:
    if n_held:
        return 'the items held out stand nowhere else in the log; write split = "time" or a larger hold-out'
    what = "basket" if selection.split == "leave_last_basket" else "event"
    other = 'or "leave_last"' if what == "basket" else "if users can be told from visit to visit"
    return (
        f"no user has a second {what} to keep. If the user column holds sessions or orders, name the column "
        f'that stays the same when a person comes again; else write split = "time" {other}'
    )


def _of_file(selection: Selection, log: _Log | None, n_held: int) -> str:
    if n_held:
        return (
            f"none of the items of its {n_held:,} events stands in the training log; ids may be written "
            "differently in the two files, such as 5863.0 and 5863"
        )
    runs = "has no times" if log is None else f"runs from {log.first} to {log.last}"
    return (
        f"the test file {runs}, and only events before {selection.end} were "
        "asked for: leave out --as-of and default_as_of to use it whole"
    )


def _log(connection: duckdb.DuckDBPyConnection, events: Path) -> _Log | None:
    row = connection.execute(
        f"SELECT epoch(min({EVENT_TIME})), epoch(max({EVENT_TIME})) FROM read_parquet({path_literal(events)})"
    ).fetchone()
    assert row is not None
    if row[0] is None:
        return None
    return _Log(*(datetime.fromtimestamp(int(each), UTC) for each in row))
