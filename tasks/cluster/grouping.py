"""Users, items and weights of each block, by the functions of one machine; offsets make them one matrix."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.dataset_sections import GroupingSection
from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.feedback_section import FeedbackSection
from data_contracts.grouped_blocks import (
    ARRAYS_OF_BLOCK,
    BLOCKS_FILE,
    USERS_OF_BLOCK,
    Block,
    GroupedBlocks,
)
from data_contracts.identifiers import Vocabulary
from data_contracts.selection import Selection
from tasks.cluster.by_user import NOBODY, names_of
from tasks.cluster.calls import Workers
from tasks.cluster.quantiles import limited, scales_of_blocks
from tasks.cluster.timelines import TIMELINES, add_up_timelines
from tasks.cluster.whole import TIMELINE
from tasks.cluster.workplace import Attempt, attempt, clear, engine
from tasks.numeric.inspection import inspect
from tasks.preparation.aggregation import write_rows
from tasks.preparation.encoding import SHARES, USERS, EncodedEvents, encode_events
from tasks.preparation.matrix_files import open_csr
from tasks.preparation.refusals import described
from tasks.preparation.select_events import ITEMS_FILE, select_events
from tasks.preparation.weights import Scales
from tasks.runtime.duckdb_engine import number, table
from tasks.runtime.files import sha256_of, write_json
from tasks.validation.suites import check_facts
from tasks.validation.table_facts import vocabulary_facts

VOCABULARIES = "vocabularies"
"""Folder of what each block knows of the items, until all of them are known."""
HISTORIES = ("history", "basket_history")
"""The users' events in order, and the same basket by basket."""
HISTORY = ("indptr", "items", "ages", "values", "baskets", "targets")
"""Their arrays, files such as ``history_items.npy`` of a block; ``targets`` only of logs with event types."""
ROUNDING = 1e-6
"""Share of a block's weight that may be lost where sums become float32."""


@dataclass(frozen=True)
class Rules:
    """Which events, what their values mean, how a pair's events become one weight."""

    selection: Selection
    feedback: FeedbackSection
    grouping: GroupingSection
    scales: Scales | None = None
    """What weights are measured by; None = no weight asks for it, or the blocks have not been looked at."""
    history: bool = False
    """Whether the users' events in order are written, too, where the selection has an end."""
    baskets: bool = False
    """Whether they are written basket by basket, too."""

    def with_history(self) -> bool:
        """Whether there is an order to be written: ages are counted back from the end."""
        return self.history and self.grouping.history and self.selection.end is not None


@dataclass(frozen=True)
class BlockVocabulary:
    """Ids of the selected rows of a block."""

    name: str
    n_users: int
    rows: int
    """Selected rows."""


@dataclass(frozen=True)
class BlockReport:
    """A block that was written."""

    name: str
    n_users: int
    nnz: int
    rows: int
    """Events that were merged."""
    weight_sum: float
    sha256: str


def vocabulary_of_block(
    name: str, events: Path, selection: Selection, out: Path, memory: str
) -> BlockVocabulary:
    """Write the users of a block, sorted, and its items. Called on a worker."""
    with attempt(out) as place, engine(place, memory) as connection:
        select_events(connection, events / f"{name}.parquet", selection)
        sizes = {}
        for column, final in (
            (USER_ID, out / name / USERS_OF_BLOCK),
            (ITEM_ID, out / VOCABULARIES / f"{name}.parquet"),
        ):
            distinct = f"SELECT DISTINCT {column} FROM events WHERE {column} IS NOT NULL ORDER BY {column}"
            ids = Vocabulary(column, table(connection, distinct).column(0))
            ids.save(place.out / column)
            place.keep(column, final)
            sizes[column] = len(ids)
        return BlockVocabulary(name, sizes[USER_ID], number(connection, "SELECT count(*) FROM events"))


