"""What is said of items: titles, labels, numbers and dates, the most frequent in the log or a separate table's."""

from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts import columns
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ContractError
from data_contracts.identifiers import CATALOGUE_FILE
from tasks.ingestion.item_table import ItemTable, read_items
from tasks.ingestion.normalization import ATTRIBUTE, UNREADABLE, described_by

_COMPACT_ROWS = 2_000_000
_COUNT = "count_all"


class Counted(NamedTuple):
    """What :class:`Descriptions` has counted."""

    pairs: dict[str, pa.Table]
    """By column: item, value, rows."""
    unreadable: dict[str, int]
    first_unreadable: dict[str, str]


class Descriptions:
    """Counts titles and attributes of items batch by batch.

    Parameters
    ----------
    spec
        The dataset.

    """

    def __init__(self, spec: DatasetSpec) -> None:
        self.spec = spec
        self.item_table: ItemTable | None = None
        self.warnings: list[str] = []
        self.types = {columns.TITLE: pa.large_string()} | {
            f"{ATTRIBUTE}{name}": _TYPES.get(kind, pa.large_string())
            for name, kind in spec.item_attributes.kinds().items()
        }
        typed = [f"{ATTRIBUTE}{name}" for name in (*spec.columns.numbers, *spec.columns.dates)]
        self._counted: dict[str, list[pa.Table]] = {name: [] for name in [*described_by(spec), *typed]}
        self._unreadable = Unreadable(spec)

    def add(self, accepted: pa.Table) -> None:
        """Count the pairs of item and title (and of item and each attribute) of accepted rows."""
        self._unreadable.add(accepted)
        for name, parts in self._counted.items():
            pairs = accepted.select([columns.ITEM_ID, name]).drop_null()
            parts.append(pairs.group_by([columns.ITEM_ID, name]).aggregate([([], "count_all")]))
            if sum(part.num_rows for part in parts) > _COMPACT_ROWS:
                parts[:] = [self._merged(name)]

    def counted(self) -> "Counted":
        """What was counted, to be added elsewhere."""
        pairs = {name: self._merged(name) for name in self._counted}
        return Counted(pairs, dict(self._unreadable.counts), dict(self._unreadable.first))

    def add_counted(self, other: "Counted") -> None:
        """Add what was counted in another part of the same log."""
        for name, pairs in other.pairs.items():
            self._counted[name].append(pairs)
        for name, count in other.unreadable.items():
            self._unreadable.counts[name] += count
        for name, example in other.first_unreadable.items():
            self._unreadable.first.setdefault(name, example)

    def write(
        self, path: Path, connection: duckdb.DuckDBPyConnection, items: Path | None, scratch: Path
    ) -> dict[str, Any]:
        """Write item ids, titles and attributes, sorted by id, and the ids of the catalogue beside them.

        Parameters
        ----------
        path
            Parquet file to write: text for labels as they stand, float64 for numbers, timestamps for dates.
        connection
            Where it is put together.
        items
            The separate item table; what it says of an item wins.
        scratch
            Folder for a copy in UTF-8.

        Returns
        -------
        Facts: ``described_items``, and where the dataset has numbers or dates ``unreadable_attributes``, by
        name how many values could not be read.

        Raises
        ------
        ContractError
            If not a single value of a number or date can be read.

        """
        found = pa.table({columns.ITEM_ID: pa.array([], pa.large_string())})
        for name in self._counted:
            found = found.join(
                _most_frequent(self._merged(name), name), columns.ITEM_ID, join_type="full outer"
            )
        if items is not None:
            self.item_table = read_items(self.spec, connection, items, scratch, _wanted(self.spec))
            table = self.item_table.table
            self._unreadable.add(table)
            found = _overlaid(table, found)
            self._write_catalogue(path.with_name(CATALOGUE_FILE), table)
        found = self._complete(found).sort_by(columns.ITEM_ID)
        self._unreadable.judge(found)
        self.warnings = self._unreadable.warnings()
        plain = [name.removeprefix(ATTRIBUTE) for name in found.column_names]
        pq.write_table(found.rename_columns(plain), path, compression="zstd")
        return {"described_items": int(found.num_rows), **self._unreadable.facts()}

    def _write_catalogue(self, path: Path, table: pa.Table) -> None:
        if self.spec.has_catalogue:
            ids = table.select([columns.ITEM_ID]).sort_by(columns.ITEM_ID)
            pq.write_table(ids, path, compression="zstd")

    def _complete(self, found: pa.Table) -> pa.Table:
        """Columns in their order and of their types; a title column is always there."""
        wanted = {columns.ITEM_ID: pa.large_string(), columns.TITLE: pa.large_string()}
        wanted |= dict(sorted((name, kind) for name, kind in self.types.items() if name != columns.TITLE))
        arrays = [
            found.column(name).cast(kind) if name in found.column_names else pa.nulls(len(found), kind)
            for name, kind in wanted.items()
        ]
        return pa.table(arrays, names=list(wanted))

    def _merged(self, name: str) -> pa.Table:
        parts = self._counted[name]
        if not parts:
            empty, values = pa.array([], pa.large_string()), pa.array([], self.types[name])
            return pa.table({columns.ITEM_ID: empty, name: values, _COUNT: pa.array([], pa.int64())})
        together = pa.concat_tables(parts).group_by([columns.ITEM_ID, name]).aggregate([(_COUNT, "sum")])
        return together.rename_columns([columns.ITEM_ID, name, _COUNT])


