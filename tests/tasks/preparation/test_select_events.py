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
