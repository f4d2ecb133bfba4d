"""What workers of a cluster are asked to do in tests, where they can import it."""

import os
import signal
import socket
import time
from pathlib import Path

import numpy as np


def doubled(number):
    return 2 * number


def doubled_at_the_second_try(number, folder):
    """The first call leaves its process id and waits to be killed; the next one answers."""
    mark = Path(folder, f"mark-{number}")
    if not mark.exists():
        (Path(folder, "writing")).write_text(str(os.getpid()))
        Path(folder, "writing").rename(mark)
        time.sleep(60)
    return 2 * number


def greedy():
    """Take all memory that there is."""
    held = []
    while True:
        held.append(b"x" * 2**24)
        time.sleep(0.005)


HELD = []


def paused_after(number, bytes_kept):
    """Keep so much that Dask pauses the worker: it answers, and begins nothing any more."""
    HELD.append(np.ones(bytes_kept, np.uint8))
    time.sleep(1)
    return 2 * number


def doubled_by_another(number, folder):
    """The first call kills its worker; the next one answers."""
    mark = Path(folder, f"died-{number}")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def host_name():
    """Which host this is."""
    return socket.gethostname()
