import duckdb
import pytest
from tiny_log import ROWS, day, write_events

from data_contracts.selection import Selection
from tasks.preparation.select_events import select_events


def chosen(tmp_path, selection, rows=ROWS, *, times=True):
    path = write_events(tmp_path / "events.parquet", rows, times=times)
    with duckdb.connect() as connection:
        select_events(connection, path, selection)
        return [row[0] for row in connection.execute("SELECT event_row FROM events ORDER BY 1").fetchall()]


def test_selection__bounds_are_from_and_before(tmp_path):
    assert chosen(tmp_path, Selection()) == list(range(len(ROWS)))
    assert chosen(tmp_path, Selection(end=day(4))) == [0, 1, 2, 3, 4]
    assert chosen(tmp_path, Selection(start=day(8), end=day(9))) == [6, 7, 8]


def test_selection__threshold_leaves_low_values_out(tmp_path):
    assert chosen(tmp_path, Selection(threshold=3.0)) == [2, 4, 5]


def test_leave_last__holds_out_the_last_events_of_each_user(tmp_path):
    held = Selection(split="leave_last", part="holdout", leave_last_n=1)

    # u-c has one event only, and keeps it; rows without a user are always trained on.
    assert chosen(tmp_path, held) == [4, 9]


@pytest.mark.parametrize("split", ["leave_last", "random"])
@pytest.mark.parametrize("times", [True, False])
def test_split__parts_are_disjoint_and_complete(tmp_path, split, times):
    if split == "leave_last" and not times:
        pytest.skip("leave_last needs times")
    parts = [
        chosen(
            tmp_path, Selection(split=split, part=part, leave_last_n=2, random_share=0.4, seed=3), times=times
        )
        for part in ("train", "holdout")
    ]

    assert sorted(parts[0] + parts[1]) == list(range(len(ROWS)))
    assert parts[1]


def test_random_split__depends_on_the_seed_and_not_on_the_order_of_rows(tmp_path):
    many = [(f"u{n % 7}", str(n), 0, 1.0, None) for n in range(70)]

    def held_items(seed, rows):
        picked = chosen(
            tmp_path, Selection(split="random", part="holdout", random_share=0.3, seed=seed), rows
        )
        return {rows[at][1] for at in picked}

    assert held_items(1, many) == held_items(1, many[::-1])
    assert held_items(1, many) != held_items(2, many)
    assert len(held_items(1, many)) == 7 * 3


