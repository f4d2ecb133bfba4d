"""What is known of the items, aligned with item codes: written as files to be mapped, opened again."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts.column_sections import ItemAttributes
from data_contracts.columns import ITEM_ID, TITLE
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr, ItemFeatures, Labels
from tasks.preparation.matrix_files import open_array, open_csr, save_csr

INDEX = "item_features.json"
"""Names of the features, in the order of their files: a column may be called anything, a file may not."""

TITLES = "item_titles.arrow"


def write_item_features(table: Path, items: Vocabulary, attributes: ItemAttributes, out: Path) -> None:
    """Write the features of the items of a vocabulary.

    Parameters
    ----------
    table
        Parquet file of the ingestion: item_id, title and the attributes by name, a row per described item.
    items
        The item vocabulary.
    attributes
        What each attribute holds; one that the table lacks is missing everywhere.
    out
        An existing folder.

    """
    aligned = _aligned(pq.read_table(table), items)
    _write_titles(aligned.column(TITLE), out / TITLES)
    separators = attributes.separators()
    for number, (name, separator) in enumerate(separators.items()):
        _write_labels(aligned.column(name), separator, out, number)
    for number, name in enumerate(attributes.numbers):
        numbers = aligned.column(name).cast(pa.float32()).fill_null(np.nan)
        np.save(out / f"item_number_{number}.npy", numbers.to_numpy())
    for number, name in enumerate(attributes.dates):
        np.save(out / f"item_date_{number}.npy", _days(aligned.column(name)))
    index = {"labels": list(separators), "numbers": attributes.numbers, "dates": attributes.dates}
    (out / INDEX).write_text(json.dumps(index) + "\n", encoding="utf-8")


def has_item_features(folder: Path) -> bool:
    """Whether the features were written there."""
    return (folder / INDEX).exists()


def open_item_features(folder: Path) -> ItemFeatures:
    """Open what :func:`write_item_features` wrote, memory-mapped."""
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    with pa.memory_map(str(folder / TITLES)) as file:
        titles = pa.ipc.open_file(file).read_all().column(0)
    text = titles.chunk(0) if titles.num_chunks else pa.array([], pa.large_string())
    return ItemFeatures(
        titles=None if text.null_count == len(text) else text,
        labels={name: _open_labels(folder, number) for number, name in enumerate(index["labels"])},
        numbers={
            name: open_array(folder / f"item_number_{number}.npy")
            for number, name in enumerate(index["numbers"])
        },
        dates={
            name: open_array(folder / f"item_date_{number}.npy") for number, name in enumerate(index["dates"])
        },
    )


def _write_titles(titles: pa.ChunkedArray, path: Path) -> None:
    table = pa.table({TITLE: titles.cast(pa.large_string()).combine_chunks()})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _write_labels(column: pa.ChunkedArray, separator: str | None, out: Path, number: int) -> None:
    """Split the text of each item, and write which item has which label."""
    labels = _labels_of(column, separator)
    save_csr(out, f"item_labels_{number}", labels.by_item)
    text = json.dumps(labels.names, ensure_ascii=False)
    (out / f"item_labels_{number}.json").write_text(text + "\n", encoding="utf-8")


def _labels_of(column: pa.ChunkedArray, separator: str | None) -> Labels:
    """Labels of a column, in the order of its rows."""
    parts = split_labels(column, separator)
    labels = pc.list_flatten(parts)
    names = Vocabulary.from_ids("label", labels)
    owners = pc.list_parent_indices(parts).to_numpy(zero_copy_only=False).astype(np.int64)
    # An item that names a label twice has it once.
    pairs = np.unique(owners * max(len(names), 1) + names.codes(labels))
    rows, indices = np.divmod(pairs, max(len(names), 1))
    indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(column))))).astype(np.int64)
    csr = Csr(indptr, indices.astype(np.int32), np.ones(len(pairs), np.float32), len(names))
    return Labels(tuple(names.ids.to_pylist()), csr)


def read_labels(table: Path, items: Vocabulary, name: str, separator: str | None) -> Labels:
    """Labels of one column for the items of a vocabulary, in memory; arguments as of :func:`write_item_features`."""
    rows = pq.read_table(table, columns=[ITEM_ID, name])
    return _labels_of(_aligned(rows, items).column(name), separator)


def _aligned(rows: pa.Table, items: Vocabulary) -> pa.Table:
    """Rows in the order of the item codes, nulls for items that are not described."""
    codes = items.codes(rows.column(ITEM_ID), missing="negative")
    known = codes >= 0
    rows, codes = rows.filter(pa.array(known)), codes[known]
    place = np.full(len(items), -1, np.int64)
    place[codes] = np.arange(len(codes))
    return rows.take(pa.array(place, mask=place < 0))


def split_labels(column: pa.ChunkedArray, separator: str | None) -> pa.Array:
    """Labels of each row as a list of texts without spaces around them; an empty one is none.

    Parameters
    ----------
    column
        Text, with nulls.
    separator
        What stands between two labels; None where a text is one label.

    Returns
    -------
    Arrow list array; a row without labels has an empty list.

    """
    text = pc.fill_null(column.cast(pa.large_string()).combine_chunks(), "")
    split = pc.split_pattern(text, separator) if separator else pc.split_pattern(text, "\0", max_splits=0)
    labels = pc.utf8_trim_whitespace(pc.list_flatten(split))
    there = pc.greater(pc.binary_length(labels), 0).to_numpy(zero_copy_only=False)
    owners = pc.list_parent_indices(split).to_numpy(zero_copy_only=False)[there]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=len(text))))).astype(np.int64)
    return pa.LargeListArray.from_arrays(pa.array(offsets), labels.filter(pa.array(there)))


def _days(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Days since 1970-01-01 UTC, NaN where there is none."""
    micros = column.cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.float64()).fill_null(np.nan)
    return np.asarray(micros.to_numpy() / 86_400e6)


def _open_labels(folder: Path, number: int) -> Labels:
    names = json.loads((folder / f"item_labels_{number}.json").read_text(encoding="utf-8"))
    return Labels(tuple(names), open_csr(folder, f"item_labels_{number}", len(names)))
