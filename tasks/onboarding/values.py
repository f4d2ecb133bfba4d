"""Find out what a value column says: numbers and how they are written, yes or no, labels, ratings."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts.source_section import SourceSection
from tasks.ingestion.numbers import local_pattern
from tasks.onboarding.event_words import meaning
from tasks.onboarding.words import is_outcome, plain

_YES = {"true", "t", "yes", "y", "ja", "j", "oui", "si", "sí", "sim", "on", "1", "wahr", "vrai", "1.0"}
_NO = {"false", "f", "no", "n", "nein", "non", "nao", "não", "off", "0", "falsch", "faux", "0.0"}

_MARKS = ((".", ""), (",", ""), (".", ","), (",", "."), (".", "'"), (",", "'"), (".", " "), (",", " "))
"""Decimal and thousands marks, the plainer first."""

UNITS = frozenset(
    (
        *("a", "aud", "brl", "c", "cad", "chf", "cl", "cm", "cny", "czk", "dkk", "ea", "eur", "ft", "g"),
        *("gbp", "h", "hk", "hours", "hrs", "huf", "inr", "jpy", "kg", "kr", "kč", "l", "m", "mg", "min"),
        *("mins", "minutes", "ml", "ms", "mxn", "nok", "nt", "pc", "pcs", "pln", "pts", "r", "rmb", "rs"),
        *("rub", "s", "sec", "seconds", "secs", "sek", "st", "star", "stars", "stk", "stück", "tl", "try"),
        *("unit", "units", "us", "usd", "x", "zł"),
    )
)
"""Words that stand beside a number for what it counts, in lower case."""

_ENOUGH = 0.9


@dataclass(frozen=True)
class NumberFormat:
    """How a column's numbers are written: keys of ``[source]``."""

    decimal: str
    thousands: str
    unit: str

    @property
    def keys(self) -> dict[str, object]:
        """The keys that differ from their defaults."""
        found = {"decimal": self.decimal, "thousands": self.thousands, "unit": self.unit}
        defaults = {"decimal": ".", "thousands": "", "unit": ""}
        return {key: value for key, value in found.items() if value != defaults[key]}


def guess_numbers(values: Sequence[str], *, comma_elsewhere: bool = False) -> NumberFormat | None:
    """How the numbers of a column are written; None if it holds none.

    Parameters
    ----------
    values
        Its texts.
    comma_elsewhere
        Whether another column has decimal commas, so that ``1.234`` is more than a thousand.

    """
    different = list(Counter(value.strip() for value in values).items())
    total = sum(count for _, count in different)
    if not total:
        return None
    unit = _unit([value for value, _ in different])
    marks = [pair for pair in _MARKS if pair[0] == ","] if comma_elsewhere else list(_MARKS)
    shares = [_share(different, total, NumberFormat(*pair, unit)) for pair in marks]
    best = max(shares)
    if best < _ENOUGH:
        return None
    decimal, thousands = marks[next(at for at, share in enumerate(shares) if share >= best - 1e-9)]
    if (decimal, thousands) == (",", "") and _only_thousands([value for value, _ in different]):
        decimal, thousands = ".", ","
    return NumberFormat(decimal, thousands, unit)


def has_decimal_commas(values: Sequence[str]) -> bool:
    """Whether most values are numbers of which some have a comma before one or two last digits."""
    with_comma = sum(bool(re.fullmatch(r"[^0-9]*[0-9.' ]*,[0-9]{1,2}[^0-9]*", value)) for value in values)
    return (
        with_comma > 0.2 * len(values) and (guess_numbers(values) or NumberFormat(".", "", "")).decimal == ","
    )


def guess_truth(values: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Texts that mean yes and those that mean no, where a column holds nothing else."""
    different = {value.strip() for value in values}
    yes = tuple(sorted(value for value in different if value.lower() in _YES))
    no = tuple(sorted(value for value in different if value.lower() in _NO))
    return (yes, no) if yes and no and len(yes) + len(no) == len(different) else None


def guess_feedback(name: str | None, values: Sequence[str], numbers: Sequence[float]) -> dict[str, object]:
    """Keys of ``[feedback]`` for the value column.

    Parameters
    ----------
    name
        Of the column, if there is one.
    values
        Its texts.
    numbers
        Its numbers, empty where it holds labels.

    """
    if name is None:
        return {"kind": "count"}
    if not numbers:
        return {"kind": "ordinal", "labels": sorted({value.strip() for value in values}, key=_strength)}
    word = plain(name)
    if is_truth(name, numbers):
        return {"kind": "quantity"}
    if any(
        part in word
        for part in (
            "rating",
            "stars",
            "score",
            "bewertung",
            "puntuacion",
            "valoracion",
            "value",
            "vote",
            "thumbs",
            "reaction",
            "preference",
        )
    ):
        return {"kind": "rating", "threshold": _threshold(numbers)}
    if any(part in word for part in ("duration", "seconds", "playtime", "watchtime", "minutes", "hours")):
        return {"kind": "duration"}
    return {"kind": "quantity", "clip_quantile": 0.99}


def is_truth(name: str, numbers: Sequence[float]) -> bool:
    """Whether a column says by 0 and 1 who took the item."""
    return set(numbers) == {0.0, 1.0} and (is_outcome(name) or "rating" not in plain(name))


def _threshold(numbers: Sequence[float]) -> float:
    """Where liking begins: 4 of 5 stars, seven tenths of any other scale, above the middle of one around 0."""
    low, high = min(numbers), max(numbers)
    if low >= 0:
        return 4.0 if 4 <= high <= 5 else round(0.7 * high, 2)
    different = sorted(set(numbers))
    above = [number for number in different if number > 0]
    if low == -1 and high > 5:
        return round(0.7 * high, 2)  # -1 stands for "not rated" on a scale of positive numbers
    return float(above[0]) if above and len(different) <= 5 else round(low + 0.7 * (high - low), 2)


def _share(different: Sequence[tuple[str, int]], total: int, form: NumberFormat) -> float:
    source = SourceSection.model_validate({"path": "x", **form.keys})
    pattern = re.compile(re.sub(r"\\x\{([0-9A-F]{4})\}", r"\\u\1", local_pattern(source)))
    also = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+") if form.keys == {} else pattern
    return sum(n for value, n in different if pattern.fullmatch(value) or also.fullmatch(value)) / total


def _unit(values: Sequence[str]) -> str:
    """The sign that most numbers carry before or after."""
    found: Counter[str] = Counter()
    for value in values:
        match = re.fullmatch(
            r"[-+(]?\s*([^\d\s.,'+()-]*)\s*[-+]?[\d.,'  ]*\d\)?\s*([^\d\s.,'+()-]*)-?", value
        )
        found.update({part for part in match.groups() if part} if match else ())
    if not found:
        return ""
    sign, count = found.most_common(1)[0]
    is_word = any(letter.isalpha() for letter in sign) and sign.lower() not in UNITS
    return "" if is_word or "_" in sign or count < 0.3 * len(values) else sign


def _only_thousands(values: Sequence[str]) -> bool:
    """Whether every comma stands before exactly three last digits, and no number begins with a zero."""
    with_comma = [value for value in values if "," in value]
    return bool(with_comma) and all(
        re.fullmatch(r"[^0-9]*[1-9][0-9]{0,2}(,[0-9]{3})+[^0-9]*", value) for value in with_comma
    )


def _strength(label: str) -> tuple[int, str]:
    found = meaning(label)
    return (0 if found is None else found.weight, label.strip().lower())
