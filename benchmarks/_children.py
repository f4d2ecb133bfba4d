"""Work that a benchmark measures in a process of its own: wall and CPU seconds, and peak memory."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEGABYTE = 1024
"""``ru_maxrss`` counts kilobytes."""


def measure(
    *arguments: str, environment: dict[str, str] | None = None, fine: tuple[int, ...] = (0,)
) -> dict[str, float]:
    """Run ``python ARGUMENTS`` and wait for it; `fine` are the exit codes that are no failure.

    Returns
    -------
    ``process_seconds``, ``cpu_seconds`` and ``peak_memory_mb`` of the child, and the numbers that it
    printed as one JSON object in its last line of output, if any.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails; what it wrote is part of the message.

    """
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, *arguments], stdout=output, env={**os.environ, **(environment or {})}
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        lines = output.read().strip().splitlines()
    if child.returncode not in fine:
        raise subprocess.CalledProcessError(child.returncode, arguments, "\n".join(lines))
    printed = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return {
        "process_seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_memory_mb": usage.ru_maxrss / MEGABYTE,
        **printed,
    }


def own_peak_mb() -> float:
    """Peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def empty_folder(parent: Path, name: str) -> Path:
    """Make a new folder."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
