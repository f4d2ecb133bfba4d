"""Make the look-up index of a publication: its tables as columns to be mapped, so that a look-up reads a few pages.

A run makes it and publishes it as the folder ``lookup``; for a publication that lacks it, as those of earlier
versions do, whoever opens it makes one for itself. pyarrow and numpy are needed to make it, not to read it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID, MODEL, RANK, SCORE, TITLE, USER_ID
from data_contracts.identifiers import Vocabulary
from data_contracts.predictions import CATEGORY
from data_contracts.published_files import (
    BLOCKS,
    ITEMS_FILE,
    PER_CATEGORY,
    POPULAR,
    PREDICTIONS,
    RESERVED,
    SIMILAR_ID,
    SIMILAR_ITEMS,
    SIMILAR_RESERVED,
    STRANGERS,
    TITLES,
    USERS_FILE,
    USERS_PER_ITEM,
)
from tasks.lookup.mapped import BYTES, CODES, INDEX, OFFSETS, SCORES, VERSION
from tasks.preparation.item_features import split_labels
from tasks.runtime.files import write_json

Separators = Mapping[str, str | None]
"""Attributes with labels, and what separates the labels of an item; None where it has one."""


class Meaning(NamedTuple):
    """What the tables do not say of themselves."""

    separators: Separators = MappingProxyType({})
    """Attributes of the items that look-ups can filter by."""
    exclude_seen: bool = False
    """Whether the lists leave out what users had."""
    at_most: Mapping[str, int] = MappingProxyType({})
    """By attribute how many items of one label a list may hold."""
    category_attribute: str | None = None
    """Attribute of the lists by category."""


def build(tables: Mapping[str, Path], out: Path, meaning: Meaning = Meaning()) -> None:  # noqa: B008 - it is frozen
    """Write the index of some tables.

    Parameters
    ----------
    tables
        Paths of the tables by the name of their file. Only the vocabulary of items must be there; of a table and its
        longer form the longer one is taken.
    out
        An existing folder.
    meaning
        What the tables do not say of themselves.

    """
    items = Vocabulary.load(tables[ITEMS_FILE])
    users = _everyone(tables)
    facts: dict[str, Any] = {"version": VERSION, "exclude_seen": meaning.exclude_seen}
    _write_texts(out, "users", users.ids)
    _write_texts(out, "items", items.ids)
    facts |= {"users": len(users), "items": len(items), "items_with_events": items.n_with_events}
    _write_model_codes(out, users, tables.get(USERS_FILE))
    for name, file, owners, others, column in (
        ("user_items", RESERVED if RESERVED in tables else PREDICTIONS, users, items, ITEM_ID),
        ("item_users", USERS_PER_ITEM, items, users, USER_ID),
        (
            "similar",
            SIMILAR_RESERVED if SIMILAR_RESERVED in tables else SIMILAR_ITEMS,
            items,
            items,
            SIMILAR_ID,
        ),
        ("popular", POPULAR if POPULAR in tables else STRANGERS, None, items, ITEM_ID),
    ):
        facts[name] = _write_lists(out, name, tables.get(file), owners, others, column)
    facts["models"] = _write_models(out, tables.get(PREDICTIONS), users)
    facts["cold_start"] = _first_model(tables.get(STRANGERS))
    facts["labels"] = _write_described(out, items, tables.get(TITLES), meaning.separators)
    facts["at_most"] = {name: most for name, most in meaning.at_most.items() if name in facts["labels"]}
    facts["category_attribute"] = meaning.category_attribute
    facts["category_items"] = _write_category_lists(out, tables.get(PER_CATEGORY), users, items)
    _write_blocks(out, tables.get(BLOCKS), items)
    write_json(out / INDEX, facts)


def tables_of(folder: Path) -> dict[str, Path]:
    """Tables of a publication's folder that an index is made of, by name."""
    files = (USERS_FILE, ITEMS_FILE, PREDICTIONS, USERS_PER_ITEM, SIMILAR_ITEMS, STRANGERS, TITLES)
    return {name: folder / name for name in files if (folder / name).exists()}


