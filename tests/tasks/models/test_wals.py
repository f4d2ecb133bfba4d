import dense_wals
import numba
import numpy as np
import pytest
import retail_split
from pydantic import ValidationError
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_info

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.models import wals
from tasks.numeric.wals_side import GivenWeights

SMALL = wals.Config(n_factors=6, iterations=5, unobserved_weight=0.3, regularization=0.01, weighting="count")
SOLVERS = ("cg", "cholesky", "subspace")


@pytest.fixture
def matrix(rng):
    """30 users in two groups that like different halves of 24 items; the last user and item are empty."""
    likes = np.where(np.arange(30)[:, None] % 2 == np.arange(24) // 12, 0.6, 0.05)
    likes[-1], likes[:, -1] = 0, 0
    counts = (rng.random((30, 24)) < likes) * rng.integers(1, 6, (30, 24))
    return GroupedMatrix.from_csr(csr_matrix(counts.astype(np.float32)))


def _with(config, **changes):
    return wals.Config(**(config.model_dump() | changes))


@pytest.mark.parametrize("solver", SOLVERS)
def test_fit__ends_where_the_gradient_is_zero(matrix, rng, solver):
    config = _with(SMALL, n_factors=3, iterations=400, solver=solver, subspace_width=2, half_precision=False)

    factors = wals.fit(matrix, config, rng=rng)

    users, items = wals.sides(matrix, config, GivenWeights())
    scale = max(
        np.abs(dense_wals.gradient(users, 0 * factors.user_factors, factors.item_factors)).max(),
        np.abs(dense_wals.gradient(items, 0 * factors.item_factors, factors.user_factors)).max(),
    )
    for gradient in (
        dense_wals.gradient(users, factors.user_factors, factors.item_factors),
        dense_wals.gradient(items, factors.item_factors, factors.user_factors),
    ):
        assert np.abs(gradient).max() < 1e-4 * scale


@pytest.mark.parametrize("solver", SOLVERS)
def test_fit__recovers_a_withheld_checkerboard_item(rng, solver):
    board = (np.indices((50, 50)).sum(axis=0) % 2).astype(np.float32)
    withheld = np.array([np.flatnonzero(row)[at % 25] for at, row in enumerate(board)])
    board[np.arange(50), withheld] = 0
    shown = GroupedMatrix.from_csr(csr_matrix(board))

    factors = wals.fit(shown, _with(SMALL, n_factors=4, iterations=15, solver=solver), rng=rng)

    scores = factors.scores(np.arange(50)) - 10 * board
    assert scores.argmax(axis=1).tolist() == withheld.tolist()


def test_fit__reports_an_objective_that_falls_and_its_parts(matrix, rng):
    seen = []

    wals.fit(matrix, SMALL, rng=rng, progress=lambda *call: seen.append(call))

    assert [call[:2] for call in seen] == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    curve = [figures["objective"] for _, _, figures in seen]
    assert curve == sorted(curve, reverse=True)
    for _, _, figures in seen:
        total = figures.pop("objective")
        assert sorted(figures) == ["observed", "regularization", "unobserved"]
        assert sum(figures.values()) == pytest.approx(total)


def test_fit__same_generator_state_gives_identical_factors_at_any_thread_count(matrix):
    before, results = numba.get_num_threads(), []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        try:
            results.append(wals.fit(matrix, SMALL, rng=np.random.default_rng(3)))
        finally:
            numba.set_num_threads(before)
    other = wals.fit(matrix, SMALL, rng=np.random.default_rng(4))

    assert np.array_equal(results[0].user_factors, results[1].user_factors)
    assert np.array_equal(results[0].item_factors, results[1].item_factors)
    assert not np.array_equal(results[0].user_factors, other.user_factors)


def test_fit__restores_blas_threads_and_leaves_its_arguments_alone(matrix, rng):
    values, threads = (
        matrix.by_user.values.copy(),
        [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"],
    )

    wals.fit(matrix, SMALL, rng=rng, row_weights=np.full(30, 2.0))

    assert np.array_equal(matrix.by_user.values, values)
    assert [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"] == threads


def test_fit__takes_read_only_memory_maps(matrix, tmp_path):
    def mapped(csr, name):
        arrays = []
        for field in ("indptr", "indices", "values"):
            np.save(tmp_path / f"{name}_{field}.npy", getattr(csr, field))
            arrays.append(np.load(tmp_path / f"{name}_{field}.npy", mmap_mode="r"))
        return Csr(*arrays, csr.n_cols)

    on_disk = GroupedMatrix(mapped(matrix.by_user, "u"), mapped(matrix.by_item, "i"))

    for solver in SOLVERS:
        config = _with(SMALL, solver=solver)
        expected = wals.fit(matrix, config, rng=np.random.default_rng(1))
        got = wals.fit(on_disk, config, rng=np.random.default_rng(1))
        assert np.array_equal(got.user_factors, expected.user_factors)


def test_fit__a_heavier_item_is_shown_more(matrix, rng):
    margins = np.ones(24)
    margins[5] = 20

    plain = wals.fit(matrix, SMALL, rng=np.random.default_rng(2))
    weighed = wals.fit(matrix, SMALL, rng=np.random.default_rng(2), col_weights=margins)

    everybody = np.arange(29)
    shown = [(np.argsort(-each.scores(everybody), axis=1)[:, :5] == 5).sum() for each in (plain, weighed)]
    assert shown[1] > shown[0]


def test_fit__a_heavier_user_is_fitted_more_closely(matrix):
    weights = np.ones(30)
    weights[4] = 50
    items = matrix.by_user.row(4)[0]

    plain = wals.fit(matrix, SMALL, rng=np.random.default_rng(2))
    weighed = wals.fit(matrix, SMALL, rng=np.random.default_rng(2), row_weights=weights)

    code = np.array([4])
    assert (
        np.square(1 - weighed.scores(code)[0, items]).sum()
        < np.square(1 - plain.scores(code)[0, items]).sum()
    )


def test_fit__entry_weights_of_the_values_change_nothing(matrix):
    plain = wals.fit(matrix, SMALL, rng=np.random.default_rng(2))
    weighed = wals.fit(matrix, SMALL, rng=np.random.default_rng(2), entry_weights=matrix.by_user.values)

    assert np.array_equal(plain.item_factors, weighed.item_factors)


def test_fit__explicit_targets_are_reached(rng):
    ratings = np.outer(rng.uniform(1, 2, 20), rng.uniform(1, 2, 15)).astype(np.float32)
    ratings[rng.random(ratings.shape) < 0.2] = 0
    observed = ratings > 0
    config = wals.Config(
        n_factors=2, targets="explicit", weighting="binary", unobserved_weight=0, regularization=1e-4
    )

    factors = wals.fit(GroupedMatrix.from_csr(csr_matrix(ratings)), config, rng=rng)

    assert factors.scores(np.arange(20))[observed] == pytest.approx(ratings[observed], abs=0.05)


def test_fit__stops_early_when_asked(matrix):
    calls = {0.0: 0, 0.01: 0}
    for tolerance in calls:

        def count(*_, tolerance=tolerance):
            calls[tolerance] += 1

        config = _with(SMALL, iterations=300, early_stop=tolerance)
        wals.fit(matrix, config, rng=np.random.default_rng(0), progress=count)

    assert calls[0.0] == 300
    assert 1 < calls[0.01] < 300


class _Keeper:
    def __init__(self):
        self.kept = []

    def save(self, iteration, user_factors, item_factors):
        self.kept.append(wals.Resume(iteration, user_factors.copy(), item_factors.copy()))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stop", [0.0, 0.001])
def test_fit__resumes_to_the_result_of_an_uninterrupted_fit(matrix, solver, early_stop):
    keeper = _Keeper()
    config = _with(SMALL, iterations=7, solver=solver, checkpoint_every=3, early_stop=early_stop)

    whole = wals.fit(matrix, config, rng=np.random.default_rng(5), checkpoint=keeper)

    assert [each.iteration for each in keeper.kept] == [3, 6]
    for kept in keeper.kept:
        resumed = wals.fit(matrix, config, rng=np.random.default_rng(99), resume=kept)
        assert np.array_equal(resumed.user_factors, whole.user_factors)
        assert np.array_equal(resumed.item_factors, whole.item_factors)


@pytest.mark.parametrize("solver", SOLVERS)
def test_fold_in__gives_users_and_items_what_an_exact_half_step_gives(matrix, rng, solver):
    config = _with(SMALL, solver=solver)
    factors = wals.fit(matrix, config, rng=rng)
    users, items = wals.sides(matrix, config, GivenWeights())

    folded_users = wals.fold_in_users(matrix, factors.item_factors, config)
    folded_items = wals.fold_in_items(matrix, factors.user_factors, config)

    assert folded_users == pytest.approx(dense_wals.solve(users, factors.item_factors), abs=1e-4)
    assert folded_items == pytest.approx(dense_wals.solve(items, factors.user_factors), abs=1e-4)


def test_fold_in__of_the_training_users_gives_the_factors_of_the_fit(matrix, rng):
    factors = wals.fit(matrix, SMALL, rng=rng)

    assert wals.fold_in_users(matrix, factors.item_factors, SMALL) == pytest.approx(
        factors.user_factors, abs=1e-5
    )


def test_fold_in__a_new_user_scores_as_the_same_old_user(matrix, rng):
    factors = wals.fit(matrix, SMALL, rng=rng)
    one = GroupedMatrix.from_csr(matrix.by_user.to_scipy()[[4, 29]])

    folded = wals.fold_in_users(one, factors.item_factors, SMALL)

    assert folded[0] == pytest.approx(factors.user_factors[4], abs=1e-4)
    assert not folded[1].any()


def test_fold_in__names_factors_that_do_not_fit(matrix, rng):
    factors = wals.fit(matrix, SMALL, rng=rng)

    with pytest.raises(ValueError, match=r"item_factors must be float32 \(24, 6\); got float32 \(30, 6\)"):
        wals.fold_in_users(matrix, factors.user_factors, SMALL)
    broken = factors.item_factors.copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match="item_factors must be finite"):
        wals.fold_in_users(matrix, broken, SMALL)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_factors", 0),
        ("iterations", 0),
        ("cg_steps", 0),
        ("unobserved_weight", -0.1),
        ("unobserved_weight", float("nan")),
        ("unobserved_weight", "much"),
        ("regularization", float("inf")),
        ("regularization_exponent", -1.0),
        ("early_stop", 1.0),
        ("weighting", "linear"),
        ("solver", "lu"),
    ],
)
def test_config__names_a_bad_parameter_and_its_value(parameter, value):
    with pytest.raises(ValidationError) as caught:
        wals.Config(**{parameter: value})

    for error in caught.value.errors():
        assert error["loc"][0] == parameter
        assert str(value) in str(error["input"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"row_weights": np.ones(24)}, r"row_weights must have shape \(30,\); got \(24,\)"),
        ({"col_weights": np.full(24, -1)}, r"col_weights must be >= 0; got -1\.0 at 0"),
        ({"col_weights": np.full(24, np.inf)}, r"col_weights must be finite; 24 of 24 are not"),
        ({"entry_weights": np.ones(2)}, r"entry_weights must have shape \("),
        (
            {"resume": wals.Resume(6, np.zeros((30, 6), np.float32), np.zeros((24, 6), np.float32))},
            r"resume.iteration must be from 1 to iterations = 5; got 6",
        ),
        (
            {"resume": wals.Resume(1, np.zeros((30, 5), np.float32), np.zeros((24, 6), np.float32))},
            r"resume.user_factors must be float32 \(30, 6\); got float32 \(30, 5\)",
        ),
    ],
)
def test_fit__names_bad_arguments(matrix, rng, arguments, message):
    with pytest.raises(ValueError, match=message):
        wals.fit(matrix, SMALL, rng=rng, **arguments)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "matrix of 3 users x 4 items has no entries"),
        ([1, np.nan], r"matrix values must be finite; 1 of 2 are not, first nan at 1"),
        ([1, -2], r"matrix values under weighting='count' must be >= 0; got -2\.0 at 1"),
    ],
)
def test_fit__names_a_bad_matrix(rng, values, message):
    codes = np.arange(len(values))
    bad = csr_matrix((np.float32(values), (codes, codes)), shape=(3, 4))
    with pytest.raises(ValueError, match=message):
        wals.fit(GroupedMatrix.from_csr(bad), SMALL, rng=rng)


