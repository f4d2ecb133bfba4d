"""What to tell people about a draft: what is doubtful in it, and which columns it does not use."""

import re
from collections.abc import Mapping

from tasks.onboarding.inference import Sample
from tasks.onboarding.texts import Draft
from tasks.onboarding.times import is_ambiguous
from tasks.onboarding.values import guess_truth
from tasks.onboarding.words import is_not_the_event, is_outcome, name_score

_MANY = 0.05
"""Share of rows without a readable time or value that somebody should know of."""


def cautions(sample: Sample, made: Draft) -> list[str]:
    """Doubts about the roles, and about what could not be read."""
    notes = [*_time_cautions(sample, made), *_value_cautions(sample, made)]
    if not sample.has_names:
        roles = ", ".join(f"{role} = {name}" for role, name in made.roles.items())
        notes.append(f"WARNING: without names the roles are a guess by content: {roles}")
    rows = made.counts["rows"]
    for role in ("user", "item"):
        name = made.roles[role]
        if role == "user" and name_score("basket", name) > name_score("user", name):
            notes.append(
                f"WARNING: no column looks like a user, so {name!r} stands for one: who comes back is not known, and each "
                "session or order is a user of its own"
            )
        elif sample.has_names and not name_score(role, name):
            notes.append(
                f"WARNING: {role} is {name!r} by its content only, no column's name says so: look at it"
            )
    if made.counts["unreadable"]:
        loud = "WARNING: " if made.counts["unreadable"] > _MANY * rows else ""
        notes.append(
            f"{loud}{made.counts['unreadable']:,} lines beside {rows:,} rows cannot be read and are rejected; see "
            "delimiter, quote, escape and encoding under [source]"
        )
    for what, role in (("guests", "user"), ("no_item", "item")):
        share = made.counts[what] / rows
        if share > 0.5:
            notes.append(f"WARNING: {share:.0%} of all rows have no {role} in {made.roles[role]!r}")
    return notes


def unused(sample: Sample, roles: Mapping[str, str]) -> dict[str, str]:
    """Columns that no role takes, each with the reason."""
    return {name: _reason(sample, name, roles) for name in sample.file.names if name not in roles.values()}


def _reason(sample: Sample, name: str, roles: Mapping[str, str]) -> str:
    values = sample.values[name]
    if name in sample.times:
        return _reason_of_time(sample, name, roles)
    if name in sample.unread_times:
        return f"looks like a time that cannot be read: {values[0]!r}"
    if len(set(values)) < 2:
        return f"always {values[0][:40]!r}" if values else "empty"
    if is_outcome(name) and guess_truth(values) is not None:
        return "says yes or no, as value may"
    clock = r"[0-9]{1,2}:[0-9]{2}(:[0-9.]+)?( ?[AaPp][Mm])?"
    if all(re.fullmatch(clock, value.strip()) for value in values[:200]):
        return "a time of day; the day alone orders the log"
    is_number = sample.numbers(name) is not None
    return "numbers that are no role by their name" if is_number else "no role fits its name and content"


def _reason_of_time(sample: Sample, name: str, roles: Mapping[str, str]) -> str:
    if len(set(sample.values[name])) == 1:
        return "a time that is the same in every row, such as that of an export"
    if is_not_the_event(name):
        return "a time that, by its name, is not that of the event"
    return f"another time; time is {roles.get('time')!r}"


def _time_cautions(sample: Sample, made: Draft) -> list[str]:
    notes = []
    if made.unread_times:
        shown = "; ".join(f"{name!r} ({sample.values[name][0]!r})" for name in made.unread_times)
        notes.append(
            f"WARNING: no time was found, but these columns look like one that no known format reads: {shown}; convert "
            "one to YYYY-MM-DD, or write time and time_format. Until then the dataset does not run; "
            "split = 'random' would do without times"
        )
    elif "time" not in made.roles:
        notes.append("WARNING: no column looks like a time, so events are held out at random")
    else:
        notes += _doubts_about(sample, made)
    return notes


def _doubts_about(sample: Sample, made: Draft) -> list[str]:
    name, counts = made.roles["time"], made.counts
    form = str(made.source.get("time_format"))
    notes = [f"time is {name!r}, read as {form}, such as {sample.values[name][0]!r}"]
    if is_ambiguous(form, sample.values[name]):
        notes.append(
            f"WARNING: day and month of {name!r} may be the other way round than {form}: look at the file"
        )
    if counts["first"] is not None and counts["first"] == counts["last"]:
        notes.append(
            f"WARNING: every row has the same time in {name!r}; a split by time needs another column"
        )
    elif is_not_the_event(name):
        notes.append(f"WARNING: {name!r} is the only time, but its name says that it is not the event's")
    if counts["no_time"] > _MANY * counts["rows"]:
        notes.append(
            f"WARNING: {counts['no_time']:,} of {counts['rows']:,} rows have no time that {form} reads in {name!r}; "
            "these are rejected"
        )
    return notes


def _value_cautions(sample: Sample, made: Draft) -> list[str]:
    if "value" not in made.roles:
        return []
    name, counts = made.roles["value"], made.counts
    notes = []
    if made.outcome:
        notes.append(
            f"value is {name!r}: rows where it is not true are no feedback, {counts['not_positive']:,} of "
            f"{counts['rows']:,} are rejected as not_taken"
        )
    if counts["no_value"] > _MANY * counts["rows"]:
        notes.append(
            f"WARNING: {counts['no_value']:,} of {counts['rows']:,} rows have no value that can be read in {name!r}; "
            "see decimal, thousands, unit and null_values under [source]"
        )
    values = [value for value in sample.values[name] if "," in value or "." in value]
    three = values and all(re.fullmatch(r"[^0-9]*[0-9]{1,3}[.,][0-9]{3}[^0-9]*", value) for value in values)
    if three and {"decimal", "thousands"} & set(made.source):
        notes.append(
            f"WARNING: {values[0]!r} of {name!r} may be a thousand or a fraction: look at decimal and thousands"
        )
    if made.feedback["kind"] == "rating" and (counts["low"] or 0) < 0:
        notes.append(
            f"{name!r} goes from {counts['low']:g} to {counts['high']:g}: look whether negative ones are dislikes or "
            "stand for 'not rated'"
        )
    return notes
