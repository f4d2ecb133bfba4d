"""Cut the events into what is trained on and what is held out, day by day or user by user."""

from datetime import UTC, date, datetime, time
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from data_contracts.selection import Selection

BY_USER = frozenset({"leave_last", "leave_last_basket", "random"})
"""Splits that divide each user's own events."""

NOT_POSITIVE: dict[str, Literal["positive", "net"]] = {"quantity": "net", "duration": "positive"}
"""What values of 0 and less mean by kind of feedback; places of labels begin at 1, and a count asks for none."""


BEFORE_ALL_LOGS = date(1700, 1, 1)
"""Times in nanoseconds, as pandas has them, begin in 1677."""


class Windows(NamedTuple):
    """The three parts of the log that a run looks at."""

    train: Selection
    """What the compared models learn from."""
    holdout: Selection
    """What they are compared on."""
    full: Selection
    """What the winner is refitted on."""


def windows(spec: DatasetSpec, as_of: date | None, seed: int, *, whole_test_file: bool = False) -> Windows:
    """Selections of a run.

    Parameters
    ----------
    spec
        The dataset; days begin at midnight in its time zone.
    as_of
        Exclusive upper bound of everything; None only for a log without times.
    seed
        Decides a random split.
    whole_test_file
        Of a hold-out in a file of its own: nobody named `as_of`, it only is the day after the newest event of
        the training file. The test file then counts whole, however much later it goes on.

    """
    window = spec.window
    if as_of is None:
        full = _of_feedback(spec)
    else:
        start = _days_before(as_of, window.lookback_days) if window.lookback_days else None
        bounds = {"start": _midnight(spec, start) if start else None, "end": _midnight(spec, as_of)}
        full = _of_feedback(spec).model_copy(update=bounds)
    if window.split == "file":
        held_out = full.held_out.model_copy(
            update={"start": None} | ({"end": None} if whole_test_file else {})
        )
        return Windows(full, held_out, full)
    if window.split == "time":
        if as_of is None:
            raise ConfigurationError(f"dataset {spec.name!r} is split by time: give an --as-of date")
        cut = _midnight(spec, _days_before(as_of, window.holdout_days))
        held_out = full.held_out.model_copy(update={"start": cut})
        return Windows(full.model_copy(update={"end": cut}), held_out, full)
    divided = full.model_copy(
        update={
            "split": window.split,
            "leave_last_n": window.leave_last_n,
            "random_share": window.random_share,
            "seed": seed,
        }
    )
    # What is held out is not cut down: there each user counts once, however many events.
    return Windows(divided, divided.held_out.model_copy(update={"part": "holdout"}), full)


def inner_windows(spec: DatasetSpec, as_of: date | None, seed: int, n: int) -> tuple[Windows, ...]:
    """Windows inside the training side of a run as of that day, the newest first: all that tuning may see.

    They are cut as the run itself is cut, `n` times, each one hold-out earlier. None of them holds an
    event of the run's own hold-out.

    Raises
    ------
    ConfigurationError
        If the log has no times and its split needs some.

    """
    if spec.window.split in BY_USER:
        outer = windows(spec, as_of, seed)
        deeper = [{"within": depth} for depth in range(1, n + 1)]
        return tuple(Windows(*(part.model_copy(update=each) for part in outer)) for each in deeper)
    if as_of is None:
        raise ConfigurationError(f"dataset {spec.name!r} cannot be tuned: its log has no times to cut at")
    days = spec.window.holdout_days
    # A hold-out in a file of its own lies after the log: the newest window may then end with the log.
    first = as_of if spec.window.split == "file" else _days_before(as_of, days)
    by_time = spec.model_copy(update={"window": spec.window.model_copy(update={"split": "time"})})
    return tuple(windows(by_time, _days_before(first, each * days), seed) for each in range(n))


def _of_feedback(spec: DatasetSpec) -> Selection:
    """Everything that is feedback by its value, at any time."""
    feedback = spec.feedback
    if feedback.kind == "event_type":
        return _of_event_types(spec)
    return Selection(
        threshold=feedback.threshold,
        max_events_per_user=spec.cleaning.max_events_per_user,
        max_events_quantile=spec.cleaning.max_events_quantile,
        values="rated" if feedback.as_weight else NOT_POSITIVE.get(feedback.kind, "all"),
        last_word=feedback.kind == "rating" and spec.grouping.merge == "last",
    )


def _of_event_types(spec: DatasetSpec) -> Selection:
    feedback = spec.feedback
    targets = feedback.target_types
    least = min(feedback.weights[name] for name in targets)
    lowering = [name for name, how in feedback.negative.items() if how == "lower"]
    return Selection(
        max_events_per_user=spec.cleaning.max_events_per_user,
        max_events_quantile=spec.cleaning.max_events_quantile,
        values="typed",
        targets=targets,
        undoes=tuple(name for name in lowering if feedback.weights[name] >= least),
        excludes=feedback.excluding,
    )


def _days_before(day: date, days: int) -> date:
    """The day so many days before, but none before all logs."""
    return date.fromordinal(max(day.toordinal() - days, BEFORE_ALL_LOGS.toordinal()))


def _midnight(spec: DatasetSpec, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(spec.source.timezone)).astimezone(UTC)
