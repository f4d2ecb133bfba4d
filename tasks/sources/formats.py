"""Which format a file has: by what it begins with where that is sure, else by its ending."""

import zipfile
from pathlib import Path
from typing import Literal

from data_contracts.errors import ConfigurationError, ContractError

Format = Literal["csv", "json", "parquet", "excel"]

ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}

PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
"""Endings that stand after another one."""

READ = "CSV and other delimited text, JSON Lines, Parquet and Excel are read, the texts also as .gz, .bz2, .xz, .zst or .zip"

_MAGIC: tuple[tuple[bytes, Format], ...] = ((b"PAR1", "parquet"), (b"\xd0\xcf\x11\xe0", "excel"))

_OTHERS = {
    b"SQLite format 3": "a SQLite database: write url = 'sqlite:////absolute/path.db' and query = ... under "
    "[source] instead of path",
    b"ARROW1": "an Arrow (Feather) file: save it as Parquet",
    b"FEA1": "a Feather file: save it as Parquet",
    b"ORC": "an ORC file: save it as Parquet",
    b"Obj\x01": "an Avro file: save it as Parquet or JSON Lines",
    b"\x89HDF": "an HDF5 file: save it as Parquet",
    b"%PDF": "a PDF: export the table itself as CSV",
    b"7z\xbc\xaf": "a 7z archive: unpack it",
    b"Rar!": "a RAR archive: unpack it",
    b"\x80\x04": "a Python pickle: save it as Parquet",
    b"\x80\x05": "a Python pickle: save it as Parquet",
}
"""What other files begin with, and what to do with them."""


def format_of(path: Path, wanted: str = "auto", member: str | None = None) -> Format:
    """Format of a file.

    Parameters
    ----------
    path
        The file.
    wanted
        What the dataset says; anything but ``auto`` is believed.
    member
        Of an archive: the file in it.

    Raises
    ------
    ConfigurationError
        If neither content nor ending says a format, or it is one that is not read.

    """
    if wanted != "auto":
        return wanted  # type: ignore[return-value]
    begins = beginning(path)
    for magic, kind in _MAGIC:
        if begins.startswith(magic):
            return kind
    for magic, advice in _OTHERS.items():
        if begins.startswith(magic):
            raise ConfigurationError(f"{path} is {advice}. {READ}")
    if begins.startswith(b"PK\x03\x04"):
        return _inside(path, member)
    by_ending = ending_format(path)
    if by_ending in {"excel", "parquet"} and begins:
        return _not_what_it_says(path, begins, by_ending)
    if by_ending is None:
        raise ConfigurationError(
            f"the ending of {path} says no format; write format = 'csv', 'json', 'parquet' or 'excel' under "
            f"[source]. {READ}"
        )
    return by_ending


def ending_format(path: Path) -> Format | None:
    """What the ending says, the one before .gz and the like; text where there is none before it."""
    endings = [ending.lower() for ending in path.suffixes]
    packed = bool(endings) and endings[-1] in PACKED
    while endings and endings[-1] in PACKED:
        endings.pop()
    return ENDINGS.get(endings[-1] if endings else "", "csv" if packed else None)


def beginning(path: Path, n_bytes: int = 16) -> bytes:
    """First bytes of a file as it lies there."""
    with path.open("rb") as file:
        return file.read(n_bytes)


def is_archive(path: Path) -> bool:
    """Whether the file is a .zip that is no Excel file."""
    return beginning(path).startswith(b"PK\x03\x04") and not _is_workbook(path)


def archive_member(path: Path, member: str | None) -> str:
    """Name of the file that is read in an archive.

    Raises
    ------
    ConfigurationError
        If there are several, or none of that name; the message lists them.
    ContractError
        If the archive is broken.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [name for name in archive.namelist() if _counts(name)]
    except zipfile.BadZipFile as error:
        raise ContractError(f"{path} is no readable .zip: {error}") from error
    if member is not None:
        inside = [name for name in inside if member in (name, Path(name).name)]
    if len(inside) == 1:
        return inside[0]
    shown = ", ".join(inside[:20]) or "nothing that fits"
    asked = f" named {member!r}" if member else ""
    raise ConfigurationError(
        f"{path} holds {len(inside)} files{asked}: {shown}; write member = 'one of them' under [source], or "
        "unpack it and give the folder"
    )


def _counts(name: str) -> bool:
    path = Path(name)
    return not name.endswith("/") and path.parts[0] != "__MACOSX" and path.name[0] not in "._"


def _inside(path: Path, member: str | None) -> Format:
    if _is_workbook(path):
        return "excel"
    inside = Path(archive_member(path, member))
    return ending_format(inside) or "csv"


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return path.suffix.lower() in {".xlsx", ".xlsm", ".xlsb", ".ods"}
    return any(name.startswith("xl/") for name in names) or {"mimetype", "content.xml"} <= set(names)


def _not_what_it_says(path: Path, begins: bytes, said: Format) -> Format:
    """Format of a file with an Excel or Parquet name that does not begin like one."""
    if begins.lstrip().startswith(b"<"):
        raise ConfigurationError(
            f"{path} is a web page or XML under the name of a {said} file, as some shops export; open it in a "
            "spreadsheet and save it as CSV"
        )
    printable = all(byte >= 32 or byte in b"\t\r\n" for byte in begins)
    return "csv" if said == "excel" and (printable or begins[:2] in (b"\xff\xfe", b"\xfe\xff")) else said
