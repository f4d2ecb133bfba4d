"""Find the files of a source and open each as something DuckDB can select from."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.runtime.duckdb_engine import first_line, path_literal, quote
from tasks.runtime.files import sha256_of
from tasks.sources import csv_format, json_format
from tasks.sources.content import as_utf8, of_the_disk, read_to_the_end, unpacked
from tasks.sources.excel import check_archive, read_table
from tasks.sources.formats import ENDINGS, Format, ending_format, format_of
from tasks.sources.open_file import OpenFile
from tasks.sources.page_checksums import check_pages


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
    found = beside(spec, source, spec.items.path)
    if found is None:
        raise ConfigurationError(
            f"the item table {spec.items.path!r} of dataset {spec.name!r} is neither in {spec.folder} nor in "
            f"{_folder_of(source)}; put it there, or remove [items] from {spec.file}"
        )
    return found


def locate_listed(spec: DatasetSpec, source: Path, key: str, name: str) -> Path:
    """Find a file that a key of ``[rules]`` names: beside the .toml, or beside the log.

    Raises
    ------
    ConfigurationError
        If it is nowhere.

    """
    found = beside(spec, source, name)
    if found is None:
        raise ConfigurationError(
            f"rules.{key} = {name!r} of dataset {spec.name!r} is neither in {spec.folder} nor in "
            f"{_folder_of(source)}; put it there, or remove the key from [rules] of {spec.file}"
        )
    return found


def beside(spec: DatasetSpec, source: Path, name: str) -> Path | None:
    """A file in the folder of the .toml, or in that of the log; None if it is in neither."""
    for folder in (spec.folder, _folder_of(source)):
        if (folder / name).is_file():
            return (folder / name).absolute()
    return None


def _folder_of(source: Path) -> Path:
    return source if source.is_dir() else source.parent


def files_of(source: Path, section: SourceSection) -> list[tuple[Path, Format]]:
    """List the files of a source with their formats, sorted by path.

    Raises
    ------
    ConfigurationError
        If a file's ending says no format, or a folder holds no such file.

    """
    wanted = section.format
    if source.is_file():
        return [(source, format_of(source, wanted, section.member))]
    paths = readable_inside(source, section.files)
    files = [(path, format_of(path, "auto", section.member)) for path in paths]
    if wanted != "auto":
        files = [(path, kind) for path, kind in files if kind == wanted]
    if not files:
        fitting = f" that matches files = {section.files!r}" if section.files else ""
        raise ConfigurationError(
            f"folder {source} holds no file to read{fitting} ({wanted}: {', '.join(ENDINGS)})"
        )
    return files


def readable_inside(folder: Path, pattern: str | None = None) -> list[Path]:
    """List the files of a folder whose endings say a format, sorted; hidden ones and marks such as _SUCCESS left out.

    A .json among files of other formats is a dataset's suite rather than a part of its log.

    Raises
    ------
    ConfigurationError
        If a subfolder cannot be read, or a file is a link to nothing: a part of the log would be missing.

    """
    found = sorted(path for path in _walk(folder) if is_wanted(path.relative_to(folder), pattern))
    others = [path for path in found if path.suffix.lower() != ".json"]
    return others if others and pattern is None else found


def is_wanted(path: Path, pattern: str | None = None) -> bool:
    """Whether a file of a folder is a part of the log by its path in it."""
    readable = path.name[0] not in "._" and ending_format(path) is not None
    return readable and (pattern is None or fnmatch(path.as_posix(), pattern) or fnmatch(path.name, pattern))


def _walk(folder: Path) -> Iterator[Path]:
    """All files of a folder and of those below it; links to folders are followed once."""
    seen: set[str] = set()
    for place, below, names in os.walk(folder, onerror=_refuse_folder, followlinks=True):
        below.sort()
        real = os.path.realpath(place)
        if real in seen:  # by a link: its files are there already
            below.clear()
            continue
        seen.add(real)
        for path in (Path(place, name) for name in names):
            if path.is_file():
                yield path
            elif path.is_symlink() and path.name[0] not in "._" and not path.exists():
                raise ConfigurationError(f"{path} is a link to nothing; mend or remove it")


def _refuse_folder(error: OSError) -> None:
    raise ConfigurationError(
        f"folder {error.filename} cannot be read ({error.strerror}), so a part of the log would be missing; let "
        "the user that runs this read it, or move it elsewhere"
    ) from error


def source_hash(spec: DatasetSpec, source: Path) -> str:
    """Sha256 of the names, formats and bytes of all files of the log and of its item table."""
    files = files_of(source, spec.source)
    root = source if source.is_dir() else source.parent
    digest = hashlib.sha256()
    items = locate_items(spec, source)
    described = (
        [("items", items, format_of(items, "auto", spec.items.member))] if items and spec.items else []
    )
    for role, path, kind in [*(("log", path, kind) for path, kind in files), *described]:
        # A single log may be renamed; inside a folder the names order the rows. Folders such as day=1 are columns.
        name = path.relative_to(root).as_posix() if role == "log" and source.is_dir() else role
        columns = [part for part in path.parent.parts if "=" in part] if kind == "parquet" else []
        digest.update(f"{name}\n{kind}\n{columns}\n{sha256_of(path)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def stamps(spec: DatasetSpec, source: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Path, size, time of the last change (ns) and inode of all files of the log and of its item table."""
    items = locate_items(spec, source)
    paths = [path for path, _ in files_of(source, spec.source)] + ([items] if items else [])
    found = ((path, path.stat()) for path in paths)
    return tuple((str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino) for path, stat in found)