def group_block(name: str, events: Path, rules: Rules, out: Path, memory: str) -> BlockReport:
    """Write the rows of a block's users: items and weights. Called on a worker."""
    with attempt(out) as place, engine(place, memory) as connection:
        select_events(connection, events / f"{name}.parquet", rules.selection)
        coded = encode_events(
            connection,
            linked_vocabulary(place, out, name),
            place.scratch,
            selection=rules.selection,
            feedback=rules.feedback,
            grouping=rules.grouping.model_copy(update={"history": rules.with_history()}),
            scales=rules.scales,
            baskets=rules.baskets and rules.with_history(),
        )
        write_rows(coded, place.scratch, rules.grouping)
        if coded.timed and rules.selection.end is not None:
            _keep_arrays(place, "timeline", TIMELINE, out / TIMELINES / name)
        if name == NOBODY:
            return BlockReport(name, 0, 0, coded.n_events, 0.0, "")
        nnz, weight_sum = _judged(place.scratch, name, coded, rules.grouping)
        _keep_arrays(place, "by_user", ARRAYS_OF_BLOCK, out / name)
        if rules.with_history() and coded.timed:
            for kind in HISTORIES:
                there = [part for part in HISTORY if (place.scratch / f"{kind}_{part}.npy").exists()]
                _keep_arrays(place, kind, there, out / name, f"{kind}_")
        files = [*(f"{part}.npy" for part in ARRAYS_OF_BLOCK), USERS_OF_BLOCK]
        digest = hashlib.sha256("".join(sha256_of(out / name / file) for file in files).encode())
        return BlockReport(name, coded.n_users, nnz, coded.n_events, weight_sum, digest.hexdigest())


def _keep_arrays(place: Attempt, name: str, parts: Sequence[str], final: Path, prefix: str = "") -> None:
    for part in parts:
        shutil.copyfile(place.scratch / f"{name}_{part}.npy", place.out / part)
        place.keep(part, final / f"{prefix}{part}.npy")


def linked_vocabulary(place: Attempt, out: Path, name: str) -> Path:
    """A folder with both vocabularies as one machine has them."""
    folder = place.scratch / VOCABULARIES
    folder.mkdir()
    (folder / USERS_OF_BLOCK).symlink_to(out / name / USERS_OF_BLOCK)
    (folder / ITEMS_FILE).symlink_to(out / ITEMS_FILE)
    return folder


def _judged(folder: Path, name: str, coded: EncodedEvents, grouping: GroupingSection) -> tuple[int, float]:
    """Pairs and weight of a block, which must be a proper matrix and hold all that its events brought."""
    rows = open_csr(folder, "by_user", coded.n_items)
    found = inspect(rows)
    wrong = {
        "unsorted": found.unsorted + found.repeated + found.falling_indptr,
        "weights that are no positive numbers": found.bad_values + found.low_values,
        "unknown items": int(rows.nnz > 0 and (found.min_index < 0 or found.max_index >= coded.n_items)),
        "users without an item": int((rows.lengths() == 0).sum()),
    }
    if any(wrong.values()) or rows.shape[0] != coded.n_users:
        raise ContractError(f"block {name} of {rows.shape[0]:,} users is no grouped matrix: {wrong}")
    weight = float(np.sum(rows.values, dtype=np.float64))
    if grouping.merge == "sum":
        known = coded.column(USERS) > 0
        shares = coded.column(SHARES)
        brought = float(shares[known].sum()) if len(shares) else float(known.sum())
        if abs(brought - weight) > ROUNDING * max(brought, 1.0):
            raise ContractError(f"block {name} weighs {weight:,.6f}; its events brought {brought:,.6f}")
    return rows.nnz, weight


