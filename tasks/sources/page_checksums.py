"""The checksums that some writers put on the pages of a Parquet file, and that DuckDB does not look at."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.errors import ContractError
from tasks.runtime.duckdb_engine import first_line

_FIELD = 0x15
"""Thrift's compact protocol: the byte before a 32-bit number in the field after the last one."""

_CRC_FIELD = 4
"""Of a PageHeader, after type, uncompressed size and compressed size (parquet.thrift)."""

_ROWS = 65_536


def check_pages(path: Path) -> None:
    """Read a Parquet file by the checksums of its pages, where the first page has one.

    A file that pyarrow cannot read for another reason is left to DuckDB, which may know more.

    Raises
    ------
    ContractError
        If a page does not fit its checksum.

    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            if not _has_checksums(path, file.metadata):
                return
            for _ in file.iter_batches(_ROWS, use_threads=False):
                pass
    except (OSError, pa.ArrowException) as error:
        if "checksum" not in str(error):
            return
        raise ContractError(f"{path} is damaged: {first_line(error)}; fetch or write it again") from error


def _has_checksums(path: Path, metadata: pq.FileMetaData) -> bool:
    if not metadata.num_row_groups or not metadata.num_columns:
        return False
    column = metadata.row_group(0).column(0)
    at = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
    with path.open("rb") as file:
        file.seek(at)
        header = file.read(64)
    at = 0
    for _ in range(_CRC_FIELD - 1):
        if header[at : at + 1] != bytes([_FIELD]):
            return False
        at += 1
        while at < len(header) and header[at] & 0x80:  # all but the last byte of a number have the high bit
            at += 1
        at += 1
    return header[at : at + 1] == bytes([_FIELD])
