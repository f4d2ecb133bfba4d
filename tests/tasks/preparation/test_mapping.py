import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_log import ROWS, day, write_events

from data_contracts.errors import ContractError
from data_contracts.identifiers import Vocabulary
from data_contracts.selection import Selection
from tasks.preparation.mapping import make_vocabularies
from tasks.preparation.select_events import ITEMS_FILE, USERS_FILE, load_codes


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


def test_make_vocabularies__give_items_of_the_catalogue_codes_after_those_with_events(tmp_path):
    events = write_events(tmp_path / "events.parquet")
    # "99" has an event after the window: in the window it is like one without any.
    pq.write_table(pa.table({"item_id": ["01", "11", "99"]}), tmp_path / "catalogue.parquet")
    _, items = make_vocabularies(
        events, Selection(end=day(8)), tmp_path, catalogue=tmp_path / "catalogue.parquet"
    )

    assert items.ids.to_pylist() == ["10", "11", "12", "13", "01", "99"]
    assert items.catalogue == 2


def test_load_codes__are_the_places_in_a_vocabulary_of_two_parts(tmp_path):
    items = Vocabulary.from_ids("item_id", ["b", "c"]).with_catalogue(pa.array(["d", "a"]))
    items.save(tmp_path / ITEMS_FILE)
    Vocabulary.from_ids("user_id", ["u"]).save(tmp_path / USERS_FILE)
    with duckdb.connect() as connection:
        assert load_codes(connection, tmp_path) == (1, 4)
        found = connection.execute("SELECT item_id, code FROM items").fetchall()

    assert dict(found) == {item_id: code for code, item_id in enumerate(items.ids.to_pylist())}
