"""The texts of a drafted dataset: its .toml with comments, and its suite."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from data_contracts import columns
from tasks.onboarding.other_sections import other_keys, other_sections
from tasks.onboarding.reference import SCHEMA
from tasks.onboarding.words import availability

WARM_SHARE, MIN_WARM_USERS = 0.2, 30
"""Users with a past that a hold-out by time must have, of all users of its last weeks and at least: a dozen users
decide nothing; below, each user's last basket or event is held out."""


@dataclass(frozen=True)
class Draft:
    """What was guessed and counted.

    Parameters
    ----------
    name
        Of the dataset.
    path
        The file that was looked at.
    source, roles, feedback
        Keys of ``[source]``, ``[columns]`` and ``[feedback]``.
    cancelled
        What cancelled baskets start with, if any.
    counts
        Rows, users and what else `tasks.onboarding.draft` counts.

    """

    name: str
    path: Path
    source: dict[str, Any]
    roles: dict[str, str]
    feedback: dict[str, Any]
    cancelled: str | None
    counts: dict[str, Any]
    cleaning: dict[str, Any] = field(default_factory=dict)
    """Keys of ``[cleaning]`` that were found out."""
    outcome: bool = False
    """Whether the value says by yes and no who took the item."""
    unread_times: list[str] = field(default_factory=list)
    """Columns that look like times, of a log whose times cannot be read."""
    notes: list[str] = field(default_factory=list)
    """Remarks for people."""
    unused: dict[str, str] = field(default_factory=dict)
    """Columns without a role, and why."""
    scopes: tuple[str, ...] = ()
    """Of :data:`tasks.onboarding.other_sections.SCOPES`, what its files are."""

    @property
    def cancellation(self) -> dict[str, Any] | None:
        """Keys of ``[cancellation]``."""
        return {"column": self.roles["basket"], "starts_with": self.cancelled} if self.cancelled else None

    @property
    def splits_by_time(self) -> bool:
        """Whether enough users of the last weeks were there before."""
        enough = max(MIN_WARM_USERS, WARM_SHARE * self.counts["recent_users"])
        return bool("time" in self.roles and self.counts["warm_users"] >= enough)

    @property
    def repeats(self) -> bool:
        """Whether people take the same item again."""
        return bool(self.counts["taken_pairs"] < 0.98 * self.counts["taken"])

    @property
    def metric(self) -> str:
        """The deciding metric."""
        if "basket" in self.roles:
            return "basket_precision@5"
        return "precision@5" if self.repeats else "ndcg@10"

    @property
    def guesses(self) -> dict[str, str]:
        """What each key was taken to be, for people."""
        kind = str(self.feedback["kind"])
        weighs = {name: value for name, value in self.feedback.items() if name != "kind"}
        split = _window(self)[-1] if self.unread_times else _window(self)[0]
        return {
            **self.roles,
            "feedback": ", ".join([kind, *(f"{name} = {_value(value)}" for name, value in weighs.items())]),
            "split": split.partition("#")[0].partition("=")[2].strip().strip('"'),
            "decides": f"{_decides(self).split()[0].strip(chr(34))}, {self.metric}",
        }

    def tolerance(self, what: str) -> float:
        """Twice the share that was counted, at least 1 %: room for an ordinary day."""
        share = self.counts[what] / self.counts["rows"]
        if what == "not_positive" and self.outcome:
            # Most of what is shown is not taken; still, a log of which nothing is taken went wrong.
            return float(round(share + (1 - share) / 2, 3))
        return float(min(1.0, max(0.01, round(2 * share, 3))))

    @property
    def rejecting(self) -> list[str]:
        """What may be rejected, by the names in `counts`."""
        found = ["no_item"]
        found += ["no_time"] if "time" in self.roles else []
        found += ["no_value"] if "value" in self.roles and "event" not in self.roles else []
        found += ["no_event"] if "event" in self.roles else []
        found += ["not_positive"] if self.feedback["kind"] in {"quantity", "duration"} else []
        return [*found, "cancelled"] if self.cancelled else found


