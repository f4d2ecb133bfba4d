"""Excel sheets, read whole: the format allows nothing else."""

import importlib.util
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.runtime.duckdb_engine import first_line

_MISSING = ["", "#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"]
"""An empty cell, and the errors of formulas: of a cell that says NA or null the text is kept, as in every format."""


def sheet_names(path: Path) -> list[str]:
    """Names of a workbook's sheets in order.

    Raises
    ------
    ContractError
        If this is no readable Excel file.

    """
    with _opened(path) as book:
        return [str(name) for name in book.sheet_names]


def read_sheet(path: Path, source: SourceSection, sheet: str | None = None) -> pd.DataFrame:
    """Read a sheet as text from below the skipped rows, missing cells as nulls.

    Parameters
    ----------
    path
        The workbook.
    source
        How it is read.
    sheet
        One of its sheets; if absent, the first that the dataset names, or the first there is.

    Raises
    ------
    ConfigurationError
        If there is no such sheet.
    ContractError
        If this is no readable Excel file.

    """
    with _opened(path) as book:
        names = book.sheet_names
        chosen = sheet or next(iter(source.sheets), names[0])
        if chosen not in names:
            raise ConfigurationError(
                f"{path} has no sheet {chosen!r}; under [source], write sheet = one of {names}"
            )
        try:
            frame = _cells(book, str(chosen), source)
        except Exception as error:
            raise ContractError(f"{path} is no readable Excel file: {first_line(error)}") from error
    return frame.iloc[source.skip_rows :].reset_index(drop=True)


def read_table(path: Path, source: SourceSection) -> tuple[list[str], pd.DataFrame]:
    """Names of the columns, and the rows below the header as text; of several sheets one after the other.

    Raises
    ------
    ConfigurationError
        If there is no such sheet, or sheets differ in their columns.
    ContractError
        If there is nothing in them.

    """
    names: list[str] = []
    parts: list[pd.DataFrame] = []
    for sheet in source.sheets or (None,):
        found, rows = _table(path, source, sheet)
        if parts and found != names:
            raise ConfigurationError(
                f"{path}, sheet {sheet!r} has the columns {found}, the sheets before it {names}; write only "
                "sheets of one layout under sheet"
            )
        names = found
        parts.append(rows)
    return names, pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def _table(path: Path, source: SourceSection, sheet: str | None) -> tuple[list[str], pd.DataFrame]:
    frame = read_sheet(path, source, sheet).dropna(how="all").reset_index(drop=True)
    if frame.empty:
        raise ContractError(f"{path}, sheet {sheet or 'first'!r} is empty")
    header, rows = (frame.loc[0], frame.drop(index=0)) if source.header else (None, frame)
    # A column without a name and without content is a trace of formatting.
    kept = [
        at for at in frame.columns if rows[at].notna().any() or (header is not None and pd.notna(header[at]))
    ]
    rows = rows[kept].reset_index(drop=True)
    found = [
        str(header[at]).strip() if header is not None and pd.notna(header[at]) else f"column{place}"
        for place, at in enumerate(kept, 1)
    ]
    if source.names and len(source.names) != len(kept):
        raise ConfigurationError(
            f"{path} has {len(kept)} columns, but names under [source] lists {len(source.names)}: {found}"
        )
    return list(source.names) or found, rows


def check_archive(path: Path) -> None:
    """Check the checksums of a workbook that is an archive.

    Raises
    ------
    ContractError
        If a part of it is damaged.

    """
    if not zipfile.is_zipfile(path):
        return  # .xls has none; other damage is found on reading
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ContractError(f"{path} is no readable Excel file: {first_line(error)}") from error
    if damaged is not None:
        raise ContractError(f"{path} is damaged: the checksum of {damaged} in it does not fit; save it anew")


def _opened(path: Path) -> pd.ExcelFile:
    engine: Any = "calamine" if importlib.util.find_spec("python_calamine") else "openpyxl"
    try:
        return pd.ExcelFile(path, engine=engine)
    except Exception as error:
        raise ContractError(f"{path} is no readable Excel file: {first_line(error)}") from error


def _cells(book: pd.ExcelFile, sheet: str, source: SourceSection) -> pd.DataFrame:
    options: Any = {"sheet_name": sheet, "header": None, "keep_default_na": False, "na_values": _MISSING}
    if source.decimal == ".":
        frame: pd.DataFrame = pd.read_excel(book, dtype=str, **options)
        return frame
    # Cells that are numbers must read as those that are text.
    frame = pd.read_excel(book, dtype=object, **options)
    written: pd.DataFrame = frame.map(lambda cell: _written(cell, source.decimal)).astype(object)
    return written


def _written(cell: Any, decimal: str) -> Any:
    if isinstance(cell, float) and not pd.isna(cell):
        return str(int(cell)) if cell.is_integer() else str(cell).replace(".", decimal)
    return cell if pd.isna(cell) else str(cell)
