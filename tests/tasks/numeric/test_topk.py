import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from slow_topk import slow_lists, slow_scores

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.numeric import catalogue
from tasks.numeric.topk import select_top_k, top_k


def _random_exclude(rng, n_rows, n_items, share=0.3):
    return GroupedMatrix.from_csr(csr_matrix(rng.random((n_rows, n_items)) < share)).by_user


def _sets(exclude):
    return [set(exclude.row(r)[0].tolist()) for r in range(exclude.shape[0])]


def _whole_numbers(rng, shape):
    """Factors of small whole numbers: sums are exact and full of ties."""
    return rng.integers(-2, 3, shape).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_rows=st.integers(1, 12),
    n_items=st.integers(1, 90),
    n_factors=st.integers(0, 20),
    excluded=st.booleans(),
    biased=st.booleans(),
    data=st.data(),
)
def test_top_k__equals_sorting_everything(seed, n_rows, n_items, n_factors, excluded, biased, data):
    rng = np.random.default_rng(seed)
    k = data.draw(st.integers(1, n_items))
    users, items = _whole_numbers(rng, (n_rows, n_factors)), _whole_numbers(rng, (n_items, n_factors))
    bias = _whole_numbers(rng, n_items) if biased else None
    exclude = _random_exclude(rng, n_rows, n_items) if excluded else None

    codes, scores = top_k(users, items, k, item_bias=bias, exclude=exclude)

    expected = slow_lists(slow_scores(users, items, bias), k, forbidden=exclude and _sets(exclude))
    np.testing.assert_array_equal(codes, expected[0])
    np.testing.assert_array_equal(scores, expected[1])
    assert (codes.dtype, scores.dtype) == (np.int32, np.float32)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), biased=st.booleans(), excluded=st.booleans())
def test_top_k__leaves_out_only_what_is_too_short_to_reach_a_list(seed, biased, excluded):
    rng = np.random.default_rng(seed)
    users, items = (
        (rng.normal(size=(n, 9)) * np.exp(2 * rng.normal(size=(n, 1)))).astype(np.float32)
        for n in (20, 6_000)
    )
    bias = (3 * rng.normal(size=6_000)).astype(np.float32) if biased else None
    exclude = _random_exclude(rng, 20, 6_000, share=0.02) if excluded else None

    codes, scores = top_k(users, items, 5, item_bias=bias, exclude=exclude)

    expected = slow_lists(slow_scores(users, items, bias), 5, forbidden=exclude and _sets(exclude))
    np.testing.assert_array_equal(codes, expected[0])
    np.testing.assert_array_equal(scores, expected[1])


def test_top_k__makes_no_product_with_items_that_are_too_short(monkeypatch):
    rng = np.random.default_rng(1)
    users, items = (rng.normal(size=(n, 9)).astype(np.float32) for n in (300, 20_000))
    items[1_000:] *= 1e-3
    offered = []
    offer = catalogue.keep_best_products
    monkeypatch.setattr(
        catalogue,
        "keep_best_products",
        lambda rough, *rest: (offered.append(rough.size), offer(rough, *rest)),
    )

    top_k(users, items, 10)

    assert sum(offered) < 0.15 * 300 * 20_000


@pytest.mark.parametrize("n_items", [511, 512, 513, 1500])
def test_top_k__crosses_tiles_and_blocks(n_items):
    rng = np.random.default_rng(n_items)
    users = rng.normal(size=(300, 33)).astype(np.float32)
    items = rng.normal(size=(n_items, 33)).astype(np.float32)
    exclude = _random_exclude(rng, 300, n_items, share=0.02)

    codes, scores = top_k(users, items, 20, exclude=exclude)

    expected = slow_lists(slow_scores(users, items), 20, forbidden=_sets(exclude))
    np.testing.assert_array_equal(codes, expected[0])
    np.testing.assert_array_equal(scores, expected[1])


def test_top_k__breaks_ties_of_equal_items_by_code_wherever_they_stand():
    # BLAS rounds equal rows differently at different places of a tile on some processors.
    rng = np.random.default_rng(5)
    item = rng.normal(size=129).astype(np.float32)
    items = np.tile(item, (700, 1))

    codes, scores = top_k(rng.normal(size=(40, 129)).astype(np.float32), items, 30)

    assert (codes == np.arange(30)).all()
    assert (scores == scores[:, :1]).all()


def test_top_k__gives_the_same_bytes_for_any_blocks(monkeypatch):
    rng = np.random.default_rng(6)
    users = rng.normal(size=(90, 65)).astype(np.float32)
    items = rng.normal(size=(800, 65)).astype(np.float32)
    bias = rng.normal(size=800).astype(np.float32)
    whole = top_k(users, items, 25, item_bias=bias)

    monkeypatch.setattr(catalogue, "BLOCK_ROWS", 7)
    monkeypatch.setattr(catalogue, "TILE_COLUMNS", 31)
    cut = top_k(users, items, 25, item_bias=bias)
    alone = [top_k(users[r : r + 1], items, 25, item_bias=bias) for r in range(90)]

    for part in (0, 1):
        assert whole[part].tobytes() == cut[part].tobytes()
        assert whole[part].tobytes() == np.concatenate([one[part] for one in alone]).tobytes()