def toml_text(found: Draft) -> str:
    """Text of the dataset file."""
    counts = found.counts
    head = (
        f"# Drafted from {found.path.name}: {counts['rows']:,} rows, {counts['users']:,} users, "
        f"{counts['items']:,} items. Every value is a guess: read it once."
    )
    sections = {
        "source": [*_keys(found.source), *_zone(found)],
        "columns": [*_keys(found.roles), *_absent(found)],
        "cleaning": [*_ANONYMOUS, *_keys(found.cleaning)],
        "cancellation": _keys(found.cancellation or {}),
        "feedback": _keys(found.feedback),
        "contract": [
            f"suite = {_value(found.name + '.json')}",
            f"max_reject_rate = {_value(round(min(1.0, sum(map(found.tolerance, found.rejecting))), 3))}",
        ],
        "window": _window(found),
        "evaluation": [f"decides = {_decides(found)}", f"metric = {_value(found.metric)}"],
    }
    drafted = {name: _with_the_rest(name, lines, found) for name, lines in sections.items() if lines}
    parts = [f"[{name}]\n" + "\n".join(lines) for name, lines in drafted.items()]
    rules = _rules(found)
    hinted = {"items" for line in sections["columns"] if line.startswith("# [items]")}
    others = other_sections({*drafted, *hinted, *(["rules"] if rules else [])})
    parts += rules
    parts.append("\n\n".join(["# All that follows is as it is by default: docs/dataset-file.md.", *others]))
    head = "\n".join([f"#:schema {SCHEMA.as_uri()}", head, *_remarks(found)])
    return "\n\n".join([f'{head}\nname = {_value(found.name)}\ndescription = ""', *parts]) + "\n"


def _with_the_rest(name: str, lines: list[str], found: Draft) -> list[str]:
    """Lines of a section, and the keys that they do not name; a hint about another section stays the last."""
    end = lines.index("") if "" in lines else len(lines)
    window = "".join(_window(found)).partition('split = "')[2].partition('"')[0]
    about = {*found.scopes, f"``{found.feedback['kind']}``", f"``{window}``"}
    return [*lines[:end], *other_keys(name, lines[:end], about), *lines[end:]]


def suite_text(found: Draft) -> str:
    """Text of the suite, one rule a line."""
    anonymous = _rule(
        "not_be_null", columns.USER_ID, "anonymous", "every row has a user", found.tolerance("guests")
    )
    item = _rule(
        "not_be_null", columns.ITEM_ID, "missing_item", "every row has an item", found.tolerance("no_item")
    )
    rules = [anonymous, item]
    for name in (columns.USER_ID, columns.ITEM_ID):
        words = "ids have at most 500 characters"
        rules.append(_rule("lengths", name, "id_too_long", words, 0.001, max_value=500))
    if "time" in found.roles:
        rules += _time_rules(found)
    if "event" in found.roles:
        words, tolerance = "every row has an event type", found.tolerance("no_event")
        rules.append(_rule("not_be_null", columns.EVENT_TYPE, "missing_event_type", words, tolerance))
    if "value" in found.roles:
        rules += _value_rules(found)
    if found.cancelled:
        words, tolerance = "cancelled rows are left out", found.tolerance("cancelled")
        rules.append(_rule("between", columns.CANCELLED, "cancellation", words, tolerance, max_value=0))
    share = found.counts["unreadable"] / (found.counts["rows"] + found.counts["unreadable"])
    unreadable = min(0.2, max(0.001, round(2 * share, 3)))
    meta = {
        "description": f"Rows of {found.name}: drafted, edit the limits.",
        "unreadable_tolerance": unreadable,
    }
    listed = ",\n    ".join(json.dumps(rule) for rule in rules)
    head = f'{{\n  "name": {json.dumps(found.name)},\n  "meta": {json.dumps(meta)},\n'
    return f'{head}  "expectations": [\n    {listed}\n  ]\n}}\n'


def _time_rules(found: Draft) -> list[dict[str, Any]]:
    first: datetime = found.counts["first"]
    last: datetime = found.counts["last"]
    bounds = {
        "min_value": (first - timedelta(days=366)).strftime("%Y-%m-%dT00:00:00"),
        "max_value": (last + timedelta(days=3660)).strftime("%Y-%m-%dT00:00:00"),
    }
    readable, period = (
        "every row has a time",
        "times lie within a year before and ten after the drafted file's",
    )
    tolerance = found.tolerance("no_time")
    return [
        _rule("not_be_null", columns.EVENT_TIME, "unreadable_time", readable, tolerance),
        _rule("between", columns.EVENT_TIME, "impossible_time", period, 0.01, **bounds),
    ]


