"""Find the files of a source and open each as something DuckDB can select from."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.runtime.duckdb_engine import first_line, literal, quote
from tasks.sources import csv_format
from tasks.sources.excel import read_sheet

Format = Literal["csv", "parquet", "excel"]

ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".gz": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".ods": "excel",
}


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
    is_csv
        Whether some lines may turn out to be unreadable.

    """

    path: Path
    relation: str
    names: tuple[str, ...]
    references: tuple[str, ...]
    types: tuple[str, ...]
    is_csv: bool

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
            if len(self.names) == 1 and self.is_csv:
                hint = "; only one column was found: correct delimiter under [source]"
            shown = ", ".join(column[:60] for column in self.names[:30])
            raise ConfigurationError(f"{self.path} has no column {name!r}{hint}\n  columns: {shown}")
        at = self.names.index(name)
        return self.references[at], self.types[at]


def locate(spec: DatasetSpec, override: Path | None = None) -> Path:
    """Find the dataset's file or folder: the override, beside the .toml, or in the current folder.

    Raises
    ------
    ConfigurationError
        If it is nowhere; the message names every place and what to do.

    """
    wanted = spec.source.path
    if override is None and wanted is None:
        raise ConfigurationError(
            f"the source of dataset {spec.name!r} is a database, not a file; give a file with --source"
        )
    places = [override] if override else [spec.folder / str(wanted), Path(str(wanted))]
    for place in places:
        if place.exists():
            return place.absolute()
    shown = " nor ".join(str(place.absolute()) for place in dict.fromkeys(places))
    advice = f"or correct source.path in {spec.file}" if wanted else "or leave it out to read the database"
    raise ConfigurationError(
        f"the source of dataset {spec.name!r} is not at {shown}; give its place with --source, {advice}"
    )


def locate_items(spec: DatasetSpec, source: Path) -> Path | None:
    """Find the separate item table: beside the .toml, or beside the log; None if the dataset has none.

    Raises
    ------
    ConfigurationError
        If it is nowhere.

    """
    if spec.items is None:
        return None
    beside_log = source if source.is_dir() else source.parent
    for folder in (spec.folder, beside_log):
        if (folder / spec.items.path).is_file():
            return (folder / spec.items.path).absolute()
    raise ConfigurationError(
        f"the item table {spec.items.path!r} of dataset {spec.name!r} is neither in {spec.folder} nor in "
        f"{beside_log}; put it there, or remove [items] from {spec.file}"
    )


def files_of(source: Path, wanted: str) -> list[tuple[Path, Format]]:
    """List the files of a source with their formats, sorted by path.

    Raises
    ------
    ConfigurationError
        If a file's ending says no format, or a folder holds no such file.

    """
    if source.is_file():
        return [(source, _format(source, wanted))]
    inside = sorted(path for path in source.rglob("*") if path.is_file() and path.name[0] not in "._")
    files = [(path, ENDINGS[path.suffix.lower()]) for path in inside if path.suffix.lower() in ENDINGS]
    if wanted != "auto":
        files = [(path, kind) for path, kind in files if kind == wanted]
    if not files:
        raise ConfigurationError(f"folder {source} holds no file to read ({wanted}: {', '.join(ENDINGS)})")
    return files


def source_hash(spec: DatasetSpec, source: Path) -> str:
    """Sha256 of the names and bytes of all files of the log and of its item table."""
    files = [path for path, _ in files_of(source, spec.source.format)]
    root = source if source.is_dir() else source.parent
    digest = hashlib.sha256()
    items = locate_items(spec, source)
    for role, path in [("log", path) for path in files] + ([("items", items)] if items else []):
        # A single log may be renamed; inside a folder the names order the rows.
        name = path.relative_to(root).as_posix() if role == "log" and source.is_dir() else role
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{name}\n{content}\n".encode())
    return digest.hexdigest()


def open_file(
    connection: duckdb.DuckDBPyConnection, path: Path, kind: Format, source: SourceSection, scratch: Path
) -> OpenFile:
    """Open one file, reading no more of it than its header.

    Raises
    ------
    ConfigurationError
        If its columns cannot be told apart.
    ContractError
        If it is empty or broken.

    """
    if path.stat().st_size == 0:
        raise ContractError(f"{path} is empty")
    if kind == "csv":
        return _open_csv(connection, path, source, scratch)
    if kind == "parquet":
        return _open_parquet(connection, path)
    return _open_excel(connection, path, source)


def _open_csv(
    connection: duckdb.DuckDBPyConnection, path: Path, source: SourceSection, scratch: Path
) -> OpenFile:
    names, delimiter = csv_format.header(path, source)
    _refuse_repeats(path, names)
    csv_format.forget_unreadable(connection)
    readable = csv_format.as_utf8(path, source, scratch)
    relation = csv_format.table_function(readable, len(names), delimiter, source.quote)
    return _text_file(path, relation, names, is_csv=True)


def _open_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> OpenFile:
    relation = f"read_parquet({literal(str(path))}, hive_partitioning = true, hive_types_autocast = false)"
    try:
        # DuckDB renames columns in silence that differ by case only; the file's own schema shows them.
        _refuse_repeats(path, [name.casefold() for name in pq.read_schema(path).names])
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except (duckdb.Error, pa.ArrowException) as error:
        raise ContractError(f"{path} is no readable Parquet file: {first_line(error)}") from error
    names = tuple(row[0] for row in described)
    return OpenFile(
        path, relation, names, tuple(map(quote, names)), tuple(row[1] for row in described), False
    )


def _open_excel(connection: duckdb.DuckDBPyConnection, path: Path, source: SourceSection) -> OpenFile:
    frame = read_sheet(path, source)
    if frame.empty:
        raise ContractError(f"{path}, sheet {source.sheet or 'first'!r} is empty")
    names = [str(name) for name in frame.loc[0]]
    _refuse_repeats(path, names)
    rows = frame.drop(index=0)
    columns = {
        f"r{at}": pa.array(rows[name], type=pa.large_string(), from_pandas=True)
        for at, name in enumerate(frame.columns)
    }
    view = f"sheet_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    connection.register(view, pa.table(columns))
    return _text_file(path, view, names, is_csv=False)


def _text_file(path: Path, relation: str, names: Sequence[str], *, is_csv: bool) -> OpenFile:
    references = tuple(f"r{at}" for at in range(len(names)))
    return OpenFile(path, relation, tuple(names), references, ("VARCHAR",) * len(names), is_csv)


def _format(path: Path, wanted: str) -> Format:
    if wanted == "auto":
        kind = ENDINGS.get(path.suffix.lower())
        if kind is None:
            raise ConfigurationError(
                f"the ending of {path} says no format; write format = 'csv', 'parquet' or 'excel'"
            )
        return kind
    return wanted  # type: ignore[return-value]


def _refuse_repeats(path: Path, names: Sequence[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ConfigurationError(
            f"{path} has more than one column named {repeated[0]!r}; rename all but one in the file"
        )
