"""Lists made on the workers of a cluster: blocks of users and of items, by the functions of one machine.

Everything is read from files that all of them see, the model first of all, so that it works for any model; what each
call leaves is a file, and the files together are what one machine makes, to the last byte.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.cluster_section import ClusterSection
from data_contracts.columns import USER_ID
from data_contracts.dataset_sections import ExportSection
from data_contracts.home_folder import HOME_VARIABLE
from data_contracts.scoring import Lists
from tasks.cluster.calls import Workers
from tasks.cluster.client import workers
from tasks.cluster.workplace import attempt
from tasks.numeric.parallel import single_threaded_blas, threads
from tasks.prediction.list_inputs import ListInputs
from tasks.prediction.ranking import Ranking
from tasks.prediction.tables import BLOCK_USERS, ListLengths
from tasks.preparation.prepared_events import PreparedEvents
from tasks.rules.task import load_item_rules
from tasks.runtime import store
from tasks.training.trained_model import TrainedModel

ITEMS_A_CALL = 5_000
EVERYONE = "everyone.parquet"
LABEL = "rank on workers"


@dataclass(frozen=True)
class SharedInputs:
    """What a worker makes lists from, by reference."""

    home: Path
    folder: Path
    """Of this step alone, and shared: user ids in row groups of BLOCK_USERS, and what is made."""
    model: TrainedModel
    cold_start: TrainedModel
    data: PreparedEvents
    lengths: ExportSection
    ruled: store.ArtifactRef | None
    exclude_seen: bool

    def open(self) -> ListInputs:
        """Open everything, or give what the last call of this process has opened."""
        if self.folder not in _opened:
            os.environ[HOME_VARIABLE] = str(self.home)
            _opened.clear()
            _opened[self.folder] = ListInputs.of(
                self.model,
                self.cold_start,
                self.data,
                self.lengths,
                load_item_rules(self.ruled),
                exclude_seen=self.exclude_seen,
            )
        return _opened[self.folder]


_opened: dict[Path, ListInputs] = {}
"""The inputs of one step: models and vocabularies take longer to open than a block to rank."""


@dataclass(frozen=True)
class RankedBlock:
    """Lists of a block of users, in a file."""

    path: Path
    lengths: ListLengths
    owners: Path | None


def rank_users(shared: SharedInputs, block: int) -> RankedBlock:
    """Write the lists of a block of users. Called on a worker."""
    what = shared.open()
    owners = what.new_owners()
    with pq.ParquetFile(shared.folder / EVERYONE) as file:
        ids = file.read_row_group(block).column(0).combine_chunks()
    with single_threaded_blas(), threads(1):
        blocks, lengths = what.lists(ids, owners)
        (made,) = blocks
    name, theirs = f"users-{block:05d}.parquet", f"owners-{block:05d}.npz"
    with attempt(shared.folder) as place:
        pq.write_table(made.table(what.items), place.out / name, compression="zstd")
        if owners is not None:
            items, codes, scores = owners.entries()
            np.savez(place.out / theirs, items=items, codes=codes, scores=scores)
            place.keep(theirs, shared.folder / theirs)
        path = place.keep(name, shared.folder / name)
    return RankedBlock(path, lengths, None if owners is None else shared.folder / theirs)


def rank_items(shared: SharedInputs, start: int, stop: int) -> Path:
    """Write the best users of some items. Called on a worker."""
    name = f"items-{start:09d}.npz"
    with single_threaded_blas(), threads(1):
        codes, scores = shared.open().users_of(np.arange(start, stop), shared.lengths.users_per_item_k)
    with attempt(shared.folder) as place:
        np.savez(place.out / name, codes=codes, scores=scores)
        return place.keep(name, shared.folder / name)


def let_go(shared: SharedInputs) -> None:
    """Close what :meth:`SharedInputs.open` keeps, so that its memory is free for other steps. Called on a worker."""
    _opened.pop(shared.folder, None)


@contextmanager
def ranking_on_workers(
    out: Path,
    what: ListInputs,
    everyone: pa.Array,
    ruled: store.ArtifactRef | None,
    cluster: ClusterSection,
    *,
    exclude_seen: bool,
) -> Iterator[Ranking]:
    """Let the workers of a cluster rank, with a folder in `out` that is gone at the end.

    `what` is what they will open for themselves, `everyone` the ids of all users of the log, sorted.
    """
    folder = out / "ranked"
    folder.mkdir()
    pq.write_table(pa.table([everyone], [USER_ID]), folder / EVERYONE, row_group_size=BLOCK_USERS)
    shared = SharedInputs(
        store.home(), folder, what.model, what.cold_start, what.data, what.lengths, ruled, exclude_seen
    )
    with workers(cluster, out, store.scratch()) as found:
        yield _Ranking(shared, found, what, -(-len(everyone) // BLOCK_USERS))
        addresses = list(found.client.nthreads())
        found.each(let_go, [(shared,)] * len(addresses), places=addresses)
    shutil.rmtree(folder)


@dataclass
class _Ranking:
    """Lists of everybody by workers: made block by block, and read in order."""

    shared: SharedInputs
    workers: Workers
    what: ListInputs
    n_blocks: int
    blocks: list[RankedBlock] = field(default_factory=list)

    def users(self) -> tuple[Iterator[pa.Table], ListLengths]:
        """Lists of all users, once all are ranked."""
        calls = [(self.shared, block) for block in range(self.n_blocks)]
        self.blocks = self.workers.each(rank_users, calls, LABEL)
        lengths = ListLengths()
        for each in self.blocks:
            lengths.include(each.lengths)
        return (pq.read_table(each.path) for each in self.blocks), lengths

    def users_for_items(self) -> Lists:
        """Best users of every item; where they are shared out, every item waits for all others, so it is done here."""
        owners = self.what.new_owners()
        if owners is not None:
            for each in self.blocks:
                assert each.owners is not None
                with np.load(each.owners, allow_pickle=False) as kept:
                    owners.include(kept["items"], kept["codes"], kept["scores"])
            return owners.lists()
        if self.shared.lengths.max_items_per_user is not None:
            return self.what.users_for_items()
        n_items = len(self.what.items)
        calls = [
            (self.shared, start, min(start + ITEMS_A_CALL, n_items))
            for start in range(0, n_items, ITEMS_A_CALL)
        ]
        parts = [_lists(path) for path in self.workers.each(rank_items, calls, LABEL)]
        codes, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
        return codes, scores


def _lists(path: Path) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    with np.load(path, allow_pickle=False) as part:
        return part["codes"], part["scores"]
