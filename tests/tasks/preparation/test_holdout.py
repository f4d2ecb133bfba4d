import numpy as np
import pytest
from tiny_log import day, write_events

from data_contracts.selection import Selection
from tasks.preparation import holdout as module
from tasks.preparation.holdout import map_holdout
from tasks.preparation.mapping import make_vocabularies

#: user, item, day, value, basket
LOG = [
    ("a", "1", 0, 5.0, "A"),
    ("b", "2", 1, 3.0, "B"),
    ("b", "1", 2, 5.0, "B"),
    ("a", "3", 3, 5.0, "C"),
    ("a", "9", 9, 4.0, "E"),
    ("a", "3", 8, 5.0, "D"),
    ("a", "2", 8, 1.0, "D"),
    ("a", "1", 8, 2.0, "D"),
    ("a", "1", 9, 3.0, "E"),
    ("c", "2", 8, 4.0, "F"),
    (None, "1", 8, 5.0, "G"),
    ("a", "2", 9, None, "E"),
]
HELD = Selection(start=day(7), end=day(10))


@pytest.fixture
def held(tmp_path):
    def make(selection=HELD, rows=LOG, **options):
        events = write_events(tmp_path / "events.parquet", rows)
        train = Selection(end=day(7))
        for ids, name in zip(make_vocabularies(events, train, tmp_path), ("users", "items"), strict=True):
            ids.save(tmp_path / f"{name}.parquet")
        return map_holdout(events, tmp_path, selection, scratch=tmp_path, **{"baskets": True, **options})

    return make


def test_events__are_in_order_with_their_baskets_and_unknown_items(held):
    events = held().events

    # a (row 0): day 8 items 1, 2, 3; day 9 items 1, 2 and the unknown 9.
    assert events.rows.tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert sorted(events.items[:3].tolist()) == [0, 1, 2]
    assert sorted(events.items[3:6].tolist()) == [-1, 0, 1]
    assert events.baskets.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert events.guessed.tolist() == list(range(7))


def test_events__do_not_depend_on_the_order_of_the_rows(held):
    one, other = held().events, held(rows=LOG[::-1]).events

    assert one.items.tolist() == other.items.tolist()
    assert one.baskets.tolist() == other.baskets.tolist()


def test_events__of_one_moment_are_in_an_order_that_tells_nothing(held):
    known = [(user, item, 1, 1.0, "A") for user in "ab" for item in "123"]
    rows = [(f"u{user}", item, 8, 1.0, f"B{user}") for user in range(300) for item in "123"]

    events = held(rows=known + rows).events

    orders = events.items.reshape(-1, 3)
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert counts.min() > 25


def test_events__a_random_split_has_no_order(held):
    assert held(Selection(split="random", part="holdout", random_share=0.5)).events is None


def test_events__of_many_a_seeded_sample_is_guessed(held, monkeypatch):
    monkeypatch.setattr(module, "MOST_GUESSED", 3)

    guessed = held().events.guessed.tolist()

    assert len(guessed) == 3
    assert guessed == sorted(set(guessed)) == held().events.guessed.tolist()


def test_ratings__are_the_last_of_each_pair_as_given_also_below_the_threshold(held):
    found = held(HELD.model_copy(update={"threshold": 4.0}), ratings=True).ratings

    # a: item 1 twice, the last one counts; item 2 has a missing value after a rating; 9 is unknown. c is cold.
    assert found.user_codes.tolist() == [0, 0, 0, -1]
    assert found.items.tolist() == [0, 1, 2, 1]
    assert found.values.tolist() == [3.0, 1.0, 5.0, 4.0]
    assert found.owners.tolist() == [0, 0, 0, 1]


def test_ratings__are_absent_where_the_log_has_none(held):
    assert held().ratings is None


@pytest.mark.parametrize(
    ("rows", "selection", "said"),
    [
        ([(f"u{n}", str(n % 3), 0, 1.0, None) for n in range(9)], Selection(split="leave_last", part="holdout"), "name the column that stays the same"),
        ([(f"u{n}", str(n % 3), 0, 1.0, None) for n in range(9)], Selection(split="leave_last_basket", part="holdout"), "no user has a second basket"),
        (LOG[:4], Selection(start=day(7), end=day(9)), "it has no event at all, for the log ends at"),
        ([*LOG[:4], ("a", "99", 8, 1.0, None)], HELD, "all of its 1 events are of items that came later"),
        (LOG, Selection(end=day(0)), "leave out --as-of"),
    ],
)  # fmt: skip
def test_map_holdout__says_what_would_help_with_this_split(held, rows, selection, said):
    from data_contracts.errors import ContractError

    with pytest.raises(ContractError, match=said):
        held(selection, rows)


def test_make_vocabularies__says_what_would_help_a_log_of_one_day(tmp_path):
    from data_contracts.errors import ContractError

    events = write_events(tmp_path / "events.parquet", [("a", "1", 0, 1.0, None), ("b", "2", 0, 1.0, None)])

    with pytest.raises(ContractError, match=r"fewer holdout_days .*leave_last"):
        make_vocabularies(events, Selection(end=day(-27)), tmp_path)
    with pytest.raises(ContractError, match=r"holds 0 different user_id; .*lower the threshold"):
        make_vocabularies(events, Selection(threshold=4.0), tmp_path)