def group_rows(
    events: Path,
    n_blocks: int,
    out: Path,
    workers: Workers,
    *,
    rules: Rules,
    catalogue: Path | None = None,
    label: str = "",
) -> tuple[GroupedBlocks, Vocabulary, dict[str, int]]:
    """Write the grouped matrix of the selected events, block by block (:mod:`data_contracts.grouped_blocks`).

    Parameters
    ----------
    events
        Folder of the rows divided by user (:func:`tasks.cluster.by_user.divide_rows`).
    n_blocks
        How many blocks there are.
    out
        Existing folder that all workers see.
    workers
        Who does it.
    rules
        Which events, and what they mean.
    catalogue
        Parquet file of item ids that get codes too, after those of the events.
    label
        Of the step.

    Returns
    -------
    The list of the blocks, the items, and ``events`` and ``anonymous_events``.

    Raises
    ------
    ContractError
        If there is too little to learn from, or rows or weights were lost.
    ConfigurationError
        If ages are asked for and no end says what they are counted back from.

    """
    if rules.grouping.half_life_days is not None and rules.selection.end is None:
        raise ConfigurationError(
            "half_life_days on a cluster needs a day to count back from: give an --as-of"
        )
    names = names_of(n_blocks)
    rules = _measured(rules, events, names, out, workers)
    calls = [(name, events, rules.selection, out, workers.memory) for name in names]
    known = workers.each(vocabulary_of_block, calls, label)
    items = _items(out, known, rules.selection, catalogue)
    reports = workers.each(
        group_block, [(each.name, events, rules, out, workers.memory) for each in known], label
    )
    for each, report in zip(known, reports, strict=True):
        if (each.rows, each.n_users) != (report.rows, report.n_users):
            raise ContractError(
                f"block {each.name} grouped {report.rows:,} events of {report.n_users:,} users; {each.rows:,} of "
                f"{each.n_users:,} were selected"
            )
    clear(out)
    add_up_timelines(out, names_of(n_blocks), len(items))
    shutil.rmtree(out / NOBODY)
    listed = _listed(reports[:-1], len(items))
    write_json(out / BLOCKS_FILE, listed.model_dump(mode="json"))
    counts = {"events": sum(each.rows for each in known), "anonymous_events": known[-1].rows}
    return listed, items, counts


def _measured(rules: Rules, events: Path, names: Sequence[str], out: Path, workers: Workers) -> Rules:
    """Rules with numbers in the place of what is taken over all events."""
    selection = limited(events, names, rules.selection, out, workers)
    scales = scales_of_blocks(events, names, selection, rules.feedback, out, workers)
    return replace(rules, selection=selection, scales=scales)


def _items(
    out: Path, known: Sequence[BlockVocabulary], selection: Selection, catalogue: Path | None
) -> Vocabulary:
    """Write the items of all blocks, and remove what was known of each."""
    paths = [out / VOCABULARIES / f"{each.name}.parquet" for each in known]
    ids = pa.concat_tables([pq.read_table(path) for path in paths]).column(ITEM_ID)
    items = Vocabulary.from_ids(ITEM_ID, ids)
    for name, size in ((USER_ID, sum(each.n_users for each in known)), (ITEM_ID, len(items))):
        if size < 2:
            raise ContractError(
                f"the training side ({described(selection)}) holds {size} different {name}; at least 2 are needed"
            )
    if catalogue is not None:
        items = items.with_catalogue(pq.read_table(catalogue, columns=[ITEM_ID]).column(0))
    check_facts("vocabulary", vocabulary_facts(items))
    items.save(out / ITEMS_FILE)
    for path in paths:
        path.unlink()
    (out / VOCABULARIES).rmdir()
    return items


def _listed(reports: Sequence[BlockReport], n_items: int) -> GroupedBlocks:
    blocks, first = [], 0
    for each in reports:
        blocks.append(
            Block(
                name=each.name,
                first_user=first,
                n_users=each.n_users,
                nnz=each.nnz,
                weight_sum=each.weight_sum,
                sha256=each.sha256,
            )
        )
        first += each.n_users
    return GroupedBlocks(
        n_users=first,
        n_items=n_items,
        nnz=sum(each.nnz for each in reports),
        weight_sum=float(np.sum([each.weight_sum for each in reports])),
        blocks=tuple(blocks),
    )