def _everyone(tables: Mapping[str, Path]) -> Vocabulary:
    """All users: those with a list, those of the model, and those on the lists of items."""
    found = [pa.array([], pa.large_string())]
    if USERS_FILE in tables:
        found.append(Vocabulary.load(tables[USERS_FILE]).ids)
    for file in (PREDICTIONS, USERS_PER_ITEM):
        if file in tables:
            batches = pq.ParquetFile(tables[file]).iter_batches(columns=[USER_ID])
            found += [pc.unique(batch.column(0)).cast(pa.large_string()) for batch in batches]
    unique = pc.unique(pa.concat_arrays(found))
    return Vocabulary(USER_ID, unique.take(pc.array_sort_indices(unique)))


def _write_texts(out: Path, name: str, texts: pa.Array) -> None:
    """Write a column of texts; an absent text becomes an empty one."""
    filled = pc.fill_null(texts.cast(pa.large_string()), "")
    lengths = pc.binary_length(filled).to_numpy(zero_copy_only=False)
    np.concatenate(([0], np.cumsum(lengths))).astype("<i8").tofile(out / f"{name}{OFFSETS}")
    with (out / f"{name}{BYTES}").open("wb") as file:
        for first in range(0, len(filled), 100_000):
            file.write("".join(filled[first : first + 100_000].to_pylist()).encode())


def _write_model_codes(out: Path, users: Vocabulary, of_model: Path | None) -> None:
    """Write each user's code in the model, int32 (n_users,), -1 for those whom it does not know."""
    if of_model is None:
        codes = np.full(len(users), -1, np.int32)
    else:
        codes = Vocabulary.load(of_model).codes(users.ids, missing="negative")
    codes.astype("<i4").tofile(out / f"model_users{CODES}")