def read_whole(path: Path, kind: Format, source: SourceSection, scratch: Path) -> SourceSection:
    """Read a file once to its end by every checksum that it has, for DuckDB checks none.

    Returns
    -------
    How the file is to be read: its line ends are known now.

    Raises
    ------
    ContractError
        If it is cut or damaged.

    """
    if kind == "parquet":
        check_pages(path)
        return source
    content = unpacked(path, source.member, scratch)
    if kind == "excel":
        check_archive(content)
        return source
    if read_to_the_end(content) and source.line_ends == "auto":
        return source.model_copy(update={"line_ends": "mixed"})
    return source


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
    if kind == "parquet":
        return _open_parquet(connection, path)
    content = unpacked(path, source.member, scratch)
    if kind == "excel":
        return _open_excel(connection, path, content, source)
    csv_format.forget_unreadable(connection)
    if kind == "json":
        return _open_json(connection, path, content, source, scratch)
    return _open_csv(path, content, source, scratch)


def _open_csv(path: Path, content: Path, source: SourceSection, scratch: Path) -> OpenFile:
    if content.stat().st_size == 0:
        raise ContractError(f"{path} is empty")
    names, delimiter, skipped = csv_format.layout(content, source)
    _refuse_repeats(path, names)
    readable = as_utf8(content, source, scratch, skipped=skipped)
    relation = csv_format.table_function(
        readable, len(names), delimiter, source.quote, escape=source.escape, header=source.header
    )
    return _text_file(path, relation, names, "csv", readable, header=source.header)


def _open_json(
    connection: duckdb.DuckDBPyConnection, path: Path, content: Path, source: SourceSection, scratch: Path
) -> OpenFile:
    table = json_format.open_json(connection, content, source, scratch)
    _refuse_repeats(path, table.names)
    return _text_file(path, table.relation, table.names, "json", table.content)


def _open_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> OpenFile:
    relation = f"read_parquet({path_literal(path)}, hive_partitioning = true, hive_types_autocast = false)"
    try:
        # DuckDB renames columns in silence that differ by case only; the file's own schema shows them.
        _refuse_repeats(path, [name.casefold() for name in pq.read_schema(path).names])
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if of_the_disk(error):
            raise
        raise ContractError(f"{path} is no readable Parquet file: {first_line(error)}") from error
    names = tuple(row[0] for row in described)
    return OpenFile(
        path, relation, names, tuple(map(quote, names)), tuple(row[1] for row in described), "parquet", path
    )


def _open_excel(
    connection: duckdb.DuckDBPyConnection, path: Path, content: Path, source: SourceSection
) -> OpenFile:
    names, rows = read_table(content, source)
    _refuse_repeats(path, names)
    columns = {
        f"r{at}": pa.array(rows[name], type=pa.large_string(), from_pandas=True)
        for at, name in enumerate(rows.columns)
    }
    view = f"sheet_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    connection.register(view, pa.table(columns))
    return _text_file(path, view, names, "excel", path)


def _text_file(
    path: Path, relation: str, names: Sequence[str], kind: Format, content: Path, *, header: bool = True
) -> OpenFile:
    references = tuple(f"r{at}" for at in range(len(names)))
    return OpenFile(
        path, relation, tuple(names), references, ("VARCHAR",) * len(names), kind, content, header
    )


def _refuse_repeats(path: Path, names: Sequence[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ConfigurationError(
            f"{path} has more than one column named {repeated[0]!r}; rename all but one in the file, or write "
            "names = [...] under [source], one for each column"
        )
