"""Guess what the columns of an unknown log mean, from their names and from what stands in them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from tasks.ingestion.normalization import FLOATS, NUMBERS
from tasks.runtime.duckdb_engine import literal
from tasks.sources.files import OpenFile

ROLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "user": ("user", "customer", "visitor", "client", "member", "buyer", "shopper", "account", "reviewer"),
    "item": (
        *("item", "product", "stockcode", "sku", "article", "movie", "asin", "isbn", "track", "song", "book"),
        *("content", "video", "game", "show", "artist"),
    ),
    "time": ("timestamp", "datetime", "time", "date", "createdat", "when", "ts"),
    "value": (
        *(
            "rating",
            "stars",
            "score",
            "quantity",
            "qty",
            "units",
            "duration",
            "seconds",
            "playtime",
            "listens",
        ),
        *("event", "eventtype", "action", "behavior", "behaviour"),
    ),
    "basket": ("invoice", "basket", "order", "transaction", "receipt", "cart", "session"),
    "title": ("title", "description", "name"),
}
"""Words in column names, the more telling first."""

TIME_FORMATS = (
    *("%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S"),
    *("%d.%m.%Y %H:%M:%S", "%m/%d/%y %H:%M", "%d/%m/%y %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%m/%d/%Y"),
    *("%d/%m/%Y", "%d.%m.%Y", "%Y%m%d", "%Y%m%d%H%M%S", "%a %b %d %H:%M:%S %Z %Y", "%d %b %Y", "%b %d, %Y"),
)

LABELS = (
    "view",
    "click",
    "detail",
    "favorite",
    "fav",
    "like",
    "cart",
    "addtocart",
    "add_to_cart",
    "checkout",
    "order",
)
"""Kinds of events from weak to strong; a purchase, in any spelling, comes last."""

PURCHASES = ("transaction", "purchase", "buy")

SAMPLE_ROWS = 20_000


@dataclass(frozen=True)
class Sample:
    """The first rows of a file as text.

    Parameters
    ----------
    connection
        Where times can be tried out.
    file
        The file.
    values
        Text values of each column, missing ones left out.

    """

    connection: duckdb.DuckDBPyConnection
    file: OpenFile
    values: Mapping[str, Sequence[str]]


def take_sample(connection: duckdb.DuckDBPyConnection, file: OpenFile) -> Sample:
    """Read the first rows of a file."""
    listed = ", ".join(f"{reference}::VARCHAR" for reference in file.references)
    rows = connection.execute(f"SELECT {listed} FROM {file.relation} LIMIT {SAMPLE_ROWS}").fetchall()
    columns = zip(*rows, strict=True) if rows else [()] * len(file.names)
    values = [[value for value in column if value not in (None, "")] for column in columns]
    return Sample(connection, file, dict(zip(file.names, values, strict=True)))


def guess_roles(sample: Sample) -> dict[str, str]:
    """Column of each role that one was found for: by name first, then user and item by content."""
    found: dict[str, str] = {}
    for role in ("time", "title", "basket", "item", "user", "value"):
        free = [name for name in sample.file.names if name not in found.values()]
        fitting = [name for name in free if _score(role, name) and _may_be(role, name, sample)]
        if fitting:
            found[role] = max(fitting, key=lambda name: (_score(role, name), -sample.file.names.index(name)))
    for role in ("user", "item"):
        if role not in found:
            free = [name for name in sample.file.names if name not in found.values()]
            ids = [name for name in free if _repeats(sample.values[name]) and _may_be(role, name, sample)]
            if ids:
                found[role] = ids[0]
    return found


def guess_time_format(sample: Sample, name: str) -> str | None:
    """What `source.time_format` must be for a column; None if it holds no times."""
    values = sample.values[name]
    _, kind = sample.file.column(name)
    if kind.startswith(("TIMESTAMP", "DATE")):
        return "auto"
    if not values:
        return None
    numbers = [float(value) for value in values if re.fullmatch(r"[0-9]{9,14}(\.[0-9]*)?", value)]
    if len(numbers) > 0.9 * len(values):
        middle = sorted(numbers)[len(numbers) // 2]
        return "epoch_seconds" if middle < 1e11 else "epoch_milliseconds"
    if kind in (*NUMBERS, *FLOATS):
        return None
    tries = {"auto": "TRY_CAST(v AS TIMESTAMPTZ)"}
    tries |= {form: f"try_strptime(v, {literal(form)})" for form in TIME_FORMATS}
    counts = ", ".join(f"count({sql})" for sql in tries.values())
    row = sample.connection.execute(
        f"SELECT {counts} FROM (SELECT unnest(?) AS v)", [list(values)]
    ).fetchone()
    assert row is not None
    best, form = max(zip(row, reversed(range(len(row))), tries, strict=True))[::2]
    return str(form) if best > 0.9 * len(values) else None


def guess_feedback(sample: Sample, name: str | None) -> dict[str, object]:
    """Keys of ``[feedback]`` for the value column."""
    if name is None:
        return {"kind": "count"}
    values = sample.values[name]
    numbers = [float(value) for value in values if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value)]
    if len(numbers) < 0.9 * len(values):
        return {"kind": "ordinal", "labels": sorted(set(values), key=_strength)}
    word = _plain(name)
    if any(part in word for part in ("rating", "stars", "score")):
        highest = max(numbers, default=5.0)
        return {"kind": "rating", "threshold": 4.0 if highest <= 5 else round(0.7 * highest, 1)}
    if any(part in word for part in ("duration", "seconds", "playtime")):
        return {"kind": "duration"}
    return {"kind": "quantity", "clip_quantile": 0.99}


def guess_cancellation(sample: Sample, basket: str | None) -> str | None:
    """The letter that marks cancelled baskets where the others are plain numbers."""
    values = sample.values[basket] if basket else []
    marked = [value for value in values if re.fullmatch(r"C[0-9]+", value)]
    return "C" if 0 < len(marked) < 0.2 * len(values) else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _score(role: str, name: str) -> int:
    """How well a column's name fits a role: 0 = not at all; exact words before parts, early words first."""
    plain = _plain(name)
    words = ROLE_WORDS[role]
    for at, word in enumerate(words):
        if plain in (word, f"{word}id", f"{word}no", f"{word}number", f"{word}code"):
            return 2 * len(words) - at
    return max(
        (len(words) - at for at, word in enumerate(words) if len(word) > 2 and word in plain), default=0
    )


def _may_be(role: str, name: str, sample: Sample) -> bool:
    """Whether what stands in a column allows the role that its name suggests."""
    plain, values = _plain(name), sample.values[name]
    if role == "time":
        return guess_time_format(sample, name) is not None
    if role == "value":
        numeric = sum(bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value)) for value in values) > 0.9 * len(
            values
        )
        return numeric or 1 < len(set(values)) <= 10
    if role in {"user", "item", "basket"}:
        # "ProductName" is a title and "Price" a number with a point, whatever else their names say.
        is_text = any(word in plain for word in ROLE_WORDS["title"])
        return not is_text and not any(
            re.fullmatch(r"-?[0-9]*\.[0-9]*[1-9]", value) for value in values[:1000]
        )
    return True


def _repeats(values: Sequence[str]) -> bool:
    return 1 < len(set(values)) < 0.9 * len(values)


def _strength(label: str) -> tuple[int, str]:
    plain = label.strip().lower()
    if any(word in plain for word in PURCHASES):
        return len(LABELS), plain
    return (LABELS.index(plain) if plain in LABELS else -1), plain