def _write_lists(
    out: Path,
    name: str,
    table: Path | None,
    owners: Vocabulary | None,
    others: Vocabulary,
    column: str,
) -> int:
    """Write lists as codes and scores, (n_owners, width) each; returns their width."""

    def lines(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
        # Equal ids follow each other: each is looked for once.
        return np.zeros(len(batch), np.int64) if owners is None else _runs(batch.column(0), owners)

    return _fill(out, name, table, 1 if owners is None else len(owners), others, column, lines)


def _write_category_lists(out: Path, table: Path | None, users: Vocabulary, items: Vocabulary) -> int:
    """Write lists by user and category, (n_users * n_categories, width) each; returns their width."""
    parts = [] if table is None else pq.ParquetFile(table).iter_batches(columns=[CATEGORY])
    found = [pc.unique(batch.column(0)).cast(pa.large_string()) for batch in parts]
    names = Vocabulary.from_ids(CATEGORY, pa.concat_arrays(found) if found else [])
    _write_texts(out, "categories", names.ids)

    def lines(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
        return _runs(batch.column(USER_ID), users) * len(names) + names.codes(batch.column(CATEGORY))

    return _fill(out, "category_items", table, len(users) * len(names), items, ITEM_ID, lines)


def _fill(
    out: Path,
    name: str,
    table: Path | None,
    n_lists: int,
    others: Vocabulary,
    column: str,
    lines: Callable[[pa.RecordBatch], npt.NDArray[np.int64]],
) -> int:
    """Write the ids of a column, and their scores, to the places of their lists; returns the width of the lists."""
    width = 0 if table is None else _longest(table)
    shape = (n_lists, width)
    codes, scores = _file(out / f"{name}{CODES}", "<i4", shape), _file(out / f"{name}{SCORES}", "<f4", shape)
    if table is None or not codes.size:
        return width
    codes[:] = -1
    scores[:] = -np.inf
    for batch in pq.ParquetFile(table).iter_batches():
        line, at = lines(batch), np.asarray(batch.column(RANK)) - 1
        codes[line, at] = others.codes(batch.column(column))
        scores[line, at] = np.asarray(batch.column(SCORE))
    return width


def _write_blocks(out: Path, table: Path | None, items: Vocabulary) -> None:
    """Write the items that users must never be shown, by user."""
    empty = {USER_ID: pa.array([], pa.large_string()), ITEM_ID: pa.array([], pa.large_string())}
    pairs = pa.table(empty) if table is None else pq.read_table(table)
    codes = items.codes(pairs.column(ITEM_ID), missing="negative")
    owners = Vocabulary.from_ids(USER_ID, pairs.column(USER_ID).filter(pa.array(codes >= 0)))
    lines = owners.codes(pairs.column(USER_ID), missing="negative")[codes >= 0]
    order = np.argsort(lines, kind="stable")
    _write_texts(out, "blocked_users", owners.ids)
    offsets = np.concatenate(([0], np.cumsum(np.bincount(lines, minlength=len(owners)))))
    offsets.astype("<i8").tofile(out / f"blocked_users.by_item{OFFSETS}")
    codes[codes >= 0][order].astype("<i4").tofile(out / f"blocked_users.by_item{CODES}")


def _runs(ids: pa.Array, vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """Codes of ids of which equal ones mostly follow each other."""
    encoded = pc.run_end_encode(ids)
    codes = vocabulary.codes(encoded.values)
    lengths = np.diff(np.asarray(encoded.run_ends), prepend=0)
    return np.repeat(codes.astype(np.int64), lengths)


def _longest(table: Path) -> int:
    ranks = pq.ParquetFile(table).iter_batches(columns=[RANK])
    return max((int(pc.max(batch.column(0)).as_py() or 0) for batch in ranks), default=0)


def _file(path: Path, kind: str, shape: tuple[int, int]) -> npt.NDArray[Any]:
    """An array that is a file."""
    if not shape[0] * shape[1]:
        path.touch()
        return np.empty(shape, kind)
    return np.memmap(path, kind, "w+", shape=shape)


def _write_models(out: Path, table: Path | None, users: Vocabulary) -> list[str]:
    """Write which model made each user's list, uint8 (n_users,); returns the models."""
    names: list[str] = []
    made = np.zeros(len(users), np.uint8)
    if table is not None:
        for batch in pq.ParquetFile(table).iter_batches(columns=[USER_ID, MODEL]):
            encoded = pc.dictionary_encode(batch.column(1))
            known = encoded.dictionary.to_pylist()
            names += [each for each in known if each not in names]
            places = np.array([names.index(each) for each in known], np.uint8)
            made[_runs(batch.column(0), users)] = places[np.asarray(encoded.indices)]
    made.tofile(out / "made_by.codes")
    return names


def _first_model(table: Path | None) -> str:
    rows = None if table is None else pq.read_table(table, columns=[MODEL]).column(0)
    return rows[0].as_py() if rows is not None and len(rows) else ""


def _write_described(out: Path, items: Vocabulary, table: Path | None, separators: Separators) -> list[str]:
    """Write titles and labels of the items, by code; returns the attributes that the table has."""
    described = pq.read_table(table) if table is not None else pa.table({ITEM_ID: pa.array([], pa.string())})
    place = pc.index_in(items.ids, value_set=described.column(ITEM_ID).cast(pa.large_string()))
    nothing = pa.nulls(len(items), pa.large_string())
    titled = TITLE in described.column_names
    _write_texts(out, "titles", _one(described.column(TITLE).take(place)) if titled else nothing)
    there = [name for name in separators if name in described.column_names]
    for number, name in enumerate(there):
        _write_labels(out, f"label_{number}", described.column(name).take(place), separators[name])
    return there


def _one(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


def _write_labels(out: Path, name: str, column: pa.ChunkedArray, separator: str | None) -> None:
    parts = split_labels(column, separator)
    labels = Vocabulary.from_ids("label", pc.list_flatten(parts))
    _write_texts(out, name, labels.ids)
    np.asarray(parts.offsets).astype("<i8").tofile(out / f"{name}.by_item{OFFSETS}")
    labels.codes(pc.list_flatten(parts)).astype("<i4").tofile(out / f"{name}.by_item{CODES}")
