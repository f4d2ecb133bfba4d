"""The workers: found at an address or started here, and checked before they are used."""

import logging
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
from distributed import Client, LocalCluster

from data_contracts.cluster_section import VARIABLE, ClusterSection
from data_contracts.errors import ClusterError, ClusterLostError
from tasks.cluster.calls import Workers, address_of, call, surroundings
from tasks.runtime.duckdb_engine import MEMORY_LIMIT

OF_A_WORKER = 0.4
"""Share of a worker's memory that DuckDB may use; the rest is for arrays and for Python."""

OF_OUR_WORKERS = {
    "distributed.worker.daemon": True,
    # They hold files in memory, and nothing that Dask could write to disk; paused, they would free nothing.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
}


@contextmanager
def workers(section: ClusterSection, shared: Path, scratch: Path | None = None) -> Iterator[Workers]:
    """Connect to the cluster of a section, or start workers here; they are checked before anything is asked of them.

    Parameters
    ----------
    section
        Where, and for how long it is waited.
    shared
        An existing folder that every worker must see.
    scratch
        An existing folder for what workers that are started here throw away; `shared` if None.

    Raises
    ------
    ClusterLostError
        If nobody answers at the address, or no worker comes, within the limit.
    ClusterError
        If a worker has other versions, or does not see the folder.

    """
    address = section.scheduler or os.environ.get(VARIABLE)
    with _connected(section, address, scratch or shared) as client:
        try:
            client.wait_for_workers(1 if address else section.workers, timeout=section.timeout_seconds)
        except TimeoutError as error:
            raise ClusterLostError(
                f"no worker came to the scheduler at {address_of(client)} within {section.timeout_seconds:g} s; start some "
                "with `dask worker`, or write a longer timeout_seconds under [cluster]"
            ) from error
        found = Workers(client, section, _memory(client))
        with tempfile.NamedTemporaryFile(prefix=".tmp-seen-", dir=shared) as probe:
            _check(found, Path(probe.name))
        yield found


@contextmanager
def _connected(section: ClusterSection, address: str | None, scratch: Path) -> Iterator[Client]:
    # Prefect lets everybody's news through; what matters of Dask's comes out as an error of ours.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    wanted = section.timeout_seconds
    if address:
        try:
            client = Client(address, timeout=wanted, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise ClusterLostError(
                f"no Dask scheduler answers at {address} within {wanted:g} s ({_first_line(error)}); correct scheduler under [cluster] or "
                f"${VARIABLE}, or start it with `dask scheduler`"
            ) from error
        with client:
            _same_dask(client)
            yield client
        return
    limit = "auto" if section.memory_gb is None else f"{int(section.memory_gb * 2**30)}B"
    with (
        tempfile.TemporaryDirectory(prefix="workers-", dir=scratch, ignore_cleanup_errors=True) as folder,
        dask.config.set(OF_OUR_WORKERS),
        LocalCluster(
            n_workers=section.workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            scheduler_port=0,
            # Nobody looks at a dashboard here, but without a port of its own its server would take another one's.
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            memory_limit=limit,
            local_directory=folder,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, timeout=wanted, set_as_default=False) as client,
    ):
        yield client


def _same_dask(client: Client) -> None:
    """Refuse a scheduler with other versions: its messages may mean something else."""
    found = client.get_versions()
    mine, theirs = (found[side]["packages"] for side in ("client", "scheduler"))
    different = [
        f"{name} {mine.get(name)} and {theirs.get(name)}"
        for name in ("dask", "distributed", "msgpack", "cloudpickle")
        if mine.get(name) != theirs.get(name)
    ]
    if different:
        raise ClusterError(
            f"the scheduler at {address_of(client)} has other versions than the run: {', '.join(different)}; install the "
            "same on both"
        )


def _check(found: Workers, probe: Path) -> None:
    """Refuse workers of other versions, and those that do not see a file of the home."""
    expected = surroundings(__name__)
    futures = [
        found.client.submit(
            call, expected, __name__, sees.__name__, str(probe), workers=[address], pure=False, retries=0
        )
        for address in found.client.nthreads()
    ]
    for future in found.as_they_end(futures):
        host = found.result(future, "a look around")
        if host:
            raise ClusterError(
                f"the worker on {host} does not see {probe.parent}: SHELFTALKER_HOME must lie on a disk that this "
                "machine and all workers share, under the same path"
            )


def sees(path: str) -> str:
    """Name of this machine if a file is not there, else ''."""
    return "" if Path(path).exists() else socket.gethostname()


def _memory(client: Client) -> str:
    """What DuckDB may use in one call: the same share of the smallest worker, and never more than on one machine."""
    known = client.scheduler_info()["workers"].values()
    limits = [each["memory_limit"] / each["nthreads"] for each in known if each["memory_limit"]]
    if not limits:
        return MEMORY_LIMIT
    share = int(min(limits) * OF_A_WORKER) // 2**20
    return f"{max(64, min(share, 2048))}MiB"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
