"""Item features as rows in which cosines say how alike items are."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from event_logs import features
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix, ItemFeatures, Labels
from tasks.models._item_profiles import (
    BlockWeights,
    all_dates,
    buckets,
    check_profiles,
    dense_profiles,
    item_profiles,
)


def titled(*titles):
    return ItemFeatures(titles=pa.array(titles, pa.large_string()))


def labelled(rows):
    by_item = GroupedMatrix.from_csr(csr_matrix(np.array(rows, np.float32))).by_user
    return Labels(tuple(map(str, range(by_item.n_cols))), by_item)


def cosines(profiles):
    rows = profiles.to_scipy()
    return (rows @ rows.T).toarray()


def test_rows__have_length_one_or_none_of_all_that_is_not_known():
    profiles = item_profiles(
        ItemFeatures(
            labels={"genres": labelled([[1, 1], [0, 0], [1, 0]])},
            numbers={"price": np.float32([3, np.nan, 5])},
        ),
        3,
    )

    np.testing.assert_allclose(cosines(profiles).diagonal(), [1, 0, 1], rtol=1e-6)


def test_cosine__is_the_weighted_mean_of_the_blocks():
    both = ItemFeatures(
        labels={"genres": labelled([[1, 1], [1, 0]]), "studio": labelled([[1, 0], [0, 1]])},
        numbers={"price": np.float32([1, 1])},
    )
    found = cosines(item_profiles(both, 2, weights=BlockWeights(labels=2.0)))

    # One label of two in common says 1 / sqrt(2); the studios differ; a number that all share says nothing.
    assert found[0, 1] == pytest.approx((2 / np.sqrt(2) + 2 * 0) / 4, rel=1e-6)


def test_titles__count_rare_words_for_more():
    found = cosines(
        item_profiles(titled("red mug", "red jug", "blue mug", "red lamp", "red jug", "Blue lamp"), 6)
    )

    assert found[2, 5] > found[0, 3] > 0
    assert found[1, 4] == pytest.approx(1, rel=1e-6)


def test_titles__words_of_one_item_and_missing_titles_leave_no_columns():
    assert item_profiles(titled("one", "two", None, "!!!"), 4).shape == (4, 0)


def test_years__at_the_end_of_most_titles_are_a_date():
    found = all_dates(titled("Toy Story (1995)", "Up (2009) ", "Untitled", None))["the year in titles"]

    np.testing.assert_array_equal(np.isnan(found), [False, False, True, True])
    assert found[1] - found[0] == pytest.approx(14 * 365.2425)
    assert not all_dates(titled("Toy Story (1995)", "Up", "Untitled"))


def test_buckets__hold_as_many_items_each_and_equal_values_stay_together():
    found = buckets(np.array([5.0, 1, 2, 3, 4, np.nan, np.inf, 6, 6, 6]), 4)

    assert found[[5, 6]].tolist() == [-1, -1]
    assert len(set(found[[7, 8, 9]])) == 1
    order = np.array([1, 2, 3, 4, 0, 7])
    assert (np.diff(found[order]) >= 0).all()
    assert set(found) == {-1, *range(int(found.max()) + 1)}


def test_weights__of_zero_leave_a_kind_of_feature_out():
    everything = item_profiles(features(20), 20)
    nothing = item_profiles(features(20), 20, weights=BlockWeights(0, 0, 0, 0))

    assert nothing.shape == (20, 0)
    assert everything.n_cols > item_profiles(features(20), 20, weights=BlockWeights(dates=0)).n_cols > 0


@pytest.mark.parametrize(
    ("titles", "words"), [(("a b", "a b", "b a"), "same features"), ((None, None), "nothing is known")]
)
def test_profiles__that_are_all_alike_are_refused(titles, words):
    profiles = item_profiles(titled(*titles), len(titles))

    with pytest.raises(ValueError, match=f"{len(titles)} items say nothing: .*{words}.*; do this"):
        check_profiles(profiles, "do this")


def test_profiles__of_one_item_or_of_items_that_differ_are_fine():
    check_profiles(item_profiles(titled("a"), 1), "")
    check_profiles(item_profiles(titled("a b", "a c", "c b"), 3), "")


def test_dense_profiles__are_titles_of_length_one_and_buckets():
    titles = [f"{'red' if at % 2 else 'blue'} {'mug' if at % 3 else 'jug'} {at % 5}" for at in range(20)]
    known = replace(features(20), titles=pa.array([*titles[:-1], None], pa.large_string()))
    found = dense_profiles(known, 20, np.random.default_rng(0), title_size=3, n_buckets=2)

    # Two buckets of prices and two of dates, then what is left of nine words.
    assert (found.shape, found.dtype) == ((20, 7), np.float32)
    assert set(np.unique(found[:, :4])) == {0.0, 1.0}
    np.testing.assert_allclose(np.linalg.norm(found[:, 4:], axis=1), [1.0] * 19 + [0.0], atol=1e-6)


def test_dense_profiles__leave_few_words_as_they_are():
    found = dense_profiles(
        titled("red mug", "red jug", "red mug"), 3, np.random.default_rng(0), title_size=50, n_buckets=2
    )

    assert found.shape == (3, 2)
    np.testing.assert_array_equal(found[0], found[2])