def test_top_k__pads_short_rows_and_never_shows_an_excluded_item():
    exclude = GroupedMatrix.from_csr(csr_matrix([[1, 1, 1], [0, 1, 1], [0, 0, 0]])).by_user
    factors = np.ones((3, 2), dtype=np.float32)

    codes, scores = top_k(factors, factors, 3, exclude=exclude)

    assert codes.tolist() == [[-1, -1, -1], [0, -1, -1], [0, 1, 2]]
    assert scores.tolist() == [[-np.inf] * 3, [2, -np.inf, -np.inf], [2, 2, 2]]


@pytest.mark.parametrize("deny", [[0, 2], np.array([True, False, True, False])])
def test_top_k__denies_by_codes_or_by_mask(deny):
    items = np.float32([[4], [3], [2], [1]])

    assert top_k(np.float32([[1]]), items, 4, deny=deny)[0].tolist() == [[1, 3, -1, -1]]


FACTORS = np.ones((3, 2), dtype=np.float32)
UNSORTED = Csr(np.int64([0, 2, 2, 2]), np.int32([1, 0]), np.float32([1, 1]), 3)
TOO_WIDE = Csr(np.int64([0, 0, 0, 0]), np.int32([]), np.float32([]), 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k must be between 1 and the 3 candidates; got 0"),
        ({"k": 4}, "k must be between 1 and the 3 candidates; got 4"),
        ({"user_factors": FACTORS * np.nan}, "user_factors row 0 .* not finite"),
        ({"item_factors": np.float32([[1, 1], [np.inf, 1], [1, 1]])}, "item_factors row 1 .* not finite"),
        ({"item_factors": FACTORS * 1e30, "user_factors": FACTORS * 1e30}, "beyond float32"),
        ({"item_factors": FACTORS[:, :1]}, "differ in n_factors: 2 and 1"),
        ({"item_factors": FACTORS[0]}, "must be a matrix"),
        ({"item_bias": np.zeros(2)}, r"item_bias must have shape \(3,\)"),
        ({"item_bias": np.float32([0, np.nan, 0])}, "item_bias holds 1 values"),
        ({"exclude": UNSORTED}, "row 0 of exclude must hold rising codes"),
        ({"exclude": TOO_WIDE}, r"exclude must have shape \(3, 3\)"),
        ({"deny": [3]}, "deny holds codes 3 to 3"),
        ({"deny": np.zeros(2, dtype=bool)}, "deny as a mask"),
    ],
)
def test_top_k__refuses_bad_arguments(arguments, message):
    good = {"user_factors": FACTORS, "item_factors": FACTORS, "k": 2}
    both = good | arguments

    with pytest.raises(ValueError, match=message):
        top_k(both.pop("user_factors"), both.pop("item_factors"), both.pop("k"), **both)


def test_top_k__refuses_a_nan_far_down_a_large_catalogue():
    items = np.ones((10_000, 1), dtype=np.float32)
    items[9_500] = np.nan

    with pytest.raises(ValueError, match="not finite"):
        top_k(FACTORS[:, :1], items, 2)


def test_top_k__takes_no_queries():
    codes, scores = top_k(FACTORS[:0], FACTORS, 2)

    assert codes.shape == scores.shape == (0, 2)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_rows=st.integers(1, 10),
    n_items=st.integers(1, 100),
    dtype=st.sampled_from([np.float32, np.float64]),
    data=st.data(),
)
def test_select_top_k__equals_sorting_everything(seed, n_rows, n_items, dtype, data):
    rng = np.random.default_rng(seed)
    k = data.draw(st.integers(1, n_items))
    scores = rng.choice([-np.inf, -1.0, 0.0, 0.5, 0.5 + 1e-12, np.inf], (n_rows, n_items)).astype(dtype)
    exclude = _random_exclude(rng, n_rows, n_items)

    got = select_top_k(scores, k, exclude=exclude)

    expected = slow_lists(scores, k, forbidden=_sets(exclude))
    np.testing.assert_array_equal(got[0], expected[0])
    np.testing.assert_array_equal(got[1], expected[1])


def test_select_top_k__leaves_its_argument_alone_and_takes_views():
    scores = np.broadcast_to(np.array([1.0, 3.0, 2.0]), (600, 3))

    codes, _ = select_top_k(scores, 2, deny=[1])

    assert (codes == [2, 0]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_select_top_k__refuses_nan(dtype):
    scores = np.zeros((3, 200), dtype=dtype)
    scores[2, 170] = np.nan

    with pytest.raises(ValueError, match="NaN"):
        select_top_k(scores, 5)
