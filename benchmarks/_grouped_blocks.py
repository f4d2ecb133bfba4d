"""Any matrix as a folder of grouped blocks, as a cluster's first steps leave one."""

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.grouped_blocks import (
    ARRAYS_OF_BLOCK,
    BLOCKS_FILE,
    USERS_OF_BLOCK,
    Block,
    GroupedBlocks,
    name_of_block,
)
from data_contracts.identifiers import Vocabulary
from tasks.runtime.files import sha256_of


def write_blocks(folder: Path, csr: Any, n_blocks: int, holdout: Any = None) -> Path:
    """Cut the rows of a scipy CSR (n_users, n_items) into blocks of about equally many users.

    Ids are made up, and those of different blocks interleave, as where a hash chooses the block.
    """
    n_users, n_items = csr.shape
    folder.mkdir(parents=True, exist_ok=True)
    width = len(str(max(n_items, n_users)))
    items = Vocabulary.from_ids(ITEM_ID, [f"i{code:0{width}}" for code in range(n_items)])
    items.save(folder / "items.parquet")
    blocks = []
    bounds = np.linspace(0, n_users, n_blocks + 1).astype(int).tolist()
    for number, (first, last) in enumerate(pairwise(bounds)):
        here = folder / name_of_block(number)
        here.mkdir()
        rows = csr[first:last].tocsr().astype(np.float32)
        _save(here, "", rows)
        np.save(here / "values.npy", rows.data)
        if holdout is not None:
            _save(here, "holdout_", holdout[first:last].tocsr())
        ids = pa.array([f"u{code:0{width}}-{number:03d}" for code in range(last - first)], pa.large_string())
        pq.write_table(pa.table({USER_ID: ids}), here / USERS_OF_BLOCK)
        files = [*(f"{name}.npy" for name in ARRAYS_OF_BLOCK), USERS_OF_BLOCK]
        hashes = "".join(sha256_of(here / name) for name in files)
        blocks.append(
            Block(
                name=here.name,
                first_user=first,
                n_users=last - first,
                nnz=rows.nnz,
                weight_sum=float(rows.data.sum(dtype=np.float64)),
                sha256=hashlib.sha256(hashes.encode()).hexdigest(),
            )
        )
    manifest = GroupedBlocks(
        n_users=n_users,
        n_items=n_items,
        nnz=sum(block.nnz for block in blocks),
        weight_sum=sum(block.weight_sum for block in blocks),
        blocks=tuple(blocks),
    )
    (folder / BLOCKS_FILE).write_text(manifest.model_dump_json(indent=2), "utf-8")
    return folder


def _save(here: Path, prefix: str, rows: Any) -> None:
    rows.sort_indices()
    np.save(here / f"{prefix}indptr.npy", rows.indptr.astype(np.int64))
    np.save(here / f"{prefix}indices.npy", rows.indices.astype(np.int32))
