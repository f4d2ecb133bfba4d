"""What items are called: the most frequent title of each, or a separate table's."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts import columns
from data_contracts.dataset import DatasetSpec
from tasks.ingestion.item_table import ItemTable, read_items
from tasks.ingestion.normalization import described_by

_COMPACT_ROWS = 2_000_000
_COUNT = "count_all"


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
        self._counted: dict[str, list[pa.Table]] = {name: [] for name in described_by(spec)}

    def add(self, accepted: pa.Table) -> None:
        """Count the pairs of item and title (and of item and each attribute) of accepted rows."""
        for name, parts in self._counted.items():
            pairs = accepted.select([columns.ITEM_ID, name]).drop_null()
            parts.append(pairs.group_by([columns.ITEM_ID, name]).aggregate([([], "count_all")]))
            if sum(part.num_rows for part in parts) > _COMPACT_ROWS:
                parts[:] = [_merged(parts, name)]

    def write(
        self, path: Path, connection: duckdb.DuckDBPyConnection, items: Path | None, scratch: Path
    ) -> int:
        """Write item ids, titles and attributes, sorted by id; return the number of items.

        Parameters
        ----------
        path
            Parquet file to write.
        connection
            Where it is put together.
        items
            The separate item table; where it knows an item, its words win.
        scratch
            Folder for a copy in UTF-8.

        """
        found = pa.table({columns.ITEM_ID: pa.array([], pa.large_string())})
        for name, parts in self._counted.items():
            found = found.join(
                _most_frequent(_merged(parts, name), name), columns.ITEM_ID, join_type="full outer"
            )
        if items is not None:
            self.item_table = read_items(self.spec, connection, items, scratch, _wanted(self.spec))
            found = _overlaid(self.item_table.table, found)
        if columns.TITLE not in found.column_names:
            found = found.append_column(columns.TITLE, pa.nulls(found.num_rows, pa.large_string()))
        attributes = sorted(name for name in found.column_names if name.startswith("attribute:"))
        found = found.select([columns.ITEM_ID, columns.TITLE, *attributes]).sort_by(columns.ITEM_ID)
        titles = [columns.ITEM_ID, columns.TITLE, *(name.removeprefix("attribute:") for name in attributes)]
        pq.write_table(found.rename_columns(titles), path, compression="zstd")
        return int(found.num_rows)


def _merged(parts: list[pa.Table], name: str) -> pa.Table:
    if not parts:
        empty = pa.array([], pa.large_string())
        return pa.table({columns.ITEM_ID: empty, name: empty, _COUNT: pa.array([], pa.int64())})
    together = pa.concat_tables(parts).group_by([columns.ITEM_ID, name]).aggregate([(_COUNT, "sum")])
    return together.rename_columns([columns.ITEM_ID, name, _COUNT])


def _most_frequent(counted: pa.Table, name: str) -> pa.Table:
    """One row an item: the value seen most often, of equals the first by text."""
    order = [(columns.ITEM_ID, "ascending"), (_COUNT, "descending"), (name, "ascending")]
    ordered = counted.sort_by(order)
    first = ordered.group_by([columns.ITEM_ID], use_threads=False).aggregate([(name, "first")])
    return first.rename_columns([columns.ITEM_ID, name])


def _wanted(spec: DatasetSpec) -> dict[str, str]:
    """Source column in the item table of the title and of each attribute."""
    assert spec.items is not None
    title = {columns.TITLE: spec.items.title} if spec.items.title else {}
    return title | {f"attribute:{name}": name for name in spec.items.attributes}


def _overlaid(over: pa.Table, under: pa.Table) -> pa.Table:
    """Rows of both; where both have an item, the first one's row."""
    rest = under.join(over.select([columns.ITEM_ID]), columns.ITEM_ID, join_type="left anti")
    return pa.concat_tables([over, rest], promote_options="default")
