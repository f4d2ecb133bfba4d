"""A folder of grouped blocks: who has which item, users split into blocks that a cluster's workers take.

docs/cluster.md describes the files; whoever can write them can have WALS trained and lists made from them.
"""

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data_contracts.errors import ContractError

BLOCKS_FILE: Final = "blocks.json"
"""In the folder: what the blocks are."""

USERS_FILE: Final = "users.parquet"
"""In a block: column user_id, in the order of the block's codes."""


class Block(BaseModel):
    """Users with the contiguous codes ``first_user .. first_user + n_users - 1``, sorted by id within the block."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^b=\d{3,}$")
    """Folder of the block: ``b=000``."""
    first_user: int = Field(ge=0)
    n_users: int = Field(ge=0)
    nnz: int = Field(ge=0)
    """(user, item) pairs."""
    weight_sum: float
    """Sum of values.npy, in float64."""
    sha256: str = Field(min_length=64, max_length=64)
    """Hash of the block's files."""


class GroupedBlocks(BaseModel):
    """What ``blocks.json`` says.

    Raises
    ------
    ValidationError
        If the blocks do not follow each other, or their sums are not those of the whole.

    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    n_users: int = Field(ge=0)
    n_items: int = Field(ge=0)
    nnz: int = Field(ge=0)
    weight_sum: float
    blocks: tuple[Block, ...]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        at = 0
        for block in self.blocks:
            if block.first_user != at:
                raise ValueError(f"block {block.name} begins at user {block.first_user}; expected {at}")
            at += block.n_users
        nnz = sum(block.nnz for block in self.blocks)
        if (at, nnz) != (self.n_users, self.nnz):
            raise ValueError(
                f"blocks hold {at} users and {nnz} pairs; blocks.json says {self.n_users} and {self.nnz}"
            )
        return self

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read ``blocks.json`` of a folder.

        Raises
        ------
        ContractError
            Naming the file and what is wrong with it.

        """
        path = folder / BLOCKS_FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ContractError(f"{path} cannot be read ({error}); expected a folder of grouped blocks") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ContractError(f"{path} is no list of grouped blocks: {where} {first['msg']}") from error
