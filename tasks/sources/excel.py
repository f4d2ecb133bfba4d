"""Excel sheets, read whole: the format allows nothing else."""

import importlib.util
from pathlib import Path
from typing import Any

import pandas as pd

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.runtime.duckdb_engine import first_line


def read_sheet(path: Path, source: SourceSection) -> pd.DataFrame:
    """Read a sheet as text, its header as the first row, missing cells as nulls.

    Raises
    ------
    ConfigurationError
        If there is no such sheet.
    ContractError
        If this is no readable Excel file.

    """
    engine: Any = "calamine" if importlib.util.find_spec("python_calamine") else "openpyxl"
    try:
        with pd.ExcelFile(path, engine=engine) as book:
            sheet = source.sheet or book.sheet_names[0]
            names = book.sheet_names
            if sheet in names:
                return pd.read_excel(book, sheet_name=sheet, header=None, dtype=str)
    except Exception as error:
        raise ContractError(f"{path} is no readable Excel file: {first_line(error)}") from error
    raise ConfigurationError(f"{path} has no sheet {sheet!r}; under [source], write sheet = one of {names}")
