"""Guess what the columns of an unknown log mean, from their names and from what stands in them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from tasks.onboarding.event_words import known_share
from tasks.onboarding.times import guess_time_format, looks_like_times
from tasks.onboarding.values import NumberFormat, guess_numbers, guess_truth, has_decimal_commas
from tasks.onboarding.words import (
    ROLE_WORDS,
    ends_like_an_id,
    is_measure,
    is_not_the_event,
    is_outcome,
    name_score,
    names_something_else,
    plain,
    tokens,
)
from tasks.sources.open_file import OpenFile

SAMPLE_ROWS = 20_000

_MOST_TYPES = 40
"""Labels that a column of event types may have at most."""

_FEW = 10
"""Labels that a value column may have at most, and stars of a rating at most but one."""


@dataclass
class Sample:
    """The first rows of a log as text, and what was found out about its columns.

    Parameters
    ----------
    connection
        Where times can be tried out.
    file
        All of the log.
    values
        Text values of each column, missing ones left out.
    has_names
        Whether columns are called something, rather than numbered for want of a header.

    """

    connection: duckdb.DuckDBPyConnection
    file: OpenFile
    values: Mapping[str, Sequence[str]]
    has_names: bool = True
    times: dict[str, str] = field(default_factory=dict)
    """Time format of each column that holds times."""
    unread_times: list[str] = field(default_factory=list)
    """Columns that look like times which no format reads."""

    def __post_init__(self) -> None:
        """Look at every column for times."""
        self.comma = any(has_decimal_commas(values[:2000]) for values in self.values.values())
        for name, values in self.values.items():
            _, kind = self.file.column(name)
            named = name_score("time", name) > 0
            form = guess_time_format(self.connection, values, kind, named=named)
            if form is not None:
                self.times[name] = form
            elif _seems_a_time(name, values):
                self.unread_times.append(name)

    def numbers(self, name: str) -> NumberFormat | None:
        """How a column's numbers are written; None if it holds none."""
        values = self.values[name]
        truth = guess_truth(values)
        return NumberFormat(".", "", "") if truth else guess_numbers(values, comma_elsewhere=self.comma)


