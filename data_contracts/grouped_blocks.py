"""The grouped matrix in blocks of users, as a cluster makes it and reads it: a folder with a list of its blocks.

Layout (a contract: another engine may write the same)::

    blocks.json            this list
    items.parquet          vocabulary of the items, codes in the order of their ids as on one machine
    b=000/users.parquet    column user_id, sorted: local code 0, 1, ...
    b=000/indptr.npy       int64 (n_users + 1,)
    b=000/indices.npy      int32 (nnz,): item codes, rising within a row
    b=000/values.npy       float32 (nnz,)

A user's code is his local code plus the block's `first_user`. Users stand in the block that :func:`block_of` gives;
one block after the other, they are contiguous, not sorted over all.
"""

import zlib
from collections.abc import Iterable
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

BLOCKS_FILE: Final = "blocks.json"
USERS_OF_BLOCK: Final = "users.parquet"
ARRAYS_OF_BLOCK: Final = ("indptr", "indices", "values")
MAX_BLOCKS: Final = 1000
"""Names have three digits."""


def name_of_block(block: int) -> str:
    """Folder of a block."""
    return f"b={block:03d}"


def block_of(user_ids: Iterable[str], n_blocks: int) -> npt.NDArray[np.int64]:
    """Block of each user: CRC-32 of the id in UTF-8, modulo the number of blocks; the same everywhere, for ever."""
    found = np.fromiter((zlib.crc32(user_id.encode()) for user_id in user_ids), np.int64)
    return found % n_blocks


class _Listed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Block(_Listed):
    """Users whose rows lie together."""

    name: str = Field(pattern=r"^b=\d{3}$")
    """Folder."""
    first_user: int = Field(ge=0)
    """Code of its first user."""
    n_users: int = Field(ge=0)
    nnz: int = Field(ge=0)
    """Pairs."""
    weight_sum: float = Field(allow_inf_nan=False)
    """Of its values, added up in float64."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the sha256 (hexadecimal) of indptr.npy, indices.npy, values.npy and users.parquet, one after the other."""


class GroupedBlocks(_Listed):
    """What ``blocks.json`` says."""

    version: Literal[1] = 1
    n_users: int = Field(ge=0)
    n_items: int = Field(ge=0)
    nnz: int = Field(ge=0)
    weight_sum: float = Field(allow_inf_nan=False)
    blocks: tuple[Block, ...] = Field(min_length=1, max_length=MAX_BLOCKS)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        """Refuse blocks that overlap, leave a gap, or are not all."""
        code = 0
        for block in self.blocks:
            if block.first_user != code:
                raise ValueError(f"{block.name} begins at user {block.first_user}; expected {code}")
            code += block.n_users
        pairs = sum(block.nnz for block in self.blocks)
        if (code, pairs) != (self.n_users, self.nnz):
            raise ValueError(
                f"the blocks hold {code} users and {pairs} pairs; the list says {self.n_users} and {self.nnz}"
            )
        return self