@pytest.mark.parametrize("split", ["leave_last", "random"])
def test_within__divides_the_training_side_again(tmp_path, split):
    many = [(f"u{n % 3}", str(n), n // 10, 1.0, None) for n in range(60)]

    def rows(**given):
        return set(chosen(tmp_path, Selection(split=split, leave_last_n=2, **given), many))

    outer, train = rows(part="holdout"), rows(part="train")
    for depth in (1, 2):
        held, left = rows(part="holdout", within=depth), rows(part="train", within=depth)

        assert held
        assert not held & outer
        assert (held | left, held & left) == (train, set())
        train = left


BASKETS = [
    # user, item, day, value, basket
    ("u-a", "1", 0, 5.0, "A1"),
    ("u-a", "2", 3, 1.0, "A2"),
    ("u-a", "3", 3, 5.0, "A2"),
    ("u-a", "4", 5, 5.0, None),
    ("u-b", "1", 2, 5.0, "B1"),
    ("u-c", "1", 1, 5.0, "C2"),
    ("u-c", "2", 1, 5.0, "C1"),
    ("u-c", "1", 1, 5.0, "C2"),
    (None, "9", 9, 5.0, "D1"),
    (None, "9", 9, 5.0, "D2"),
]


def test_leave_last_basket__holds_out_the_whole_last_basket_of_users_who_have_two(tmp_path):
    held = Selection(split="leave_last_basket", part="holdout")

    # Of one time the basket with the later id; rows without a basket or a user are trained on.
    assert chosen(tmp_path, held, BASKETS) == [1, 2, 5, 7]
    assert chosen(tmp_path, held.model_copy(update={"part": "train"}), BASKETS) == [0, 3, 4, 6, 8, 9]


def test_leave_last_basket__within_goes_back_basket_by_basket(tmp_path):
    rows = [("u-a", str(n), n // 2, 1.0, f"A{n // 2}") for n in range(8)]

    for depth in range(3):
        held = Selection(split="leave_last_basket", part="holdout", within=depth)
        assert chosen(tmp_path, held, rows) == [6 - 2 * depth, 7 - 2 * depth]
    assert chosen(tmp_path, held.model_copy(update={"within": 3}), rows) == []


def every(tmp_path, selection, rows):
    path = write_events(tmp_path / "events.parquet", rows)
    with duckdb.connect() as connection:
        select_events(connection, path, selection, everything=True)
        return [row[0] for row in connection.execute("SELECT event_row FROM events ORDER BY 1").fetchall()]


@pytest.mark.parametrize("split", ["leave_last", "leave_last_basket", "random"])
@pytest.mark.parametrize("part", ["train", "holdout"])
def test_everything__adds_to_each_side_without_moving_the_cut(tmp_path, split, part):
    rows = [(f"u{n % 3}", str(n), n // 6, float(1 + n % 5), f"B{n // 6}-{n % 3}") for n in range(90)]
    selection = Selection(start=day(4), end=day(13), threshold=4.0, split=split, part=part, random_share=0.4)

    some, whole = chosen(tmp_path, selection, rows), every(tmp_path, selection, rows)
    more = {at for at in whole if at not in some}

    assert set(some) < set(whole)
    assert all(rows[at][2] < 4 or rows[at][3] < 4.0 for at in more)
    assert all(rows[at][2] >= 4 for at in whole) is (part == "holdout")
    other = selection.model_copy(update={"part": "train" if part == "holdout" else "holdout"})
    assert not set(whole) & set(every(tmp_path, other, rows))


def test_everything__what_is_older_than_the_cut_is_on_the_training_side(tmp_path):
    rows = [("u-a", str(n), n, value, "X") for n, value in enumerate([5.0, 1.0, 5.0, 2.0, 5.0, 1.0])]
    selection = Selection(threshold=4.0, split="leave_last", part="train")

    assert every(tmp_path, selection, rows) == [0, 1, 2, 3]
    assert every(tmp_path, selection.model_copy(update={"part": "holdout"}), rows) == [4, 5]


def test_everything__of_a_selection_by_time_is_the_whole_past(tmp_path):
    selection = Selection(start=day(3), end=day(8), threshold=4.0)

    assert chosen(tmp_path, selection) == [4]
    assert every(tmp_path, selection, ROWS) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("split", ["leave_last", "random"])
@pytest.mark.parametrize("within", [0, 1])
def test_ratings__are_on_one_side_of_the_cut_only(tmp_path, split, within):
    from tasks.preparation.ratings import select_rated

    rows = [(f"u{n % 4}", str(n), n // 4, float(1 + n * 7 % 5), None) for n in range(80)]
    path = write_events(tmp_path / "events.parquet", rows)
    train = Selection(start=day(3), end=day(18), threshold=4.0, split=split, leave_last_n=2, within=within)
    with duckdb.connect() as connection:
        select_rated(connection, path, train)
        rated = {row[0] for row in connection.execute("SELECT event_row FROM events").fetchall()}

    held = set(every(tmp_path, train.model_copy(update={"part": "holdout"}), rows))

    assert held
    assert not rated & held
    assert set(chosen(tmp_path, train, rows)) < rated
    assert all(3 <= rows[at][2] < 18 for at in rated)
    if not within:
        assert len(rated | held) == sum(3 <= row[2] < 18 for row in rows)
