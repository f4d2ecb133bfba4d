import pytest
from tiny_log import ROWS, day, write_events

from data_contracts.errors import ContractError
from data_contracts.selection import Selection
from tasks.preparation.mapping import make_vocabularies


def test_make_vocabularies__see_the_window_only(tmp_path):
    events = write_events(tmp_path / "events.parquet")
    users, items = make_vocabularies(events, Selection(end=day(8)), tmp_path)

    assert users.ids.to_pylist() == ["u-a", "u-b"]
    assert items.ids.to_pylist() == ["10", "11", "12", "13"]


@pytest.mark.parametrize(("position", "name"), [(0, "user_id"), (1, "item_id")])
def test_make_vocabularies__refuse_a_single_user_or_item(tmp_path, position, name):
    rows = [tuple("same" if at == position else value for at, value in enumerate(row)) for row in ROWS]
    events = write_events(tmp_path / "events.parquet", rows)

    with pytest.raises(ContractError, match=f"holds 1 different {name}; at least 2 are needed"):
        make_vocabularies(events, Selection(), tmp_path)


def test_make_vocabularies__refuse_a_day_before_the_data(tmp_path):
    events = write_events(tmp_path / "events.parquet")

    with pytest.raises(ContractError, match="holds 0 different user_id"):
        make_vocabularies(events, Selection(end=day(-5)), tmp_path)