def test_fit__names_the_parameter_to_change_where_factors_shrink_to_nothing(matrix, rng):
    with pytest.raises(
        ValueError,
        match=r"WALS shrank to nothing: .* lower unobserved_weight, which is 0.3 .* regularization",
    ):
        wals.fit(matrix, _with(SMALL, regularization=10.0, iterations=15), rng=rng)


@pytest.mark.parametrize("solver", ["cg", "cholesky"])
def test_fit__names_the_parameter_to_change_where_factors_explode(matrix, rng, solver):
    config = _with(SMALL, targets="explicit", weighting="binary", iterations=1, solver=solver)
    values = matrix.by_user.to_scipy().copy()
    values.data[3] = 3e38

    with pytest.raises(ValueError, match="raise regularization or unobserved_weight"):
        wals.fit(GroupedMatrix.from_csr(values * np.float32(0.9)), config, rng=rng)


def test_fit__auto_gives_what_the_settled_numbers_give(matrix):
    auto = _with(SMALL, unobserved_weight="auto", regularization="auto", weighting="auto")

    settled = auto.settled(matrix, rng=np.random.default_rng(1))
    one = wals.fit(matrix, auto, rng=np.random.default_rng(1))
    other = wals.fit(matrix, settled, rng=np.random.default_rng(1))

    assert isinstance(settled.unobserved_weight, float)
    assert isinstance(settled.regularization, float)
    assert settled.weighting in {"binary", "count", "log"}
    assert np.array_equal(one.user_factors, other.user_factors)
    assert np.array_equal(one.item_factors, other.item_factors)


