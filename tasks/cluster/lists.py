"""Scores and lists of everybody on a cluster: users' rows stay where they are, counts come back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.columns import RANK, USER_ID
from data_contracts.errors import ConfigurationError, ContractError, DamagedError
from data_contracts.grouped_blocks import Block
from data_contracts.predictions import PREDICTIONS_SCHEMA
from tasks.cluster import list_tasks, wals_tasks
from tasks.cluster.arrays import ArrayFile, load_array, save_array
from tasks.cluster.blocks import BlockFolder
from tasks.cluster.calls import Workers
from tasks.cluster.held import Problem
from tasks.cluster.list_tasks import Listing, Model
from tasks.cluster.rounds import Rounds, numbers_of, summed
from tasks.cluster.wals import FULL, Fit
from tasks.numeric.wals_side import Terms
from tasks.runtime import duckdb_engine
from tasks.runtime.files import replace_file, sha256_of

ROW_GROUP = 500_000
"""Rows in one row group of the published file."""


@dataclass(frozen=True)
class Trained:
    """A model of the cluster's, with the problem that its users are part of."""

    problem: Problem
    model: Model


@dataclass(frozen=True)
class Scores:
    """What the hold-out users' lists were worth."""

    users: int
    means: dict[str, float]
    """By metric, ``precision@5``: the mean over hold-out users."""
    values: tuple[ArrayFile, ...]
    """Of each block: every user's values, float32 (n_metrics, n_holdout_users), metrics in the order of `means`."""

    def per_user(self) -> dict[str, npt.NDArray[np.float32]]:
        """Values of all hold-out users by metric, in order of user code."""
        whole = np.concatenate([load_array(file) for file in self.values], axis=1)
        return dict(zip(self.means, whole, strict=True))


@dataclass(frozen=True)
class Published:
    """What was written for everybody."""

    path: Path
    sha256: str
    users: int
    rows: int
    short: int
    """Lists with a free place."""


def of_fit(fit: Fit) -> Trained:
    """A trained WALS."""
    return Trained(fit.problem, Model("wals", fit.items, FULL))


def count(workers: Workers, blocks: BlockFolder, kind: str, folder: Path) -> Trained:
    """Train popularity or personal_frequency: one round that counts every (user, item) pair once.

    Parameters
    ----------
    workers, blocks
        The cluster, and what it counts.
    kind
        ``"popularity"`` or ``"personal_frequency"``, as on one machine for a log without times.
    folder
        An existing folder that driver and workers share.

    """
    terms = Terms("binary", explicit=False, unobserved_weight=0.0, regularization=0.0, exponent=0.0)
    problem = Problem(blocks.folder, blocks.sha256, blocks.manifest.n_items, terms)
    rounds = Rounds(workers, blocks.blocks)
    rounds.place()
    entries = summed(rounds.run(wals_tasks.measure, problem, str(folder / "count")), "entries")
    if int(entries.sum()) != blocks.manifest.nnz:
        raise ContractError(
            f"workers counted {int(entries.sum())} pairs; blocks.json says {blocks.manifest.nnz}"
        )
    return Trained(problem, Model(kind, save_array(folder / "popularity.npy", entries.astype(np.float64))))


def vectors(
    workers: Workers, blocks: BlockFolder, trained: Trained, folder: Path
) -> Iterator[tuple[Block, ArrayFile]]:
    """Factors of every block's users, solved for where they are; files in the shared `folder`."""
    rounds = Rounds(workers, blocks.blocks)
    rounds.place()
    answers = rounds.run(list_tasks.write_vectors, trained.problem, trained.model, str(folder / "x"))
    files = {name: file for answer in answers for name, file in (answer.files or {}).items()}
    return ((block, files[block.name]) for block in blocks.blocks)


