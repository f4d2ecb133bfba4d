"""One file of a log as DuckDB can select from it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import duckdb

from data_contracts.errors import ConfigurationError
from tasks.sources import csv_format, json_format
from tasks.sources.formats import Format


@dataclass(frozen=True)
class OpenFile:
    """One file that can be selected from.

    Parameters
    ----------
    path
        The file as the user knows it.
    relation
        SQL that stands after FROM.
    names
        Column names as in the file.
    references
        The same columns as quoted SQL names.
    types
        Their DuckDB types.
    kind
        Its format.
    content
        What DuckDB reads: the file itself, or a copy of it.
    header
        Whether its first line names the columns.

    """

    path: Path
    relation: str
    names: tuple[str, ...]
    references: tuple[str, ...]
    types: tuple[str, ...]
    kind: Format
    content: Path
    header: bool = True

    def unreadable(
        self, connection: duckdb.DuckDBPyConnection, n_readable: int
    ) -> list[csv_format.Unreadable]:
        """Lines that were refused when the file was just read, and why.

        Raises
        ------
        ContractError
            If a quotation mark that is never closed swallowed the rest of the file.

        """
        if self.kind == "csv":
            return csv_format.unreadable(connection, self.content, n_readable, header=self.header)
        if self.kind == "json":
            return json_format.unreadable(connection, self.content)
        return []

    def with_missing(self, names: Iterable[str]) -> "OpenFile":
        """Return the same file with an empty column of each of these names that it has not."""
        missing = [name for name in names if name not in self.names]
        return replace(
            self,
            names=(*self.names, *missing),
            references=(*self.references, *["NULL::VARCHAR"] * len(missing)),
            types=(*self.types, *["VARCHAR"] * len(missing)),
        )

    def column(self, name: str) -> tuple[str, str]:
        """SQL reference and type of a column.

        Raises
        ------
        ConfigurationError
            If there is no such column; the message lists those that are there.

        """
        if name not in self.names:
            close = get_close_matches(name, self.names, n=1, cutoff=0.6)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            if len(self.names) == 1 and self.kind == "csv":
                hint = "; only one column was found: correct delimiter under [source]"
            shown = ", ".join(column[:60] for column in self.names[:30])
            raise ConfigurationError(f"{self.path} has no column {name!r}{hint}\n  columns: {shown}")
        at = self.names.index(name)
        return self.references[at], self.types[at]
