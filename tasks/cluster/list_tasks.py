"""What workers do with a trained model: lists of a block's users, written or scored where the users are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID
from data_contracts.grouped_blocks import Block
from data_contracts.holdout import Holdout
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr
from data_contracts.metrics import metric_name
from data_contracts.predictions import PREDICTIONS_SCHEMA, ranked_rows
from data_contracts.scoring import Mask, Scorer
from tasks.cluster import held
from tasks.cluster.arrays import Answer, ArrayFile, load_array, save_array
from tasks.cluster.blocks import ITEMS_FILE, read_holdout, read_rows, read_users
from tasks.cluster.held import Problem, Solve
from tasks.cluster.wals_tasks import Part
from tasks.numeric.common_order import rank_fractions
from tasks.numeric.metrics import score_lists
from tasks.numeric.parallel import single_threaded_blas, threads
from tasks.numeric.ranking import cold_start_list, recommend, recommend_batches
from tasks.numeric.scorers import Factors, ItemScores, PersonalScores
from tasks.runtime.files import sha256_of

METRICS = ("precision", "recall", "ndcg")
ROWS = 16_384
"""Users whose lists are in memory at once, and in one row group of a part."""


@dataclass(frozen=True)
class Model:
    """A trained model, as far as it does not depend on the user."""

    kind: str
    """wals, popularity or personal_frequency."""
    items: ArrayFile
    """Item factors float32 (n_items, n_factors); or events per item, float64 (n_items,)."""
    solve: Solve | None = None
    """How wals solves for users."""


@dataclass(frozen=True)
class Listing:
    """What lists are wanted."""

    k: int
    exclude_seen: bool
    """Leave out what the user has."""
    allow: ArrayFile | None = None
    """bool (n_items,): items that may be listed; None allows all."""

    def mask(self) -> Mask | None:
        """`allow`, read."""
        return None if self.allow is None else load_array(self.allow)


def scorer_of(problem: Problem, block: Block, model: Model) -> Scorer:
    """The model for the users of one block, codes from 0."""
    if model.kind == "wals":
        assert model.solve is not None
        x = held.user_factors(problem, block, model.items, model.solve)
        return Factors(x, held.array(model.items))
    popularity = held.array(model.items).astype(np.float64, copy=False)
    if model.kind in {"popularity", "recent_popularity"}:
        return ItemScores(popularity, block.n_users)
    own = read_rows(problem.folder, block, problem.n_items)
    return PersonalScores(own, rank_fractions(popularity), popularity)


def write_vectors(problem: Problem, part: Part, model: Model, out: str) -> Answer:
    """Solve for a block's users, and write their factors: files ``x-b=NNN``, float32 (n_users, n_factors)."""
    assert model.solve is not None
    files = {}
    with single_threaded_blas(), threads(1):
        for block in part.blocks:
            found = held.user_factors(problem, block, model.items, model.solve)
            files[block.name] = save_array(Path(f"{out}-{block.name}.npy"), found)
    return Answer(files=files)


def write_lists(problem: Problem, part: Part, model: Model, listing: Listing, out: str) -> Answer:
    """Write ``b=NNN.parquet`` of PREDICTIONS_SCHEMA into folder `out`, sorted by user and rank, for each block.

    Numbers of each block: ``users``, ``rows``, ``short`` (lists with a free place), ``sha256`` and ``path``.
    """
    items, allow, numbers = Vocabulary.load(problem.folder / ITEMS_FILE), listing.mask(), []
    assert items.name == ITEM_ID
    with single_threaded_blas(), threads(1):
        for block in part.blocks:
            ids = read_users(problem.folder, block)
            exclude = read_rows(problem.folder, block, problem.n_items) if listing.exclude_seen else None
            path = Path(out) / f"{block.name}.parquet"
            temporary = path.with_name(f".tmp-{uuid4().hex}")
            rows = short = 0
            lists = recommend_batches(
                scorer_of(problem, block, model),
                np.arange(block.n_users),
                listing.k,
                exclude=exclude,
                allow=allow,
                batch=ROWS,
            )
            try:
                with pq.ParquetWriter(temporary, PREDICTIONS_SCHEMA, compression="zstd") as writer:
                    for first, codes, scores in lists:
                        some = ids[first : first + len(codes)]
                        names = np.full(len(codes), model.kind)
                        table = ranked_rows(PREDICTIONS_SCHEMA, some, items, (codes, scores), names)
                        writer.write_table(table)
                        rows += len(table)
                        short += int((codes[:, -1] < 0).sum())
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            numbers.append(
                {
                    "users": block.n_users,
                    "rows": rows,
                    "short": short,
                    "sha256": sha256_of(path),
                    "path": str(path),
                }
            )
    return Answer(numbers=tuple(numbers))


def score_holdout(
    problem: Problem, part: Part, model: Model, listing: Listing, ks: tuple[int, ...], out: str
) -> Answer:
    """Score the lists of a block's hold-out users.

    Numbers of each block: ``users``, and ``sums`` of each metric over them, float64 by name. Values of each user
    stay in files ``values-b=NNN``, float32 (n_metrics, n_holdout_users), whose users are those with an item in the
    block's hold-out, in order.
    """
    files, numbers = {}, []
    names = [metric_name(base, k) for base in METRICS for k in sorted(set(ks))]
    with single_threaded_blas(), threads(1):
        for block in part.blocks:
            values = _values(problem, block, model, listing, ks, names)
            files[block.name] = save_array(Path(f"{out}-{block.name}.npy"), values)
            sums = values.sum(axis=1, dtype=np.float64)
            numbers.append({"users": values.shape[1], "sums": dict(zip(names, sums.tolist(), strict=True))})
    return Answer(files=files, numbers=tuple(numbers))


def _values(
    problem: Problem, block: Block, model: Model, listing: Listing, ks: tuple[int, ...], names: list[str]
) -> npt.NDArray[np.float32]:
    """Values of each metric and hold-out user of a block, float32 (n_metrics, n_holdout_users)."""
    truth = _truth(read_holdout(problem.folder, block, problem.n_items))
    exclude = read_rows(problem.folder, block, problem.n_items) if listing.exclude_seen else None
    scorer = scorer_of(problem, block, model)
    lists, _ = recommend(scorer, truth.user_codes, listing.k, exclude=exclude, allow=listing.mask())
    nobody = np.full(listing.k, -1, np.int32)
    cold = nobody if scorer.cold_start is None else cold_start_list(scorer.cold_start, listing.k)
    found: dict[str, Any] = score_lists(lists, cold, truth, ks).users
    return np.stack([found[name] for name in names]).astype(np.float32, copy=False)


def _truth(rows: Csr) -> Holdout:
    """Users of a block that have something after the cut-off."""
    lengths = rows.lengths()
    codes = np.flatnonzero(lengths)
    nothing = np.empty(0, np.int32)
    return Holdout(
        codes.astype(np.int32),
        np.r_[np.int64(0), np.cumsum(lengths[codes])].astype(np.int64),
        np.ascontiguousarray(rows.indices),
        lengths[codes].astype(np.int32),
        nothing,
        np.zeros(1, np.int64),
        nothing,
        rows.n_cols,
    )