_TYPES = {"number": pa.float64(), "date": pa.timestamp("us", tz="UTC")}
"""Types of attributes that are no text."""


class Unreadable:
    """Counts values of numbers and dates that are there and cannot be read.

    Parameters
    ----------
    spec
        The dataset.

    """

    def __init__(self, spec: DatasetSpec) -> None:
        self.kinds = {name: kind for name, kind in spec.item_attributes.kinds().items() if kind in _TYPES}
        self.counts = dict.fromkeys(self.kinds, 0)
        self.first: dict[str, str] = {}

    def add(self, rows: pa.Table) -> None:
        """Count those of some rows of the log or of the item table."""
        for name in self.kinds:
            if f"{UNREADABLE}{name}" in rows.column_names:
                bad = rows.column(f"{UNREADABLE}{name}").drop_null()
                self.counts[name] += len(bad)
                if len(bad):
                    self.first.setdefault(name, bad[0].as_py())

    def judge(self, items: pa.Table) -> None:
        """Refuse an attribute of which nothing could be read: its column or its format is another one."""
        for name, example in self.first.items():
            if items.column(f"{ATTRIBUTE}{name}").null_count == len(items):
                raise ContractError(
                    f"none of the {self.counts[name]} values of {name!r} is a {self.kinds[name]}, first: "
                    f"{example!r}; write it under attributes or labels"
                    + (", or say how it is written with date_format" if self.kinds[name] == "date" else "")
                )

    def warnings(self) -> list[str]:
        """What people should look at."""
        return [
            f"{self.counts[name]:,} values of {name!r} are no {self.kinds[name]} and left out, first: {example!r}"
            for name, example in self.first.items()
        ]

    def facts(self) -> dict[str, dict[str, int]]:
        """Counts by name, where the dataset has numbers or dates."""
        return {"unreadable_attributes": self.counts} if self.kinds else {}


def _most_frequent(counted: pa.Table, name: str) -> pa.Table:
    """One row per item: the value seen most often, of equals the smallest."""
    order = [(columns.ITEM_ID, "ascending"), (_COUNT, "descending"), (name, "ascending")]
    ordered = counted.sort_by(order)
    first = ordered.group_by([columns.ITEM_ID], use_threads=False).aggregate([(name, "first")])
    return first.rename_columns([columns.ITEM_ID, name])


def _wanted(spec: DatasetSpec) -> dict[str, str]:
    """Source column in the item table of the title and of each attribute of text."""
    assert spec.items is not None
    title = {columns.TITLE: spec.items.title} if spec.items.title else {}
    return title | {f"{ATTRIBUTE}{name}": name for name in spec.items.separators()}


def _overlaid(over: pa.Table, under: pa.Table) -> pa.Table:
    """Rows of both; where both say something of an item, what the first one says."""
    both = over.join(under, columns.ITEM_ID, join_type="full outer", right_suffix=" of the log")
    arrays = {columns.ITEM_ID: both.column(columns.ITEM_ID)}
    for name in dict.fromkeys(over.column_names + under.column_names):
        other = f"{name} of the log"
        if name == columns.ITEM_ID:
            continue
        arrays[name] = both.column(name)
        if other in both.column_names:
            arrays[name] = pc.coalesce(arrays[name], both.column(other).cast(arrays[name].type))
    return pa.table(arrays)
