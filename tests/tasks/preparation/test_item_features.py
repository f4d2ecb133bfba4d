import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.column_sections import ItemAttributes
from data_contracts.identifiers import Vocabulary
from tasks.preparation.item_features import open_item_features, split_labels, write_item_features

ATTRIBUTES = ItemAttributes(
    attributes=("maker",), labels={"genres": "|"}, numbers=("price",), dates=("release",)
)
DAY = 86_400_000_000


def _table(path, **columns):
    given = {
        "item_id": ["b", "a", "elsewhere", "d"],
        "title": ["Beta", None, "X", "Delta"],
        "maker": ["m2", "m1", "m9", None],
        "genres": ["Drama|Comedy", " Comedy | | Comedy", "Western", None],
        "price": [2.5, None, 9.0, 0.0],
        **columns,
    }
    release = pa.array([0, -DAY // 2, 5 * DAY, None], pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table({**given, "release": release}), path)
    return path


@pytest.fixture
def features(tmp_path):
    items = Vocabulary.from_ids("item_id", ["a", "b", "c"]).with_catalogue(pa.array(["d"]))
    write_item_features(_table(tmp_path / "items.parquet"), items, ATTRIBUTES, tmp_path)
    return open_item_features(tmp_path)


def test_item_features__follow_item_codes(features):
    nan = np.nan

    features.check(4)
    assert features.titles.to_pylist() == [None, "Beta", None, "Delta"]
    np.testing.assert_array_equal(features.numbers["price"], np.float32([nan, 2.5, nan, 0]))
    np.testing.assert_array_equal(features.dates["release"], [-0.5, 0, nan, nan])
    assert (features.numbers["price"].dtype, features.dates["release"].dtype) == (np.float32, np.float64)


def test_item_features__labels_are_those_of_known_items_each_once(features):
    genres, makers = features.labels["genres"], features.labels["maker"]

    assert genres.names == ("Comedy", "Drama")
    assert genres.by_item.to_scipy().toarray().tolist() == [[1, 0], [1, 1], [0, 0], [0, 0]]
    assert makers.names == ("m1", "m2")
    assert makers.by_item.to_scipy().toarray().tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


def test_item_features__are_mapped_from_their_files(features):
    assert isinstance(features.dates["release"].base, np.memmap)
    assert isinstance(features.labels["genres"].by_item.indices.base, np.memmap)


def test_item_features__a_log_without_titles_has_none(tmp_path):
    table = _table(tmp_path / "items.parquet", title=pa.nulls(4, pa.large_string()))
    write_item_features(table, Vocabulary.from_ids("item_id", ["a", "b"]), ItemAttributes(), tmp_path)
    found = open_item_features(tmp_path)

    assert (found.titles, found.labels, found.numbers, found.dates) == (None, {}, {}, {})


def test_item_features__nothing_described_is_missing_everywhere(tmp_path):
    table = _table(tmp_path / "items.parquet")
    write_item_features(table, Vocabulary.from_ids("item_id", ["x", "y"]), ATTRIBUTES, tmp_path)
    found = open_item_features(tmp_path)

    assert found.labels["genres"].names == ()
    assert found.labels["genres"].by_item.shape == (2, 0)
    assert np.isnan(found.numbers["price"]).all()


@pytest.mark.parametrize(
    ("text", "separator", "labels"),
    [
        ("a|b", "|", ["a", "b"]),
        ("a|b", None, ["a|b"]),
        ("a, b ,,c", ",", ["a", "b", "c"]),
        ("a::b", "::", ["a", "b"]),
        ("a.b", ".", ["a", "b"]),
        ("  ", "|", []),
        (None, "|", []),
        (None, None, []),
        ("Kömödie|喜剧", "|", ["Kömödie", "喜剧"]),
    ],
)
def test_split_labels__splits_at_the_separator_as_it_stands(text, separator, labels):
    column = pa.chunked_array([pa.array(["before"]), pa.array([text], pa.string())])

    assert split_labels(column, separator).to_pylist() == [["before"], labels]
