"""Reading a folder of grouped blocks."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from data_contracts.columns import USER_ID
from data_contracts.errors import ContractError
from data_contracts.grouped_blocks import BLOCKS_FILE, USERS_OF_BLOCK, Block, GroupedBlocks
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr
from tasks.runtime.files import sha256_of

ITEMS_FILE = "items.parquet"


@dataclass(frozen=True)
class BlockFolder:
    """Where the blocks are, under a path that driver and workers share."""

    folder: Path
    manifest: GroupedBlocks
    sha256: str
    """Of blocks.json, which names the hashes of all blocks."""

    @classmethod
    def open(cls, folder: Path) -> "BlockFolder":
        """Read the manifest; ContractError says what is wrong with it."""
        manifest = _manifest(folder / BLOCKS_FILE)
        if not manifest.nnz:
            raise ContractError(f"{folder} holds no (user, item) pairs; expected at least 1")
        return cls(folder.absolute(), manifest, sha256_of(folder / BLOCKS_FILE))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, by user code."""
        return self.manifest.blocks

    @cached_property
    def items(self) -> Vocabulary:
        """The item vocabulary; ContractError where it has another length than the manifest says."""
        items = Vocabulary.load(self.folder / ITEMS_FILE)
        if len(items) != self.manifest.n_items:
            raise ContractError(
                f"{self.folder / ITEMS_FILE} holds {len(items)} ids; {BLOCKS_FILE} says {self.manifest.n_items}"
            )
        return items


def _manifest(path: Path) -> GroupedBlocks:
    try:
        return GroupedBlocks.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ContractError(
            f"{path} cannot be read ({error}); expected a folder of grouped blocks"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise ContractError(f"{path} is no list of grouped blocks: {where}: {first['msg']}") from error


def read_rows(folder: Path, block: Block, n_items: int) -> Csr:
    """Items of a block's users, (block.n_users, n_items), memory-mapped.

    Raises
    ------
    ContractError
        If the files are not what `block` says.

    """
    rows = _csr(folder / block.name, "", block, n_items)
    if rows.nnz != block.nnz:
        raise ContractError(f"{folder / block.name} holds {rows.nnz} pairs; {BLOCKS_FILE} says {block.nnz}")
    return rows


def read_holdout(folder: Path, block: Block, n_items: int) -> Csr:
    """Items that a block's users took after the cut-off, (block.n_users, n_items); ContractError as above."""
    return _csr(folder / block.name, "holdout_", block, n_items)


def read_users(folder: Path, block: Block) -> pa.Array:
    """Ids of a block's users, large_string (block.n_users,), sorted."""
    path = folder / block.name / USERS_OF_BLOCK
    ids = pq.read_table(path, columns=[USER_ID]).column(0).cast(pa.large_string())
    if len(ids) != block.n_users:
        raise ContractError(f"{path} holds {len(ids)} users; {BLOCKS_FILE} says {block.n_users}")
    return pa.concat_arrays(ids.chunks or [pa.array([], pa.large_string())])


def _csr(here: Path, prefix: str, block: Block, n_items: int) -> Csr:
    try:
        indptr = np.load(here / f"{prefix}indptr.npy", mmap_mode="r")
        indices = np.load(here / f"{prefix}indices.npy", mmap_mode="r")
        values = np.ones(len(indices), np.float32) if prefix else np.load(here / "values.npy", mmap_mode="r")
        rows = Csr(indptr, indices, values, n_items)
    except (OSError, ValueError) as error:
        raise ContractError(f"{here} is no block: {error}") from error
    if rows.shape[0] != block.n_users:
        raise ContractError(
            f"{here} has {prefix}rows of {rows.shape[0]} users; {BLOCKS_FILE} says {block.n_users}"
        )
    if rows.nnz and not 0 <= int(indices.min()) <= int(indices.max()) < n_items:
        raise ContractError(f"{here} has {prefix}item codes outside 0 to {n_items - 1}")
    return rows
