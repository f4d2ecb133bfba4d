"""A user's events of a day are limited where training selects them, and what that leaves out is counted."""

import numpy as np
import pytest
from tiny_log import day, write_events

from data_contracts.dataset import DatasetSpec
from data_contracts.selection import Selection
from tasks.preparation.caps import cap_warnings, count_capped
from tasks.preparation.mapping import make_vocabularies
from tasks.preparation.seen import remember
from tasks.preparation.select_events import select_events
from tasks.preparation.splitting import windows
from tasks.runtime import duckdb_engine

#: A program with six events on each of two days, three people with one or two, and rows of nobody.
ROWS = [
    *[("bot", f"{n:02d}", n % 2, 1.0, None) for n in range(12)],
    *[("u-a", "00", 0, 1.0, None), ("u-a", "01", 0, 1.0, None), ("u-b", "02", 1, 1.0, None)],
    ("u-c", "03", 0, 1.0, None),
    *[(None, "04", 0, 1.0, None)] * 3,
]
AT_MOST_TWO = Selection(end=day(5), max_events_per_user=2)


def chosen(tmp_path, selection, rows=ROWS):
    path = write_events(tmp_path / "events.parquet", rows)
    with duckdb_engine.connect(tmp_path) as connection:
        select_events(connection, path, selection)
        return sorted(
            connection.execute("SELECT user_id, item_id FROM events ORDER BY ALL").fetchall(), key=str
        )


# Per user and day there are 1, 1, 2, 6 and 6 events.
@pytest.mark.parametrize(
    ("selection", "of_the_bot"),
    [
        (AT_MOST_TWO, ["00", "01", "02", "03"]),
        (Selection(max_events_per_user=2), ["00", "01", "02", "03"]),
        (Selection(end=day(5), max_events_quantile=0.3), ["00", "01"]),
        (Selection(end=day(5), max_events_quantile=0.9, max_events_per_user=1), ["00", "01"]),
    ],
)
def test_cap__keeps_the_earliest_of_a_day_and_all_rows_of_nobody(tmp_path, selection, of_the_bot):
    found = chosen(tmp_path, selection)

    assert [item for user, item in found if user == "bot"] == of_the_bot
    assert [item for user, item in found if user is None] == ["04"] * 3
    assert {user for user, _ in found} == {"bot", "u-a", "u-b", "u-c", None}


def test_cap__does_not_depend_on_the_order_of_the_rows(tmp_path):
    assert chosen(tmp_path, AT_MOST_TWO) == chosen(tmp_path, AT_MOST_TWO, ROWS[::-1])


def test_cap__what_is_left_out_is_counted_and_said(tmp_path):
    path = write_events(tmp_path / "events.parquet", ROWS)

    counts = count_capped(path, AT_MOST_TWO, tmp_path)

    assert counts == {"capped_events": 8, "capped_users": 1, "events_per_user_and_day": 2}
    assert len(chosen(tmp_path, AT_MOST_TWO)) + counts["capped_events"] == len(ROWS)
    (warning,) = cap_warnings(counts)
    assert "8 accepted events of 1 users are not trained on" in warning
    assert count_capped(path, Selection(end=day(5)), tmp_path) == {}
    assert cap_warnings(count_capped(path, Selection(end=day(5), max_events_per_user=6), tmp_path)) == []


def test_cap__what_is_left_out_was_had_all_the_same(tmp_path):
    path = write_events(tmp_path / "events.parquet", ROWS)
    users, items = make_vocabularies(path, AT_MOST_TWO, tmp_path)
    users.save(tmp_path / "users.parquet")
    items.save(tmp_path / "items.parquet")

    remember(path, tmp_path, tmp_path, AT_MOST_TWO, tmp_path)

    indptr = np.load(tmp_path / "seen_indptr.npy")
    bot = users.ids.to_pylist().index("bot")
    assert indptr[bot + 1] - indptr[bot] == len(items) == 5


@pytest.mark.parametrize("split", ["time", "leave_last"])
def test_windows__limit_training_and_never_the_holdout(split):
    spec = DatasetSpec.load("sample")
    cleaning = spec.cleaning.model_copy(update={"max_events_per_user": 7})
    window = spec.window.model_copy(update={"split": split})
    made = windows(spec.model_copy(update={"cleaning": cleaning, "window": window}), day(9).date(), 0)

    assert [part.is_capped for part in made] == [True, False, True]