def _value_rules(found: Draft) -> list[dict[str, Any]]:
    readable, tolerance = "every row has a value that can be read", found.tolerance("no_value")
    rules = [_rule("not_be_null", columns.VALUE, "unreadable_value", readable, tolerance)]
    if "event" in found.roles:  # the weight of the type times the value, or less what is disliked
        limits = {"min_value": -1e9, "max_value": 1e9}
        rules.append(
            _rule(
                "between",
                columns.VALUE,
                "impossible_value",
                "values lie between -1e9 and 1e9",
                0.01,
                **limits,
            )
        )
    elif found.feedback["kind"] in {"quantity", "duration"}:
        judged = columns.KEPT_VALUE if found.cancelled else columns.VALUE
        words, reason = "what was not cancelled is more than nothing", "impossible_value"
        if found.outcome:
            words, reason = "only rows whose value is true are feedback", "not_taken"
        limits = {"min_value": 0, "strict_min": True, "max_value": 1e9}
        rules.append(_rule("between", judged, reason, words, found.tolerance("not_positive"), **limits))
    else:
        words = "values lie where those of the drafted file lay"
        limits = {"min_value": found.counts["low"], "max_value": found.counts["high"]}
        rules.append(_rule("between", columns.VALUE, "impossible_value", words, 0.01, **limits))
    return rules


_ANONYMOUS = ('anonymous = "keep"              # or "reject": rows without a user',)


def _remarks(found: Draft) -> list[str]:
    """What was guessed and what is not used, as comments."""
    lines = [f"# {_one_line(note)}" for note in found.notes]
    return [
        *lines,
        *[f"# not used: {_one_line(name)!r} ({_one_line(why)})" for name, why in found.unused.items()],
    ]


def _one_line(text: str) -> str:
    """Text that fits a comment of TOML, which knows no control characters."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _zone(found: Draft) -> list[str]:
    form = str(found.source.get("time_format", "epoch"))
    if form.startswith("epoch"):
        return []
    return ['timezone = "UTC"                # of times without an offset, such as "Europe/London"']


def _absent(found: Draft) -> list[str]:
    missing = [
        f'# {role} = "..."' for role in ("time", "value", "basket", "title") if role not in found.roles
    ]
    return missing if "title" in found.roles else [*missing, *_ITEMS_HINT]


_ITEMS_HINT = (
    "",
    "# [items]                       # a table beside the log that describes items",
    '# path = "items.csv"',
    '# id = "..."',
    '# title = "..."',
)


def _rules(found: Draft) -> list[str]:
    """Rules that columns without a role may be meant for, as comments: what they say now hides items."""
    keys = availability(found.unused)
    if not keys:
        return []
    lines = [f"# {key} = {_value(column)}" for key, column in keys.items()]
    return ["\n".join(["# [rules]                       # what may be shown, see docs/rules.md", *lines])]


def _window(found: Draft) -> list[str]:
    if found.unread_times:
        return [
            "# No time could be read, see above: write time under [columns] and time_format under [source],",
            '# or split = "random" to do without.',
            'split = "time"',
        ]
    if "time" not in found.roles:
        return ['split = "random"                # the log has no times', "random_share = 0.2"]
    if found.splits_by_time:
        return ['split = "time"', "holdout_days = 28"]
    warm = found.counts["warm_users"]
    why = f"# only {warm} of {found.counts['recent_users']} users of the last 28 days were there before"
    if "basket" in found.roles:
        return [f'split = "leave_last_basket"     {why}']
    return [f'split = "leave_last"            {why}', "leave_last_n = 1"]


def _decides(found: Draft) -> str:
    return '"repeat"' if found.repeats else '"discovery"           # hardly anybody takes an item twice'


_TYPES = {
    "not_be_null": "expect_column_values_to_not_be_null",
    "between": "expect_column_values_to_be_between",
    "lengths": "expect_column_value_lengths_to_be_between",
}


def _rule(kind: str, column: str, reason: str, words: str, tolerance: float, **limits: Any) -> dict[str, Any]:
    meta = {"reason": reason, "rule": words, "tolerance": tolerance}
    return {"type": _TYPES[kind], "kwargs": {"column": column, **limits}, "severity": "warning", "meta": meta}


def _keys(settings: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in settings.items()]


def _key(key: str) -> str:
    """A key as TOML has it: in quotes unless it is a plain word."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    """TOML and JSON write texts, numbers and lists of texts the same way."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
