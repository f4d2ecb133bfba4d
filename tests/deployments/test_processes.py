"""Child processes end whole: themselves, what they started, and what ran away into a session of its own."""

import os
import signal
import sys
import time

import pytest

from data_contracts.errors import ShelftalkerError
from deployments.processes import Child, descendants, lives

FAMILY = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print("ready", flush=True)
time.sleep(60)
"""


def child(tmp_path, code):
    return Child("sleeper", [sys.executable, "-c", code], os.environ, tmp_path / "logs" / "sleeper.log")


def started(tmp_path, code=FAMILY):
    process = child(tmp_path, code).start()
    while "ready" not in process.tail():
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_child__ends_with_all_it_started(tmp_path, end):
    process = started(tmp_path)
    family = [process.pid, *descendants(process.pid)]
    assert len(family) == 2

    getattr(process, end)()

    assert process.returncode is not None
    assert not any(map(lives, family))


def test_child__is_killed_where_it_does_not_listen(tmp_path):
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    process = started(tmp_path, deaf)

    process.stop(seconds=0.3)

    assert process.returncode == -signal.SIGKILL


def test_child__says_how_it_ended_and_its_last_words(tmp_path):
    process = child(tmp_path, "print('no such table'); raise SystemExit(3)").start()
    while process.returncode is None:
        time.sleep(0.02)

    with pytest.raises(ShelftalkerError, match=r"sleeper ended with exit code 3(.|\n)*no such table"):
        process.must_live()
