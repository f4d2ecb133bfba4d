import pyarrow.parquet as pq
import pytest
from tiny_log import day, write_events

from data_contracts.selection import Selection
from tasks.preparation.holdout import map_holdout
from tasks.preparation.mapping import make_vocabularies
from tasks.preparation.seen import FORMER_USERS, is_needed, remember

#: user, item, day, value, basket
LOG = [
    ("old", "1", 0, 5.0, None),
    ("old", "2", 0, 1.0, None),
    ("gone", "3", 1, 5.0, None),
    ("cold", "1", 6, 1.0, None),
    ("warm", "1", 2, 5.0, None),
    ("warm", "2", 5, 5.0, None),
    ("warm", "3", 5, 1.0, None),
    ("also", "3", 5, 5.0, None),
    ("old", "3", 8, 5.0, None),
    ("warm", "1", 8, 5.0, None),
    ("cold", "2", 8, 5.0, None),
    ("new", "2", 8, 5.0, None),
]
TRAIN = Selection(start=day(4), end=day(7), threshold=4.0)


@pytest.fixture
def folder(tmp_path):
    events = write_events(tmp_path / "events.parquet", LOG)
    users, items = make_vocabularies(events, TRAIN, tmp_path)
    users.save(tmp_path / "users.parquet")
    items.save(tmp_path / "items.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("selection", "needed"),
    [
        (Selection(end=day(7)), False),
        (Selection(split="leave_last"), False),
        (Selection(start=day(4)), True),
        (Selection(threshold=4.0), True),
    ],
)
def test_is_needed__only_where_the_matrix_lacks_some_of_the_past(selection, needed):
    assert is_needed(selection) is needed


def test_remember__is_the_whole_past_up_to_the_cut(folder):
    import numpy as np

    facts = remember(folder / "events.parquet", folder, folder, TRAIN, folder)

    users = pq.read_table(folder / "users.parquet").column(0).to_pylist()
    items = pq.read_table(folder / "items.parquet").column(0).to_pylist()
    former = pq.read_table(folder / FORMER_USERS).column(0).to_pylist()
    indptr, indices = np.load(folder / "seen_indptr.npy"), np.load(folder / "seen_indices.npy")
    had = {
        user: {items[code] for code in indices[indptr[row] : indptr[row + 1]]}
        for row, user in enumerate([*users, *former])
    }
    assert (users, items, former) == (["also", "warm"], ["2", "3"], ["cold", "gone", "old"])
    # Item 1 is not in the window's vocabulary, so no list can hold it.
    assert had == {"also": {"3"}, "warm": {"2", "3"}, "cold": set(), "gone": {"3"}, "old": {"2"}}
    assert facts == {"n_users": 2, "n_former_users": 3, "n_items": 2, "pairs": 5}


def test_map_holdout__knows_the_past_of_users_whom_the_vocabulary_lacks(folder):
    remember(folder / "events.parquet", folder, folder, TRAIN, folder)
    held = Selection(start=day(7), end=day(9), threshold=4.0)

    found = map_holdout(folder / "events.parquet", folder, held, baskets=False, scratch=folder, past=folder)

    # warm is known; cold and old had something before; new is new. By id among themselves.
    assert found.user_codes.tolist() == [1, -1, -1, -1]
    assert found.past.tolist() == [1, 2, -1, 4]
