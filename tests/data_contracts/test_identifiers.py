import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.errors import ContractError
from data_contracts.identifiers import Vocabulary

ids = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=40)


@given(ids)
def test_vocabulary__round_trips_any_text(texts):
    vocabulary = Vocabulary.from_ids("item_id", texts)

    assert vocabulary.ids_of(vocabulary.codes(texts)) == texts


@given(ids)
def test_vocabulary__is_sorted_by_utf8_bytes(texts):
    found = Vocabulary.from_ids("item_id", texts).ids.to_pylist()

    assert found == sorted(set(texts), key=lambda text: text.encode())


def test_codes__does_with_unknown_ids_what_the_caller_says():
    vocabulary = Vocabulary.from_ids("user_id", ["u2", "u1"])

    with pytest.raises(KeyError, match=r"1 of 2 values are no known user_id, first: \['nobody'\]"):
        vocabulary.codes(["u1", "nobody"])
    assert vocabulary.codes(["u1", "nobody"], missing="negative").tolist() == [0, -1]
    assert vocabulary.codes(["nobody", "u2"], missing="drop").tolist() == [1]


def test_codes__never_answers_with_a_neighbour():
    vocabulary = Vocabulary.from_ids("user_id", ["1", "3"])

    assert vocabulary.codes(["0", "2", "4", "1 "], missing="negative").tolist() == [-1, -1, -1, -1]


def test_codes__finds_the_first_id():
    assert Vocabulary.from_ids("user_id", ["0", "1"]).codes(["0"]).tolist() == [0]


@pytest.mark.parametrize(
    ("given_ids", "words"),
    [(["b", "a"], "position 0 holds 'b' before 'a'"), (["a", "a"], "strictly"), (["a", None], "1 missing")],
)
def test_vocabulary__refuses_what_look_ups_cannot_rely_on(given_ids, words):
    with pytest.raises(ContractError, match=words):
        Vocabulary("item_id", pa.array(given_ids))


def test_sha256__tells_ids_and_their_borders_apart():
    def sha(*given_ids):
        return Vocabulary.from_ids("item_id", given_ids).sha256

    assert sha("a", "bc") == sha("bc", "a")
    assert len({sha("a", "bc"), sha("ab", "c"), sha("abc"), sha("a", "b", "c")}) == 4
    assert sha("a") != Vocabulary.from_ids("user_id", ["a"]).sha256


def test_sha256__does_not_depend_on_how_arrow_sliced_the_array():
    whole = pa.array(["a", "bb", "ccc", "dddd"], pa.large_string())

    assert Vocabulary("item_id", whole[1:3]).sha256 == Vocabulary.from_ids("item_id", ["bb", "ccc"]).sha256
    assert (
        Vocabulary("item_id", pa.chunked_array([whole[:1], whole[1:]])).sha256
        == Vocabulary("item_id", whole).sha256
    )


def test_save__keeps_name_order_and_hash(tmp_path):
    vocabulary = Vocabulary.from_ids(
        "item_id", ["85123A", "0071053", "a\tb\n", "../x", "😀", "1234567890123456789"]
    )
    vocabulary.save(tmp_path / "items.parquet")
    loaded = Vocabulary.load(tmp_path / "items.parquet")

    assert (loaded.name, loaded.sha256, loaded.ids_of([0])) == ("item_id", vocabulary.sha256, ["../x"])


def test_ids_of__names_a_code_out_of_range():
    with pytest.raises(IndexError, match="code 2 is outside vocabulary 'item_id' of 2 ids"):
        Vocabulary.from_ids("item_id", ["a", "b"]).ids_of([0, 2])


def test_with_catalogue__appends_a_second_sorted_part_of_new_ids():
    vocabulary = Vocabulary.from_ids("item_id", ["c", "b"]).with_catalogue(pa.array(["e", "a", "c", "a"]))

    assert vocabulary.ids.to_pylist() == ["b", "c", "a", "e"]
    assert (vocabulary.n_with_events, vocabulary.catalogue) == (2, 2)
    assert vocabulary.codes(["a", "b", "e", "x"], missing="negative").tolist() == [2, 0, 3, -1]
    assert vocabulary.ids_of([3, 0]) == ["e", "b"]


def test_with_catalogue__of_known_ids_changes_nothing():
    plain = Vocabulary.from_ids("item_id", ["a", "b"])
    same = plain.with_catalogue(pa.array(["b"]))

    assert (same.catalogue, same.sha256) == (0, plain.sha256)


def test_sha256__tells_where_the_catalogue_begins():
    ids = pa.array(["a", "b", "c"])

    assert len({Vocabulary("item_id", ids, n).sha256 for n in (0, 1, 2, 3)}) == 4


def test_save__keeps_the_catalogue_and_leaves_a_plain_file_as_it_was(tmp_path):
    plain = Vocabulary.from_ids("item_id", ["b", "c"])
    both = plain.with_catalogue(pa.array(["a"]))
    both.save(tmp_path / "items.parquet")
    plain.save(tmp_path / "plain.parquet")
    pq.write_table(pa.table({"item_id": plain.ids}), tmp_path / "as_it_was.parquet", compression="zstd")
    loaded = Vocabulary.load(tmp_path / "items.parquet")

    assert (loaded.ids.to_pylist(), loaded.catalogue, loaded.sha256) == (["b", "c", "a"], 1, both.sha256)
    assert (tmp_path / "plain.parquet").read_bytes() == (tmp_path / "as_it_was.parquet").read_bytes()


@pytest.mark.parametrize(
    ("ids", "catalogue", "words"),
    [
        (["a", "c", "b"], 0, "position 1 holds 'c' before 'b'"),
        (["a", "c", "b"], 2, "position 1 holds 'c' before 'b'"),
        (["b", "a", "b"], 2, "1 ids of the catalogue that have events"),
        (["a"], 2, "of 1 ids cannot have 2 of the catalogue"),
    ],
)
def test_vocabulary__refuses_a_catalogue_out_of_order(ids, catalogue, words):
    with pytest.raises(ContractError, match=words):
        Vocabulary("item_id", pa.array(ids), catalogue)
