"""What users of each block took after the cut-off, of the items that are known: scored where the block lies."""

from pathlib import Path

import numpy as np

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.errors import ContractError
from data_contracts.selection import Selection
from tasks.cluster.by_user import names_of
from tasks.cluster.calls import Workers
from tasks.cluster.grouping import linked_vocabulary
from tasks.cluster.workplace import attempt, clear, engine
from tasks.preparation.refusals import described
from tasks.preparation.select_events import load_codes, select_events
from tasks.runtime.duckdb_engine import arrays, number


def hold_out_block(name: str, events: Path, selection: Selection, out: Path, memory: str) -> tuple[int, int]:
    """Write which known items each user of a block has in the hold-out. Called on a worker.

    Returns
    -------
    Held-out pairs of known users, and held-out users whom the block lacks.

    """
    with attempt(out) as place, engine(place, memory) as connection:
        select_events(connection, events / f"{name}.parquet", selection)
        n_users, _ = load_codes(connection, linked_vocabulary(place, out, name))
        users, items = arrays(
            connection,
            f"""SELECT u.code::BIGINT, i.code::INT FROM (SELECT DISTINCT {USER_ID}, {ITEM_ID} FROM events)
            JOIN users u USING ({USER_ID}) JOIN items i USING ({ITEM_ID}) ORDER BY ALL""",
        )
        cold = number(
            connection, f"SELECT count(DISTINCT {USER_ID}) FROM events ANTI JOIN users USING ({USER_ID})"
        )
        indptr = np.concatenate(([0], np.cumsum(np.bincount(users, minlength=n_users)))).astype(np.int64)
        for part, array in (("indptr", indptr), ("indices", items.astype(np.int32))):
            with (place.out / part).open("wb") as file:
                np.save(file, array)
            place.keep(part, out / name / f"holdout_{part}.npy")
        return len(items), cold


def hold_out_rows(
    events: Path, n_blocks: int, out: Path, workers: Workers, selection: Selection, label: str = ""
) -> tuple[int, int]:
    """Write the hold-out of all blocks: ``b=NNN/holdout_indptr.npy`` and ``holdout_indices.npy``, a row for each user.

    Parameters
    ----------
    events
        Folder of the rows divided by user.
    n_blocks
        How many blocks there are.
    out
        Folder of the grouped blocks, whose users and items are the known ones.
    workers
        Who does it.
    selection
        What is held out.
    label
        Of the step.

    Returns
    -------
    Held-out pairs of known users and items, and held-out users whom no block has.

    Raises
    ------
    ContractError
        If there is no such pair.

    """
    calls = [(name, events, selection, out, workers.memory) for name in names_of(n_blocks)[:-1]]
    found = workers.each(hold_out_block, calls, label)
    clear(out)
    pairs, cold = (sum(each[at] for each in found) for at in (0, 1))
    if not pairs:
        raise ContractError(
            f"the hold-out ({described(selection)}) has no event of a known user and a known item"
        )
    return pairs, cold
