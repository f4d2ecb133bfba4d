"""A folder of grouped blocks from a scipy matrix, as a cluster's first steps would leave it."""

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.grouped_blocks import Block, GroupedBlocks
from data_contracts.identifiers import Vocabulary


def write_blocks(folder: Path, csr, n_blocks: int, holdout=None) -> Path:
    """Cut the rows of `csr` (n_users, n_items) into blocks; ids interleave, so that blocks are not sorted as a whole."""
    n_users, n_items = csr.shape
    folder.mkdir(parents=True, exist_ok=True)
    width = len(str(max(n_items, n_users)))
    Vocabulary.from_ids("item_id", [f"i{code:0{width}}" for code in range(n_items)]).save(
        folder / "items.parquet"
    )
    bounds = np.linspace(0, n_users, n_blocks + 1).astype(int)
    blocks = []
    for number, (first, last) in enumerate(pairwise(bounds)):
        here = folder / f"b={number:03d}"
        here.mkdir()
        rows = csr[first:last].tocsr().astype(np.float32)
        rows.sort_indices()
        _save(here, "", rows)
        np.save(here / "values.npy", rows.data)
        if holdout is not None:
            _save(here, "holdout_", holdout[first:last].tocsr())
        # Rank within the block first: the ids of all blocks interleave.
        ids = [f"u{code:0{width}}-{number:03d}" for code in range(last - first)]
        pq.write_table(pa.table({"user_id": pa.array(ids, pa.large_string())}), here / "users.parquet")
        names = ("indptr.npy", "indices.npy", "values.npy", "users.parquet")
        hashes = "".join(hashlib.sha256((here / name).read_bytes()).hexdigest() for name in names)
        blocks.append(
            Block(
                name=here.name,
                first_user=int(first),
                n_users=int(last - first),
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
    (folder / "blocks.json").write_text(manifest.model_dump_json(indent=2))
    return folder


def _save(here, prefix, rows):
    rows.sort_indices()
    np.save(here / f"{prefix}indptr.npy", rows.indptr.astype(np.int64))
    np.save(here / f"{prefix}indices.npy", rows.indices.astype(np.int32))
