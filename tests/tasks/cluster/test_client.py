"""Workers are found, checked and waited for; whatever is wrong with them is said within the limit."""

import os
import signal
import threading
import time

import pytest

pytest.importorskip("distributed")

import cluster_calls
import dask_processes

from data_contracts.cluster_section import VARIABLE, ClusterSection
from data_contracts.errors import ClusterError, ClusterLostError
from tasks.cluster import calls, client

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with client.workers(ClusterSection(workers=2), tmp_path_factory.mktemp("shared")) as found:
        yield found


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A scheduler without workers."""
    port = dask_processes.free_port()
    with dask_processes.ended(dask_processes.start_scheduler(tmp_path_factory.mktemp("scheduler"), port)):
        yield f"tcp://127.0.0.1:{port}"


def kill_who_left(mark, seconds=30.0):
    """Kill the process that writes its number into a file."""
    end = time.monotonic() + seconds
    while not mark.exists() and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(int(mark.read_text()), signal.SIGKILL)


def test_each__answers_in_the_order_of_the_calls(local):
    calls = [(number,) for number in range(20)]
    assert local.each(cluster_calls.doubled, calls) == [2 * number for number in range(20)]


def test_each__makes_the_call_of_a_killed_worker_again(local, tmp_path):
    killer = threading.Thread(target=kill_who_left, args=(tmp_path / "mark-3",))
    killer.start()
    assert local.each(cluster_calls.doubled_at_the_second_try, [(3, str(tmp_path))]) == [6]
    killer.join()


def test_each__says_that_a_call_takes_too_much_memory(tmp_path):
    section = ClusterSection(workers=1, memory_gb=0.5, timeout_seconds=60)
    with (
        client.workers(section, tmp_path) as small,
        pytest.raises(ClusterError, match=r"greedy, call 1 of 1 ended .* workers .* memory .* \[cluster\]"),
    ):
        small.each(cluster_calls.greedy, [()])


def test_workers__says_that_nobody_answers(tmp_path):
    section = ClusterSection(scheduler=f"tcp://127.0.0.1:{dask_processes.free_port()}", timeout_seconds=1)
    began = time.monotonic()
    said = r"no Dask scheduler answers at tcp://127\.0\.0\.1:.* within 1 s"
    with pytest.raises(ClusterLostError, match=said), client.workers(section, tmp_path):
        pass
    assert time.monotonic() - began < 30


def test_workers__says_that_there_are_no_workers(address, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, address)
    said, section = (
        f"no worker came to the scheduler at {address} within 1 s",
        ClusterSection(timeout_seconds=1),
    )
    with pytest.raises(ClusterLostError, match=said), client.workers(section, tmp_path):
        pass


def test_workers__refuses_other_versions(local, monkeypatch):
    monkeypatch.setattr(calls, "version", lambda name: "0.1")
    with pytest.raises(ClusterError, match=r"other versions than the run: .*numpy 0\.1 and 2\."):
        local.each(cluster_calls.doubled, [(1,)])


def test_workers__leaves_a_cluster_that_it_did_not_start(address, tmp_path):
    folder, port = tmp_path / "worker", int(address.rpartition(":")[2])
    section = ClusterSection(scheduler=address, timeout_seconds=60)
    with dask_processes.ended(dask_processes.start_worker(folder, port)) as process:
        for _ in range(2):
            with client.workers(section, tmp_path) as found:
                assert found.each(cluster_calls.doubled, [(4,)]) == [8]
        assert process.poll() is None


def test_check__refuses_a_worker_that_does_not_see_the_home(local, tmp_path):
    with pytest.raises(ClusterError, match=f"does not see {tmp_path}: SHELFTALKER_HOME must lie on a disk"):
        client._check(local, tmp_path / "nothing")


def test_each__does_not_wait_for_a_lost_worker_that_calls_suited_best(tmp_path):
    with client.workers(ClusterSection(workers=1), tmp_path) as alone:
        (address,) = alone.client.nthreads()
        calls = [(3, str(tmp_path)), (4, str(tmp_path))]
        # Its nanny brings another one, under another address.
        assert alone.each(cluster_calls.doubled_by_another, calls, places=[address, address]) == [6, 8]


@pytest.fixture
def full(tmp_path):
    """A cluster whose one worker is paused from its first call on, and what starts another one."""
    port = dask_processes.free_port()
    with (
        dask_processes.ended(dask_processes.start_scheduler(tmp_path / "scheduler", port)),
        dask_processes.ended(dask_processes.start_worker(tmp_path / "full", port, memory="700MB")),
        client.workers(
            ClusterSection(scheduler=f"tcp://127.0.0.1:{port}", timeout_seconds=5), tmp_path
        ) as found,
    ):
        (address,) = found.client.nthreads()
        yield found, address, lambda: dask_processes.start_worker(tmp_path / "other", port)


def test_each__says_that_all_workers_are_paused(full):
    found, address, _ = full
    calls = [(number, 600_000_000) for number in (1, 2)]
    with pytest.raises(ClusterError, match=r"all workers at .* have been paused for 5 s: .* memory"):
        found.each(cluster_calls.paused_after, calls, places=[address] * 2)


def test_each__gives_the_calls_of_a_paused_worker_to_another_one(full):
    found, address, start_another = full
    assert found.each(cluster_calls.paused_after, [(1, 600_000_000)]) == [2]
    with dask_processes.ended(start_another()):
        found.client.wait_for_workers(1, timeout=30)
        assert found.each(cluster_calls.doubled, [(3,), (4,)], places=[address] * 2) == [6, 8]
