"""A scheduler and workers in processes of their own, as somebody else's cluster is."""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

NO_DASHBOARD = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
REFERENCE = Path(__file__).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def ended(process):
    """Kill a process when the block is left."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def start(folder, module, *arguments):
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"distributed.cli.{module}", *map(str, arguments)]
    path = os.pathsep.join([str(REFERENCE.parents[1]), str(REFERENCE)])
    with (folder / f"{module}.log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": path}, stderr=log, stdout=log
        )


def start_scheduler(folder, port):
    """Start one and wait until it listens; gives its process."""
    process = start(folder, "dask_scheduler", "--host", "127.0.0.1", "--port", port, *NO_DASHBOARD)
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise TimeoutError((folder / "dask_scheduler.log").read_text())


def start_worker(folder, port, memory="auto"):
    """Start a worker of one thread without a nanny, so that killing it kills the work."""
    options = (
        "--no-nanny",
        "--nthreads",
        1,
        "--host",
        "127.0.0.1",
        *NO_DASHBOARD,
        "--local-directory",
        folder,
        "--memory-limit",
        memory,
    )
    return start(folder, "dask_worker", f"tcp://127.0.0.1:{port}", *options)


@contextmanager
def restarted(folder, port, died):
    """A scheduler and a worker, and others on the same port as soon as `died` says that the first are gone."""
    stop = threading.Event()
    with ExitStack() as processes:

        def start(name):
            scheduler = start_scheduler(folder / name, port)
            processes.enter_context(ended(scheduler))
            processes.enter_context(ended(start_worker(folder / name / "worker", port)))
            return scheduler

        def again(first):
            while not stop.is_set() and (first.poll() is None or not died.exists()):
                time.sleep(0.05)
            if not stop.is_set():
                start("second")

        first = start("first")
        watcher = threading.Thread(target=again, args=(first,))
        watcher.start()
        try:
            yield first
        finally:
            stop.set()
            watcher.join()
