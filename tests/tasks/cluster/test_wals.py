"""WALS over blocks of users is the WALS of one machine, whoever does which blocks and whoever dies meanwhile."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("distributed")

import dask
import dask_processes
import dying_wals
from distributed import Client, LocalCluster
from grouped_blocks import write_blocks
from scipy.sparse import csr_matrix

from data_contracts.cluster_section import ClusterSection
from data_contracts.errors import ClusterLostError, ConfigurationError, DamagedError
from data_contracts.interactions import GroupedMatrix
from tasks.cluster import client, held, wals_tasks
from tasks.cluster import wals as cluster_wals
from tasks.cluster.arrays import load_array
from tasks.cluster.blocks import BlockFolder
from tasks.models import wals
from tasks.models._checkpoints import start
from tasks.numeric.topk import top_k
from tasks.numeric.wals_loss import objective
from tasks.numeric.wals_side import GivenWeights

pytestmark = pytest.mark.cluster

N_BLOCKS, ITERATIONS = 8, 5
CONFIG = wals.Config(
    n_factors=8, iterations=ITERATIONS, unobserved_weight=0.1, regularization=0.01, weighting="log"
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    rng = np.random.default_rng(7)
    taste = rng.normal(size=(600, 3)) @ rng.normal(size=(3, 60)) + rng.normal(size=60)
    csr = csr_matrix(taste + rng.normal(size=taste.shape) > 2.5, dtype=np.float32)
    csr.data = rng.integers(1, 6, csr.nnz).astype(np.float32)
    folder = write_blocks(tmp_path_factory.mktemp("shop") / "blocks", csr, N_BLOCKS)
    return SimpleNamespace(blocks=BlockFolder.open(folder), matrix=GroupedMatrix.from_csr(csr), folder=folder)


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    with client.workers(ClusterSection(workers=2), tmp_path_factory.mktemp("shared")) as found:
        yield found


@pytest.fixture(scope="module")
def undisturbed(shop, workers, tmp_path_factory):
    return cluster_wals.fit(
        workers, shop.blocks, CONFIG, tmp_path_factory.mktemp("undisturbed"), start=_start(shop)
    )


@pytest.fixture
def killed_at(monkeypatch, shop):
    """Make a worker die in one of its functions, once."""

    def choose(name):
        monkeypatch.setattr(wals_tasks, name, getattr(dying_wals, name))

    yield choose
    for name in ("died", "victim"):
        (shop.folder.parent / name).unlink(missing_ok=True)


def _start(shop):
    """The first item factors of a fit on one machine."""
    return start(shop.matrix.by_user.shape, CONFIG.n_factors, ITERATIONS, np.random.default_rng(3), None)[2]


def _lists(x, y):
    return top_k(x, y, 10)[0]


@pytest.mark.parametrize("n", [1, 3, 4])
def test_fit__gives_the_same_bytes_for_any_number_of_workers(n, shop, undisturbed, workers, tmp_path):
    held.forget()
    quiet = {"scheduler_kwargs": {"dashboard": False, "dashboard_address": "127.0.0.1:0"}}
    with (
        LocalCluster(n_workers=n, threads_per_worker=1, processes=False, **quiet) as cluster,
        Client(cluster, set_as_default=False) as own,
    ):
        found = cluster_wals.fit(
            replace(workers, client=own), shop.blocks, CONFIG, tmp_path, start=_start(shop)
        )
    assert found.parts == (n,) * ITERATIONS
    assert found.items.sha256 == undisturbed.items.sha256


def test_fit__moves_arrays_of_items_alone(shop, undisturbed):
    of_items = shop.matrix.n_items * CONFIG.n_factors * 4
    assert {len(undisturbed.parts), len(undisturbed.traffic)} == {ITERATIONS}
    for parts, traffic in zip(undisturbed.parts, undisturbed.traffic, strict=True):
        assert parts == 2
        assert traffic.sent == 3 * of_items * parts
        # A residual, a product, a number an item, and the users' Gramian.
        assert traffic.received == parts * (2 * of_items + shop.matrix.n_items * 8 + CONFIG.n_factors**2 * 8)


def test_fit__comes_to_the_lists_of_one_machine(shop, workers, tmp_path):
    exact = CONFIG.model_copy(update={"cg_steps": 100, "half_precision": False})
    found = cluster_wals.fit(workers, shop.blocks, exact, tmp_path, start=_start(shop))
    local = wals.fit(
        shop.matrix, CONFIG.model_copy(update={"solver": "cholesky"}), rng=np.random.default_rng(3)
    )
    y = load_array(found.items)
    x = wals.fold_in_users(shop.matrix, y, exact)
    assert np.linalg.norm(y - local.item_factors) < 1e-4 * np.linalg.norm(y)
    equal = (_lists(x, y) == _lists(local.user_factors, local.item_factors)).all(axis=1)
    assert equal.mean() > 0.999


def test_fit__reaches_the_objective_of_one_machine(shop, undisturbed):
    local = wals.fit(shop.matrix, CONFIG, rng=np.random.default_rng(3))
    users, items = wals.sides(shop.matrix, CONFIG, GivenWeights())
    expected = objective(users, items, local.user_factors, local.item_factors).total
    assert undisturbed.objective.total < 1.001 * expected


def test_fit__says_the_objective_of_its_own_factors(shop, undisturbed):
    y = load_array(undisturbed.items)
    users, items = wals.sides(shop.matrix, CONFIG, GivenWeights())
    expected = objective(users, items, wals.fold_in_users(shop.matrix, y, CONFIG), y)
    assert np.allclose(undisturbed.objective, expected, rtol=1e-5)


@pytest.mark.parametrize("half", ["user_half", "item_product"])
def test_fit__survives_a_worker(half, killed_at, shop, workers, undisturbed, tmp_path):
    killed_at(half)
    found = cluster_wals.fit(workers, shop.blocks, CONFIG, tmp_path, start=_start(shop))
    assert (shop.folder.parent / "died").exists()
    assert found.items.sha256 == undisturbed.items.sha256


def test_fit__goes_on_after_its_scheduler_died(killed_at, shop, undisturbed, tmp_path):
    killed_at("item_product")
    port = dask_processes.free_port()
    section = ClusterSection(scheduler=f"tcp://127.0.0.1:{port}", timeout_seconds=30)
    (checkpoints := tmp_path / "checkpoints").mkdir()

    def attempt(name):
        with dask_processes.ended(dask_processes.start_scheduler(tmp_path / name, port)) as scheduler:
            (shop.folder.parent / "victim").write_text(str(scheduler.pid))
            with (
                dask_processes.ended(dask_processes.start_worker(tmp_path / name / "worker", port)),
                client.workers(section, tmp_path) as found,
            ):
                return cluster_wals.fit(found, shop.blocks, CONFIG, checkpoints, start=_start(shop))

    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}):
        with pytest.raises(ClusterLostError, match="what was finished is kept"):
            attempt("first")
        found = attempt("second")
    assert found.iterations == ITERATIONS - 2
    assert found.items.sha256 == undisturbed.items.sha256
    assert [path.name for path in checkpoints.glob("rounds-*")] == []


def test_fit__goes_on_where_more_iterations_are_wanted(shop, workers, undisturbed, tmp_path):
    less = CONFIG.model_copy(update={"iterations": 2})
    cluster_wals.fit(workers, shop.blocks, less, tmp_path, start=_start(shop))
    found = cluster_wals.fit(workers, shop.blocks, CONFIG, tmp_path, start=_start(shop))
    assert found.iterations == ITERATIONS - 2
    assert found.items.sha256 == undisturbed.items.sha256
    with pytest.raises(ConfigurationError, match="belongs to another fit"):
        cluster_wals.fit(workers, shop.blocks, CONFIG, tmp_path, seed=1)


def test_fit__refuses_a_damaged_checkpoint(shop, workers, tmp_path):
    less = CONFIG.model_copy(update={"iterations": 1})
    found = cluster_wals.fit(workers, shop.blocks, less, tmp_path, start=_start(shop))
    y = load_array(found.items)
    np.save(found.items.path, y + 1)
    with pytest.raises(DamagedError, match=r"items-00001\.npy is damaged: its sha256"):
        cluster_wals.fit(workers, shop.blocks, CONFIG, tmp_path, start=_start(shop))


def test_fit__says_that_factors_shrank_to_nothing(shop, workers, tmp_path):
    heavy = CONFIG.model_copy(update={"unobserved_weight": 0.3, "regularization": 3.0})
    with pytest.raises(ValueError, match=r"shrank to nothing.* lower unobserved_weight"):
        cluster_wals.fit(workers, shop.blocks, heavy, tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"unobserved_weight": "auto", "weighting": "auto"},
            'needs unobserved_weight, weighting as given, not "auto"',
        ),
        ({"solver": "cholesky"}, "solver = \"cg\"; got 'cholesky'"),
        ({"early_stop": 0.1}, "has no early_stop; got 0.1"),
    ],
)
def test_check_config__names_what_a_cluster_cannot_do(change, said):
    with pytest.raises(ConfigurationError, match=said):
        cluster_wals.check_config(CONFIG.model_copy(update=change))
