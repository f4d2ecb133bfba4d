from datetime import date

import pytest

from data_contracts.dataset import DatasetSpec
from tasks.ingestion.task import find_source
from tasks.publication import run_receipts
from tasks.publication.run_receipts import Receipt, find, key_of_run


@pytest.fixture
def source(home, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("Customer,Item\n1,a\n")
    return lambda text="": find_source(
        DatasetSpec.load("sample"), str(path if not text else write(path, text))
    )


def write(path, text):
    path.write_text(text)
    return path


def test_key_of_run__changes_with_all_that_decides_a_run(source, monkeypatch):
    spec, day = DatasetSpec.load("sample"), date(2026, 1, 1)
    gate = spec.model_copy(update={"gate": spec.gate.model_copy(update={"min_coverage": 0.5})})
    log = source()
    keys = {
        key_of_run(spec, [log], day, 0, None),
        key_of_run(spec, [log], date(2026, 1, 2), 0, None),
        key_of_run(spec, [log], day, 1, None),
        key_of_run(gate, [log], day, 0, None),
        key_of_run(spec, [source("Customer,Item\n2,b\n")], day, 0, None),
    }
    assert len(keys) == 5
    before = key_of_run(spec, [log], day, 0, None)
    assert before in keys
    monkeypatch.setattr(run_receipts, "code_hash", lambda *modules: "another version")
    assert key_of_run(spec, [log], day, 0, None) != before


def test_key_of_run__does_not_know_where_the_log_lies(source, tmp_path):
    spec = DatasetSpec.load("sample")
    moved = tmp_path / "moved.csv"
    moved.write_text("Customer,Item\n1,a\n")
    elsewhere = find_source(spec, str(moved))

    assert key_of_run(spec, [source()], None, 0, None) == key_of_run(spec, [elsewhere], None, 0, None)


def test_find__knows_a_run_only_while_its_publication_is_there(home):
    made = Receipt(
        key="k", dataset="shop", as_of=None, run="r", outcome="published", winner="wals", artifacts=()
    )
    made.keep()

    assert find("shop", None, "k") is None  # nothing was published
    made.model_copy(update={"outcome": "rejected"}).keep()
    assert find("shop", None, "k").winner == "wals"
    assert find("shop", None, "other") is None


def test_receipts__a_damaged_one_counts_as_none(home, caplog):
    made = [
        Receipt(key=key, dataset="shop", as_of=None, run="r", outcome="rejected", winner="wals", artifacts=())
        for key in ("a", "b", "c", "d")
    ]
    for each in made:
        each.keep()
    folder = home / "receipts/shop/undated"
    (folder / "a.json").write_text("")
    (folder / "b.json").write_text('{"key": "b"}')
    (folder / "e.json").write_text((folder / "c.json").read_text())

    assert find("shop", None, "a") is None
    assert sorted(each.key for each in run_receipts.every()) == ["c", "d"]
    for name in ("a.json is damaged: it is empty", "b.json is damaged: it is no receipt", "e.json is a copy"):
        assert name in caplog.text
