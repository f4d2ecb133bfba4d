"""Tables of ids: the rows do not depend on how lists are cut into blocks."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from holdouts import csr
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import GroupedMatrix
from data_contracts.predictions import PREDICTIONS_SCHEMA, SIMILAR_SCHEMA, USERS_PER_ITEM_SCHEMA
from tasks.numeric.list_limits import ListLimits
from tasks.numeric.ranking import target
from tasks.numeric.scorers import Factors
from tasks.prediction import tables
from tasks.prediction.tables import ListLengths, count_forbidden, predict, rows_by_item, write_table
from tasks.preparation.seen import Seen

N_USERS, N_ITEMS = 9, 7


def vocabulary(name, letter, n):
    return Vocabulary(name, pa.array([f"{letter}{at:02}" for at in range(n)], pa.large_string()))


USERS, ITEMS = vocabulary("user_id", "u", N_USERS), vocabulary("item_id", "i", N_ITEMS)


@pytest.fixture
def scorer(rng):
    return Factors(*(rng.normal(size=(n, 3)).astype(np.float32) for n in (N_USERS, N_ITEMS)))


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(tables, "BLOCK_USERS", 2)
    monkeypatch.setattr(tables, "BLOCK_ITEMS", 2)


def by_item(scorer):
    return [
        pa.concat_tables(rows_by_item(USERS_PER_ITEM_SCHEMA, ITEMS, USERS, target(scorer, None, 3), "wals")),
        pa.concat_tables(rows_by_item(SIMILAR_SCHEMA, ITEMS, ITEMS, short_lists(), None)),
    ]


def short_lists():
    codes = np.full((N_ITEMS, 2), -1, np.int32)
    codes[::2, 0] = 1
    return codes, np.where(codes >= 0, 0.5, -np.inf)


def test_rows_by_item__says_what_the_lists_say(scorer):
    (rows, similar), (users, scores) = by_item(scorer), target(scorer, None, 3)

    assert rows["item_id"].to_pylist() == [each for each in ITEMS.ids.to_pylist() for _ in range(3)]
    assert rows["rank"].to_pylist() == [1, 2, 3] * N_ITEMS
    assert rows["user_id"].to_pylist() == [f"u{code:02}" for code in users.ravel()]
    assert rows["score"].to_pylist() == scores.ravel().tolist()
    assert set(rows["model"].to_pylist()) == {"wals"}
    assert similar["item_id"].to_pylist() == ["i00", "i02", "i04", "i06"]
    assert set(similar["similar_item_id"].to_pylist()) == {"i01"}


def test_rows_by_item__does_not_depend_on_the_blocks(scorer, request):
    whole = by_item(scorer)
    request.getfixturevalue("small_blocks")
    blocks = list(rows_by_item(USERS_PER_ITEM_SCHEMA, ITEMS, USERS, target(scorer, None, 3), "wals"))

    assert [len(block) for block in blocks] == [6, 6, 6, 3]
    assert by_item(scorer) == whole


def test_predict__does_not_depend_on_the_blocks_and_gives_the_unknown_the_cold_start_list(scorer, request):
    everyone = pa.array(["a", *USERS.ids.to_pylist(), "z"], pa.large_string())
    cold = np.array([0, 0, 0.8, 0, 0.9, 0, 0])

    def rows():
        counts = ListLengths()
        made = predict(
            everyone,
            USERS,
            ITEMS,
            scorer,
            cold,
            k=2,
            seen=None,
            allow=None,
            names=("wals", "popularity"),
            counts=counts,
        )
        table = pa.concat_tables(each.table(ITEMS) for each in made)
        assert (counts.possible, counts.short) == (N_USERS + 2, 0)
        return table

    whole = rows()
    request.getfixturevalue("small_blocks")

    assert rows() == whole
    assert whole.schema == PREDICTIONS_SCHEMA
    assert whole["item_id"].to_pylist()[:2] == whole["item_id"].to_pylist()[-2:] == ["i04", "i02"]
    assert whole["model"].to_pylist() == ["popularity"] * 2 + ["wals"] * 2 * N_USERS + ["popularity"] * 2


def test_write_table__a_row_group_for_each_block(scorer, small_blocks, tmp_path):
    blocks = rows_by_item(USERS_PER_ITEM_SCHEMA, ITEMS, USERS, target(scorer, None, 3), "wals")

    assert write_table(tmp_path / "t.parquet", USERS_PER_ITEM_SCHEMA, blocks) == 3 * N_ITEMS
    assert pq.read_metadata(tmp_path / "t.parquet").num_row_groups == 4


def test_count_forbidden__counts_rows_that_show_what_the_user_had(tmp_path):
    import scipy.sparse as sp

    had = sp.csr_array((np.ones(2, np.float32), ([0, 1], [3, 4])), shape=(N_USERS, N_ITEMS))
    shown = {"user_id": ["u00", "u00", "u01", "unknown"], "item_id": ["i03", "i04", "i04", "i03"]}
    pq.write_table(pa.table(shown), tmp_path / "p.parquet")

    seen = Seen(GroupedMatrix.from_csr(had).by_user, Vocabulary.from_ids("user_id", []))
    assert count_forbidden(tmp_path / "p.parquet", USERS, ITEMS, seen) == 2


def test_predict__nobody_gets_what_he_ever_had_and_what_is_left_makes_a_whole_list(scorer):
    # Two users of the vocabulary had five and all items; somebody whom it lacks had the bestseller long ago.
    rows = [[0, 1, 2, 3, 4], list(range(N_ITEMS)), *[[]] * (N_USERS - 2), [4]]
    seen = Seen(csr(rows, N_ITEMS), Vocabulary.from_ids("user_id", ["former"]))
    everyone = pa.array(["former", *USERS.ids.to_pylist(), "z"], pa.large_string())
    cold, counts = np.array([0, 0.1, 0.8, 0, 0.9, 0, 0]), ListLengths()

    tables = predict(
        everyone, USERS, ITEMS, scorer, cold, k=3, seen=seen, allow=None, names=("wals", "pop"), counts=counts
    )  # fmt: skip
    lists = {}
    for row in pa.concat_tables(each.table(ITEMS) for each in tables).to_pylist():
        lists.setdefault(row["user_id"], []).append(row["item_id"])

    assert set(lists["u00"]) == {"i05", "i06"}
    assert "u01" not in lists
    assert lists["former"] == ["i02", "i01", "i00"]
    assert lists["z"] == ["i04", "i02", "i01"]
    assert (counts.possible, counts.short) == (N_USERS + 1, 0)


@given(
    st.sets(st.integers(0, N_ITEMS - 1)),
    st.lists(st.sets(st.integers(0, N_ITEMS - 1)), min_size=N_USERS + 1, max_size=N_USERS + 1),
)
def test_predict__never_shows_what_is_withdrawn_or_blocked(withdrawn, blocked):
    made = np.random.default_rng(1)
    scorer = Factors(*(made.normal(size=(n, 3)).astype(np.float32) for n in (N_USERS, N_ITEMS)))
    allow = ~np.isin(np.arange(N_ITEMS), sorted(withdrawn))
    barred = Seen(csr(blocked, N_ITEMS), Vocabulary.from_ids("user_id", ["former"]))
    limits = ListLimits(
        csr([[0], [0], [0], [1], [], [], [1]], 2), np.full(2, 2, np.int32), np.zeros(2, np.int32)
    )
    everyone = ["former", *USERS.ids.to_pylist(), "z"]
    cold, counts = np.where(allow, np.arange(N_ITEMS), -np.inf), ListLengths()

    blocks = list(
        predict(
            pa.array(everyone, pa.large_string()), USERS, ITEMS, scorer, cold, k=2, reserve=1, seen=barred,
            allow=allow, names=("wals", "pop"), counts=counts, limits=limits,
        )
    )  # fmt: skip

    rows = [row for block in blocks for row in block.lists[0].tolist()]
    never = [blocked[-1], *blocked[:-1], set()]
    assert len(rows) == len(everyone)
    for items, bars in zip(rows, never, strict=True):
        shown = [item for item in items if item >= 0]
        possible = set(range(N_ITEMS)) - withdrawn - bars
        assert set(shown) <= possible
        assert len(shown[:2]) == min(2, len(possible))
    assert counts.short == 0
