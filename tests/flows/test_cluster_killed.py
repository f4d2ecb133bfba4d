"""A run on workers that loses its own process, or the cluster, ends as if nothing had been."""

import dask_processes
import pytest
from killed_run import killed, states_of
from small_shop import FAST_MODELS, published_bytes, run

pytest.importorskip("distributed")

import dask
import dying_wals

from tasks.cluster import wals_tasks
from tasks.publication.registry import latest
from tasks.runtime import store

pytestmark = pytest.mark.cluster

GROUPED, TRAINED = "group interactions by blocks of users", "train wals on workers"
REUSED = {
    "group_by_block": ["read and check small.csv on workers", "divide events by user"],
    "export": [GROUPED, TRAINED, "evaluate wals", "decide"],
}


@pytest.fixture
def scheduler(tmp_path):
    """Address of a scheduler with one worker."""
    port = dask_processes.free_port()
    with (
        dask_processes.ended(dask_processes.start_scheduler(tmp_path / "scheduler", port)),
        dask_processes.ended(dask_processes.start_worker(tmp_path / "worker", port)),
    ):
        yield f"tcp://127.0.0.1:{port}"


@pytest.mark.parametrize("victim", REUSED)
def test_nightly__on_workers_killed_and_started_again_publishes_what_one_machine_does(
    victim, home, small, first_run, other_process, scheduler
):
    parameters = small(engine="dask", scheduler=scheduler)

    killed(victim, parameters, other_process)
    assert latest("small") is None

    state = run(parameters)

    assert published_bytes(state.result()) == published_bytes(first_run)
    states = states_of(state)
    assert {states[name] for name in REUSED[victim]} <= {"Cached"}
    assert list(home.rglob(f"{store.TEMPORARY}*")) == [store.scratch()]
    assert not list(home.rglob(".tmp-attempt-*"))


def test_nightly__goes_on_after_its_scheduler_died(home, small, first_run, tmp_path, monkeypatch):
    models = FAST_MODELS.replace("iterations = 2", "iterations = 4")
    assert models != FAST_MODELS
    monkeypatch.setattr(wals_tasks, "item_product", dying_wals.item_product)
    port, beside = dask_processes.free_port(), home / "artifacts" / "group_by_block"
    beside.mkdir(parents=True)
    parameters = small(models=models, engine="dask", scheduler=f"tcp://127.0.0.1:{port}")
    quick = {"distributed.comm.timeouts.connect": "2s"}
    with dask_processes.restarted(tmp_path, port, beside / "died") as first, dask.config.set(quick):
        (beside / "victim").write_text(str(first.pid))
        found = run(parameters).result()

    assert (beside / "died").exists()
    assert found.published
    assert found.models["wals"].seconds
    assert published_bytes(found)["predictions.parquet"] == published_bytes(first_run)["predictions.parquet"]