def take_sample(
    connection: duckdb.DuckDBPyConnection, file: OpenFile, relations: Sequence[str], *, has_names: bool
) -> Sample:
    """Read the first rows of each of some relations that have the file's columns."""
    each = max(200, SAMPLE_ROWS // max(1, len(relations)))
    listed = ", ".join(f"{reference}::VARCHAR" for reference in file.references)
    rows = [
        row
        for relation in relations
        for row in connection.execute(f"SELECT {listed} FROM {relation} LIMIT {each}").fetchall()
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(file.names)
    values = [[value for value in column if value is not None and value.strip()] for column in columns]
    return Sample(connection, file, dict(zip(file.names, values, strict=True)), has_names)


def guess_roles(sample: Sample) -> dict[str, str]:
    """Column of each role that one was found for: by name first, then by content."""
    found: dict[str, str] = {}
    _take(found, "event", _events(sample))
    for role in ("title", "basket", "item", "user"):
        _take(found, role, _by_name(role, sample, found))
    for role in ("user", "item"):
        if role not in found:
            _take(found, role, _names_for_ids(role, sample, found))
    if "user" not in found and "basket" in found:
        # Sessions and orders without a name on them: the next best thing to a user.
        found["user"] = found.pop("basket")
    for role in ("user", "item"):
        if role not in found:
            _take(found, role, _ids_by_content(sample, found))
    times = [name for name in sample.times if name not in found.values()]
    _take(found, "time", sorted(times, key=lambda name: time_rank(sample, name, found)))
    _take(found, "value", _by_name("value", sample, found) or _values_by_content(sample, found))
    return {role: found[role] for role in (*ROLE_WORDS, "event") if role in found}


def time_rank(sample: Sample, name: str, roles: Mapping[str, str]) -> tuple[bool, bool, bool, int, int]:
    """Order of time columns, the best first: it varies, is about the event, has a time's name, is the finest."""
    different = len(set(sample.values[name]))
    score = name_score("time", name)
    return (
        different < 2,
        is_not_the_event(name) or _follows(sample, name, roles),
        score == 0,
        -different,
        sample.file.names.index(name),
    )


def _events(sample: Sample) -> list[str]:
    """Columns that hold types of events, the one first of which most rows are known."""
    shares = {}
    for name, values in sample.values.items():
        counts = Counter(value.strip() for value in values)
        if 1 < len(counts) <= _MOST_TYPES and name not in sample.times and guess_truth(values) is None:
            shares[name] = known_share(counts, tokens(name) if sample.has_names else ())
    return sorted((name for name in shares if shares[name]), key=lambda name: -shares[name])


def _take(found: dict[str, str], role: str, names: Sequence[str]) -> None:
    if names:
        found[role] = names[0]


def _by_name(role: str, sample: Sample, found: Mapping[str, str]) -> list[str]:
    """Columns whose name and content fit a role, the best first."""
    free = [name for name in sample.file.names if name not in found.values()]
    scores = {name: _score(role, name) for name in free}
    fitting = [name for name in free if scores[name] and _may_be(role, name, sample)]
    return sorted(fitting, key=lambda name: (-scores[name], sample.file.names.index(name)))


def _score(role: str, name: str) -> int:
    if role == "value" and is_outcome(name):
        return 250
    score = name_score(role, name)
    if role == "title":
        return 0 if names_something_else(name) else score
    if role in {"user", "item", "basket"} and is_measure(name):
        return 0
    # The date of an order is no order, whatever else its name says.
    is_time = name_score("time", name) >= 200 and not ends_like_an_id(name)
    return (
        0 if role in {"user", "item", "basket"} and is_time and score < 300 - len(ROLE_WORDS[role]) else score
    )


def _names_for_ids(role: str, sample: Sample, found: dict[str, str]) -> list[str]:
    """Columns such as "ProductName" of a log that has no ids; a title that is the only id is no title any more."""
    free = [name for name in sample.file.names if name not in found.values() or name == found.get("title")]
    fitting = [
        name for name in free if _score(role, name) > 90 and _may_be_id(role, name, sample, named_only=True)
    ]
    if fitting and found.get("title") == fitting[0]:
        del found["title"]
    return fitting


def _ids_by_content(sample: Sample, found: Mapping[str, str]) -> list[str]:
    # Without names and beside a time, three columns are user, item and rating in this order, however small.
    in_order = sample.has_names or len(sample.file.names) - len(sample.times) <= 3
    return [
        name
        for name in sample.file.names
        if name not in found.values()
        and _repeats(sample.values[name])
        and _may_be("user", name, sample)
        and (in_order or not _is_small_scale(sample.values[name]))
    ]


def _values_by_content(sample: Sample, found: Mapping[str, str]) -> list[str]:
    """Columns of a log without names that look like a rating."""
    if sample.has_names:
        return []
    free = [name for name in sample.file.names if name not in found.values()]
    return [
        name for name in free if _is_small_scale(sample.values[name]) and len(set(sample.values[name])) > 1
    ]


def _may_be(role: str, name: str, sample: Sample) -> bool:
    """Whether what stands in a column allows the role that its name suggests."""
    values = sample.values[name]
    if role == "value":
        return _may_be_value(name, sample)
    if role in {"user", "item", "basket"}:
        return _may_be_id(role, name, sample)
    return bool(values) and name not in sample.times


def _may_be_value(name: str, sample: Sample) -> bool:
    values = sample.values[name]
    if ends_like_an_id(name) or name in sample.times or len(set(values)) < 2:
        return False
    if guess_truth(values) is not None:
        return True
    if sample.numbers(name) is not None:
        return True
    # Labels of a country are no strengths, though "count" stands in the name.
    return not is_outcome(name) and len(set(values)) <= _FEW and name_score("value", name) >= 100


def _may_be_id(role: str, name: str, sample: Sample, *, named_only: bool = False) -> bool:
    """No time, no text such as "ProductName" unless there is no other id, no number with a fraction, no yes or no."""
    values, word = sample.values[name], plain(name)
    if not values or (name in sample.times and not _is_named_id(role, name, sample)):
        return False
    if (
        name in sample.unread_times
        or guess_truth(values) is not None
        or word.endswith(("agent", "type", "status"))
    ):
        return False
    if role == "basket" and len(set(values)) <= min(_FEW, len(values) // 10):
        return False
    is_text = not named_only and any(part in word for part in ROLE_WORDS["title"][:3]) and word != "username"
    fraction = r"-?[0-9]*[.,][0-9]*[1-9]"
    is_number = not ends_like_an_id(name) and any(re.fullmatch(fraction, value) for value in values[:1000])
    return not is_text and not is_number


def _is_named_id(role: str, name: str, sample: Sample) -> bool:
    """Whether a column of long numbers is an id by its name, though they might be seconds since 1970."""
    is_plain_number = (
        sample.times[name].startswith(("epoch", "excel", "%Y%m%d")) and "-" not in sample.times[name]
    )
    return is_plain_number and name_score(role, name) >= 100 and name_score("time", name) < 200


def _follows(sample: Sample, name: str, roles: Mapping[str, str]) -> bool:
    """Whether a time is a property of the user or of the item: each of them has one only, and they repeat."""
    _, rows = sample.file, sample.values[name]
    for role in ("user", "item"):
        ids = sample.values.get(roles.get(role, ""), ())
        if len(ids) != len(rows) or not 2 < len(set(ids)) < 0.7 * len(ids):
            continue
        if len(set(zip(ids, rows, strict=True))) == len(set(ids)) and len(set(rows)) > 1:
            return True
    return False


def _seems_a_time(name: str, values: Sequence[str]) -> bool:
    if not values or guess_truth(values) is not None:
        return False
    named = name_score("time", name) >= 200 and not ends_like_an_id(name)
    has_digits = sum(bool(re.search("[0-9]", value)) for value in values[:1000]) > 0.9 * len(values[:1000])
    is_clock = all(re.fullmatch(r"[0-9]{1,2}:[0-9]{2}.*", value.strip()) for value in values[:100])
    return (named and has_digits and not is_clock and len(set(values)) > 1) or looks_like_times(values)


def _is_small_scale(values: Sequence[str]) -> bool:
    """Whether a column holds a few small numbers, as ratings are."""
    different = set(values)
    small = all(re.fullmatch(r"-?[0-9]{1,2}([.,][0-9]{1,2})?", value.strip()) for value in different)
    return small and len(different) <= _FEW + 1


def _repeats(values: Sequence[str]) -> bool:
    return 1 < len(set(values)) < 0.9 * len(values)
