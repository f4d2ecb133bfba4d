from datetime import UTC, date, datetime

import pytest
from tiny_log import day, write_events

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.selection import Selection
from tasks.preparation.holdout import map_holdout
from tasks.preparation.mapping import make_vocabularies
from tasks.preparation.splitting import inner_windows, windows


def spec(**window):
    return DatasetSpec.model_validate(
        {
            "name": "tiny",
            "source": {"path": "x.csv", "timezone": "Europe/London"},
            "columns": {"user": "u", "item": "i", "time": "t", "basket": "b"},
            "window": window,
        }
    )


def test_windows__cut_at_local_midnight_also_across_a_clock_change():
    found = windows(spec(split="time", holdout_days=31, lookback_days=60), date(2011, 11, 9), seed=0)

    assert found.full.start == datetime(2011, 9, 9, 23, tzinfo=UTC)
    assert found.train.end == found.holdout.start == datetime(2011, 10, 8, 23, tzinfo=UTC)
    assert found.holdout.end == found.full.end == datetime(2011, 11, 9, tzinfo=UTC)


def test_windows__a_split_by_time_needs_a_day():
    with pytest.raises(ConfigurationError, match="give an --as-of date"):
        windows(spec(split="time"), None, seed=0)


@pytest.fixture
def holdout(tmp_path):
    events = write_events(tmp_path / "events.parquet")
    for vocabulary, name in zip(
        make_vocabularies(events, Selection(end=day(8)), tmp_path), ("users", "items"), strict=True
    ):
        vocabulary.save(tmp_path / f"{name}.parquet")

    def make(start, end, **options):
        return map_holdout(events, tmp_path, Selection(start=start, end=end), scratch=tmp_path, **options)

    return make


def test_map_holdout__puts_known_users_first_and_counts_items_no_list_can_hold(holdout):
    found = holdout(day(8), day(10), baskets=True)

    assert found.user_codes.tolist() == [0, -1]
    assert found.items.tolist() == [1, 0]
    assert found.indptr.tolist() == [0, 1, 2]
    # u-a took item 99, too, which came after the cut-off
    assert found.n_relevant.tolist() == [2, 1]


def test_map_holdout__keeps_every_row_of_a_basket_and_anonymous_baskets(holdout):
    found = holdout(day(8), day(10), baskets=True)

    # baskets F (u-c, cold), G (u-a, item 11 on two rows), H (nobody)
    assert found.basket_rows.tolist() == [1, 0, -1]
    assert found.basket_indptr.tolist() == [0, 1, 3, 4]
    assert found.basket_items.tolist() == [0, 1, 1, 0]


def test_map_holdout__says_what_to_do_when_nothing_is_held_out(holdout):
    with pytest.raises(ContractError, match="no event with an item known before it: it has no event at all"):
        holdout(day(20), day(30), baskets=True)


def test_inner_windows__end_where_the_hold_out_begins_and_go_back_from_there():
    given = spec(split="time", holdout_days=31, lookback_days=200)
    outer = windows(given, date(2011, 11, 9), seed=0)

    inner = inner_windows(given, date(2011, 11, 9), 0, 3)

    assert inner[0].holdout.end == outer.holdout.start == outer.train.end
    assert [each.holdout.start for each in inner] == [each.train.end for each in inner]
    assert [each.holdout.end for each in inner[1:]] == [each.holdout.start for each in inner[:-1]]
    assert all(each.full.end <= outer.train.end for each in inner)


@pytest.mark.parametrize("split", ["leave_last", "random"])
def test_inner_windows__of_a_split_by_user_lie_in_its_training_side(split):
    inner = inner_windows(spec(split=split), date(2011, 11, 9), 5, 2)

    assert [each.holdout.within for each in inner] == [1, 2]
    assert all(each.train == each.holdout.model_copy(update={"part": "train"}) for each in inner)
    assert all((each.holdout.split, each.holdout.part) == (split, "holdout") for each in inner)


def test_inner_windows__of_a_hold_out_in_a_file_end_with_the_log():
    given = spec(split="file", test_path="later.csv", holdout_days=7)

    inner = inner_windows(given, date(2011, 11, 9), 0, 2)

    assert inner[0].holdout.end == windows(given, date(2011, 11, 9), 0).train.end
    with pytest.raises(ConfigurationError, match="no times to cut at"):
        inner_windows(given, None, 0, 2)
