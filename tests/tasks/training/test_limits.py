import gc
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from data_contracts.dataset_sections import LimitsSection
from data_contracts.errors import LimitError
from data_contracts.interactions import GroupedMatrix, History, ItemTimeline
from tasks import models
from tasks.models import Sizes
from tasks.training import limits
from tasks.training.limits import GB, check_limits, machine_memory

COSTLY = [name for name in models.names() if models.load_spec(name).cost is not None]
BOUNDED = [name for name in COSTLY if "max_items" in models.load(name).Config.model_fields]
"""Models that refuse large catalogues themselves, because they grow with the items squared or worse."""
CAPPED = ["content_net"]
"""Models whose epochs look at no more than so many steps of a long log."""
DENSE = ["autoencoder"]
"""Models that look at every pair of user and item, taken or not: refused by [limits] where that is too much."""
LARGE = Sizes(5_000_000, 200_000, 45_000_000, 50_000_000)


def test_check_limits__says_what_it_would_take_and_what_to_do():
    config = models.load("wals").Config()

    check_limits("taste", "wals", config, LARGE, LimitsSection(minutes=1e6, memory_gb=1e6))
    with pytest.raises(
        LimitError, match=r"training taste on 45,000,000 pairs .* would take some .* minutes; .* allows 2:"
    ):
        check_limits("taste", "wals", config, LARGE, LimitsSection(minutes=2))
    with pytest.raises(
        LimitError, match=r"would hold some .* GB; \[limits\] allows 1: give \[models.taste\] fewer"
    ):
        check_limits("taste", "wals", config, LARGE, LimitsSection(memory_gb=1))


def test_check_limits__without_a_limit_it_is_the_memory_of_the_machine(monkeypatch):
    config = models.load("bpr").Config()

    monkeypatch.setattr(limits, "machine_memory", lambda: 1000 * GB)
    check_limits("bpr", "bpr", config, LARGE, LimitsSection())
    monkeypatch.setattr(limits, "machine_memory", lambda: 4 * GB)
    with pytest.raises(LimitError, match=r"nine tenths of this machine's memory are 3\.6"):
        check_limits("bpr", "bpr", config, LARGE, LimitsSection())
    check_limits(
        "popularity", "popularity", models.load("popularity").Config(), LARGE, LimitsSection(minutes=1e-9)
    )


def test_machine_memory__is_that_of_the_container_where_it_has_less(monkeypatch, tmp_path):
    whole = machine_memory()
    (tmp_path / "memory.max").write_text("1000000\n")
    monkeypatch.setattr(limits, "_CGROUP", tmp_path / "memory.max")
    assert machine_memory() == 1e6 < whole
    (tmp_path / "memory.max").write_text("max\n")
    assert machine_memory() >= whole


def _log(n_users, n_items, n_events):
    """A matrix with a history and a timeline, made at once."""
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, n_users, n_events), np.minimum(rng.zipf(1.3, n_events) - 1, n_items - 1)
    ages = rng.uniform(0, 90, n_events).astype(np.float32)
    base = GroupedMatrix.from_csr(csr_matrix((np.ones(n_events), (users, items)), shape=(n_users, n_items)))
    order, days = np.lexsort((-ages, users)), np.lexsort((ages, items))
    ones = np.ones(n_events, np.float32)
    starts, by_item = (
        np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=n))]).astype(np.int64)
        for codes, n in ((users, n_users), (items, n_items))
    )
    history = History(starts, items[order].astype(np.int32), ages[order], ones)
    timeline = ItemTimeline(by_item, ages[days].astype(np.int32), ones)
    return GroupedMatrix(base.by_user, base.by_item, timeline, history)


SHORT = {"als": {"iterations": 1}, "wals": {"iterations": 1}, "bpr": {"epochs": 1}}


def _rise(name, config, size, answer):
    """Tell the bytes by which the memory of this process rises above what it was, at most."""
    module = models.load(name)
    module.fit(_log(400, 60, 3_000), config, rng=np.random.default_rng(1))  # compiles
    matrix = _log(*size)
    gc.collect()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    module.fit(matrix, config, rng=np.random.default_rng(1))
    answer.put(_memory("VmHWM") - before)


def _memory(name):
    line = next(each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith(name))
    return 1024 * int(line.split()[1])


SIZES = [(60_000, 4_000, 250_000), (120_000, 8_000, 500_000)]
TRAININGS = [(name, size) for name in ("als", "wals", "bpr") for size in SIZES] + [("blend", SIZES[0])]


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("name", "size"), TRAININGS)  # LambdaMART's is the blend's, over and over
def test_cost__tells_the_memory_of_a_training(name, size):
    module, matrix = models.load(name), _log(*size)
    config = module.Config(**SHORT.get(name, {}))
    sizes = Sizes(size[0], size[1], matrix.nnz, size[2])
    expected = module.SPEC.cost(config.settled(matrix, rng=np.random.default_rng(1)), sizes).memory_bytes

    # A process of its own: one that held much before takes what it has.
    spawn = multiprocessing.get_context("spawn")
    answer = spawn.Queue()
    child = spawn.Process(target=_rise, args=(name, config, size, answer))
    child.start()
    rose = answer.get(timeout=150)
    child.join()

    assert rose / 3 < expected < 3 * rose


@pytest.mark.parametrize("name", [name for name in COSTLY if name not in BOUNDED + CAPPED + DENSE])
def test_cost__grows_with_the_log_as_the_night_does(name):
    cost, config = models.load_spec(name).cost, models.load(name).Config()

    small, large = cost(config, Sizes(100_000, 20_000, 900_000, 1_000_000)), cost(config, LARGE)

    assert 9 < large.seconds / small.seconds < 60
    assert 7 < large.memory_bytes / small.memory_bytes < 60


@pytest.mark.parametrize("name", DENSE)
def test_cost__of_a_model_that_looks_at_every_pair_grows_with_them(name):
    cost, config = models.load_spec(name).cost, models.load(name).Config()

    small, large = (
        cost(config, Sizes(1_000, 2_000, 9_000, 9_000)),
        cost(config, Sizes(3_000, 4_000, 9_000, 9_000)),
    )

    np.testing.assert_allclose(large.seconds / small.seconds, 6)
    assert large.memory_bytes / small.memory_bytes < 4


@pytest.mark.parametrize("name", CAPPED)
def test_cost__of_a_model_with_short_epochs_grows_with_the_items_and_in_memory(name):
    cost, config = models.load_spec(name).cost, models.load(name).Config()

    small, large = cost(config, Sizes(100_000, 20_000, 900_000, 1_000_000)), cost(config, LARGE)

    assert 2 < large.seconds / small.seconds < 10
    assert 7 < large.memory_bytes / small.memory_bytes < 60
