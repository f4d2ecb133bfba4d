import csv

import pytest

from data_contracts.dataset import DatasetSpec
from tasks.ingestion.pipeline import ingest
from tasks.sources.sample import HEADER, UNREADABLE_LINES, ensure_sample, write_sample
from tasks.sources.sample_catalogue import CATEGORIES


def test_write_sample__same_arguments_same_bytes(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_sample(tmp_path / name, n_users=50, n_items=90, n_rows=2000, seed=seed)
    first, second, third = ((tmp_path / name).read_bytes() for name in "abc")

    assert first == second
    assert first != third


def test_write_sample__has_the_rows_asked_for(tmp_path):
    path = tmp_path / "sample.csv"
    write_sample(path, n_users=50, n_items=90, n_rows=3000, seed=1)
    content = path.read_bytes()

    assert content.startswith(",".join(HEADER).encode() + b"\n")
    assert all(line in content for line in UNREADABLE_LINES)
    assert content.count(b"\n") == 3001
    rows = list(csv.reader(content.decode("latin-1").splitlines()))
    assert sum(len(row) != len(HEADER) for row in rows) == 2


def test_write_sample__the_shop_passes_its_own_contract_with_every_kind_of_dirt(tmp_path):
    path, spec = tmp_path / "sample.csv", DatasetSpec.load("sample")
    write_sample(path, n_users=400, n_items=300, n_rows=20_000, seed=1)

    facts = ingest(spec, path, tmp_path, scratch=tmp_path)

    assert set(facts["rejected"]) == {
        *("missing_item", "cancellation", "unreadable_quantity", "write_off", "no_price", "no_product"),
        *("exact_duplicate", "unreadable_time", "outside_period"),
        *("missing_columns", "too_many_columns", "invalid_encoding"),
    }
    assert set(facts["counted"]) == {"anonymous", "lower_case_code", "stray_spaces"}
    assert facts["normalised"]["stripped"] > 0
    assert 0.05 < facts["anonymous"] / facts["rows_accepted"] < 0.25
    assert facts["last_event_time"] < f"{spec.window.default_as_of}"
    assert facts["described_items"] > 250


def test_write_sample__customers_come_back_for_the_same_items(tmp_path):
    path = tmp_path / "sample.csv"
    write_sample(path, n_users=100, n_items=300, n_rows=10_000, seed=1)
    with path.open(encoding="latin-1", newline="") as file:
        rows = [
            row
            for row in csv.reader(file)
            if len(row) == len(HEADER) and row[7] and not row[0].startswith("C")
        ]
    pairs = [(row[7], row[1]) for row in rows]

    assert len(set(pairs)) < 0.8 * len(pairs)


def test_ensure_sample__writes_once(tmp_path, monkeypatch):
    calls = []

    def small(path):
        calls.append(path)
        write_sample(path, n_users=50, n_items=90, n_rows=1000, seed=1)

    monkeypatch.setattr("tasks.sources.sample.write_sample", small)
    home = tmp_path / "home"

    assert ensure_sample(home) == ensure_sample(home) == home / "sample.csv"
    assert len(calls) == 1
    assert [path.name for path in home.iterdir()] == ["sample.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_items": 29}, f"n_items must be at least {len(CATEGORIES)}, one a category; got 29"),
        ({"n_rows": 999}, "n_rows must be at least 1000"),
        ({"n_users": 0}, "n_users 1; got 200000 and 0"),
    ],
)
def test_write_sample__refuses_too_small_a_shop(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_sample(tmp_path / "sample.csv", **arguments)
