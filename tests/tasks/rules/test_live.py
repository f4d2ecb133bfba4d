import os
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.errors import ConfigurationError, DamagedError
from data_contracts.rules_section import RulesSection
from data_contracts.shop_rules import ItemIdForm, ListedFile, ShopRules
from tasks.rules.live import LiveRules, WithdrawnFile, forbidden_now

FORM = ItemIdForm(strip=True, upper=False, integer=False, decimal=".", null_values=())
IDS = [f"i{at}" for at in range(6)]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rules(path=None, **section):
    file = None if path is None else ListedFile(path=str(path), sha256="")
    return ShopRules(
        section=RulesSection(**section),
        separators={},
        true_values=(),
        false_values=(),
        timezone="UTC",
        ids=FORM,
        withdrawn=file,
    )


def table(**columns):
    return pa.table({"item_id": pa.array(IDS, pa.large_string()), **columns})


def write(path, ids, tick):
    path.write_text("\n".join(ids))
    os.utime(path, ns=(tick, tick))


@given(st.lists(st.sets(st.sampled_from(IDS)), min_size=1, max_size=4), st.permutations(IDS))
def test_shown__never_a_withdrawn_item(tmp_path_factory, states, ranked):
    path = tmp_path_factory.mktemp("live") / "gone.txt"
    write(path, [], 0)
    live = LiveRules(rules(path, exclude_items=["i0"]), table())

    for tick, gone in enumerate(states, 1):
        write(path, sorted(gone), tick)
        assert live.shown(ranked, NOW) == [each for each in ranked if each not in gone and each != "i0"]


def test_withdrawn__is_read_again_when_it_was_written_and_kept_while_it_is_gone(tmp_path):
    path = tmp_path / "gone.txt"
    write(path, ["i1"], 1)
    file = WithdrawnFile(path, FORM)

    assert file.ids() is file.ids()
    path.unlink()
    assert file.ids() == {"i1"}
    write(path, ["i2"], 2)
    assert file.ids() == {"i2"}


def test_withdrawn__that_was_never_there_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match=r"gone\.txt cannot be read"):
        WithdrawnFile(tmp_path / "gone.txt", FORM).ids()


def test_forbidden_now__goes_by_the_moment():
    until = table(z=pa.array([NOW, None, None, None, None, None], pa.timestamp("us", tz="UTC")))
    given = rules(available_until="z", min_support=100)

    assert np.flatnonzero(forbidden_now(given, until, NOW)).tolist() == [0]
    assert not forbidden_now(given, until, NOW.replace(hour=11)).any()
    with pytest.raises(ValueError, match="has no time zone"):
        forbidden_now(given, until, NOW.replace(tzinfo=None))


def test_live_rules__are_those_of_the_folder_in_the_order_of_the_codes(tmp_path):
    assert LiveRules.of(tmp_path) is None
    (tmp_path / "rules.json").write_text(rules(available="x").model_dump_json())
    pq.write_table(pa.table({"item_id": ["b", "a", "new"]}), tmp_path / "items.parquet")
    pq.write_table(pa.table({"item_id": ["a", "b"], "x": ["no", "yes"]}), tmp_path / "titles.parquet")

    live = LiveRules.of(tmp_path)

    assert live.forbidden(NOW).tolist() == [False, True, False]
    assert live.shown(["a", "b", "unknown"], NOW) == ["b"]
    (tmp_path / "rules.json").write_text("{}")
    with pytest.raises(DamagedError, match=r"rules.json is damaged"):
        LiveRules.of(tmp_path)