def test_settled__keeps_what_is_given(matrix, rng):
    numbers = wals.Config(unobserved_weight=0.02)
    some = wals.Config(regularization=0.5, weighting="binary")

    usual = numbers.settled(matrix, rng=rng)
    assert (usual.unobserved_weight, usual.regularization, usual.weighting) == (0.02, 0.01, "count")
    found = some.settled(matrix, rng=rng)
    assert (found.regularization, found.weighting) == (0.5, "binary")
    assert found.unobserved_weight != "auto"
    assert SMALL.settled(matrix, rng=rng) == SMALL


def test_sides__ask_for_numbers(matrix):
    with pytest.raises(ValueError, match='unobserved_weight is still "auto"'):
        wals.sides(matrix, wals.Config(), GivenWeights())


@pytest.mark.real_data
def test_fit__reaches_its_precision_on_online_retail():
    matrix, baskets = retail_split.load("validation")
    cold_start_items = np.argsort(-matrix.item_events(), kind="stable")[:5]

    factors = wals.fit(matrix, wals.Config(unobserved_weight=0.3), rng=np.random.default_rng(0))

    lists = np.argsort(-factors.scores(np.arange(matrix.n_users)), axis=1, kind="stable")[:, :5]
    assert retail_split.precision_at_5(lists, cold_start_items, baskets) >= 0.155
