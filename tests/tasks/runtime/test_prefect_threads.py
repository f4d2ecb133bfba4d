"""How a process ends after it has run steps: nothing is said for no reason, and nothing is kept back."""

import subprocess
import sys

import pytest

LATE = {
    "callback": "import atexit\natexit.register(lambda: 1 / 0)\n",
    "destructor": "class Late:\n    def __del__(self):\n        1 / 0\nlate = Late()\n",
}


def end_of(script):
    """What a process says on stderr that has run a script."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    return done.stderr


@pytest.mark.parametrize("when", LATE)
def test_step__a_late_traceback_is_seen(when):
    said = end_of(f"{LATE[when]}from tasks.runtime import duckdb_engine, step")

    assert "Traceback" in said
    assert "ZeroDivisionError" in said


def test_step__ends_the_loops_that_would_keep_duckdb_from_ending():
    script = """
import asyncio
import tasks.runtime.step
from prefect._internal.concurrency.threads import get_global_loop, get_run_sync_loop
import duckdb

async def hold(what):
    await asyncio.sleep(3600)

for thread in (get_global_loop(), get_run_sync_loop()):
    asyncio.run_coroutine_threadsafe(hold(duckdb.connect()), thread.loop)
"""

    assert end_of(script) == ""