def evaluate(
    workers: Workers,
    blocks: BlockFolder,
    trained: Trained,
    ks: Sequence[int],
    folder: Path,
    *,
    exclude_seen: bool,
) -> Scores:
    """Score the lists of hold-out users where they are.

    Parameters
    ----------
    workers, blocks
        The cluster; blocks with ``holdout_indptr.npy`` and ``holdout_indices.npy``, by the same users.
    trained
        The model.
    ks
        List lengths of precision, recall and ndcg.
    folder
        An existing folder that driver and workers share; users' values stay there.
    exclude_seen
        Whether lists leave out what the user had before the cut-off.

    Raises
    ------
    ConfigurationError
        If no k is given, or one is below 1 or above the number of items.
    ContractError
        If nobody has anything in the hold-out.

    """
    lengths = tuple(sorted(set(ks)))
    if not lengths or not 1 <= lengths[0] <= lengths[-1] <= blocks.manifest.n_items:
        raise ConfigurationError(f"ks must lie in 1 to {blocks.manifest.n_items} items; got {list(ks)}")
    rounds = Rounds(workers, blocks.blocks)
    rounds.place()
    answers = rounds.run(
        list_tasks.score_holdout,
        trained.problem,
        trained.model,
        Listing(lengths[-1], exclude_seen),
        lengths,
        str(folder / "values"),
    )
    numbers = [each for answer in answers for each in answer.numbers]
    users = int(numbers_of(answers, "users").sum())
    if not users:
        raise ContractError(f"no user of {blocks.folder} has anything in the hold-out")
    # Block after block, whoever had them: the same bytes for any number of workers.
    means = {name: sum(each["sums"][name] for each in numbers) / users for name in numbers[0]["sums"]}
    files = tuple(file for answer in answers for file in (answer.files or {}).values())
    return Scores(users, means, files)


def publishable(
    workers: Workers,
    blocks: BlockFolder,
    trained: Trained,
    k: int,
    folder: Path,
    out: Path,
    *,
    exclude_seen: bool,
    allow: npt.NDArray[np.bool_] | None = None,
) -> Published:
    """Write everybody's lists into one file of PREDICTIONS_SCHEMA, sorted by user and rank.

    Parameters
    ----------
    workers, blocks
        The cluster.
    trained
        The model.
    k
        Length of the lists.
    folder
        An existing folder that driver and workers share: each block's part stays there, ``b=NNN.parquet``.
    out
        The file; it appears whole.
    exclude_seen
        Whether lists leave out what the user has.
    allow
        bool (n_items,): items that may be listed; None allows all.

    Raises
    ------
    ContractError
        If the parts do not hold every user's rows.
    DamagedError
        If a part is not what its worker wrote.

    """
    mask = None if allow is None else save_array(folder / "allow.npy", np.asarray(allow, np.bool_))
    rounds = Rounds(workers, blocks.blocks)
    rounds.place()
    answers = rounds.run(
        list_tasks.write_lists, trained.problem, trained.model, Listing(k, exclude_seen, mask), str(folder)
    )
    numbers = [each for answer in answers for each in answer.numbers]
    rows, users = (int(numbers_of(answers, name).sum()) for name in ("rows", "users"))
    if users != blocks.manifest.n_users:
        raise ContractError(f"parts hold lists of {users} users; blocks.json says {blocks.manifest.n_users}")
    for each in numbers:
        if sha256_of(Path(each["path"])) != each["sha256"]:
            raise DamagedError(f"{each['path']} is not what its worker wrote")
    written = merge_parts([Path(each["path"]) for each in numbers], out, folder)
    if written != rows:
        raise ContractError(f"{out} has {written} rows; its parts have {rows}")
    return Published(out, sha256_of(out), users, rows, int(numbers_of(answers, "short").sum()))


def merge_parts(parts: Sequence[Path], out: Path, scratch: Path) -> int:
    """Sort the rows of all parts by user and rank into `out`, within DuckDB's memory limit; returns their number."""
    files = ", ".join(duckdb_engine.path_literal(path) for path in parts)
    query = f"SELECT * FROM read_parquet([{files}]) ORDER BY {duckdb_engine.quote(USER_ID)}, {duckdb_engine.quote(RANK)}"
    rows = 0

    def write(path: Path) -> None:
        nonlocal rows
        with (
            duckdb_engine.connect(scratch) as connection,
            pq.ParquetWriter(path, PREDICTIONS_SCHEMA, compression="zstd") as writer,
        ):
            for batch in duckdb_engine.batches(connection, query, ROW_GROUP):
                table = pa.Table.from_batches([batch]).cast(PREDICTIONS_SCHEMA)
                writer.write_table(table, row_group_size=ROW_GROUP)
                rows += len(table)

    replace_file(out, write)
    return rows
