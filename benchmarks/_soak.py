"""Minutes of mixed load on the look-up service: known and unknown users, sessions, bad input, switches, signals."""

import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks._wrk import SHELFTALKER, free_port, load, memory_mb, serving

RATE: Final = 500
SWITCH_SECONDS: Final = 6
SIGNAL_SECONDS: Final = 20

MIXED: Final = """
local json = {{["content-type"] = "application/json"}}
request = function()
  local kind = math.random(1, 20)
  local user = string.format("u%08d", math.random(0, {users} - 1))
  if kind <= 10 then return wrk.format("GET", "/v1/users/" .. user .. "/recommendations?n=10") end
  if kind <= 12 then return wrk.format("GET", "/v1/users/nobody%20" .. kind .. "%2F%F0%9F%A7%A6/recommendations?n=10") end
  if kind <= 14 then return wrk.format("GET", string.format("/v1/items/i%06d/similar?exclude=i%06d", math.random(0, {items} - 1), kind)) end
  if kind == 15 then return wrk.format("GET", "/v1/users/" .. user .. "/recommendations?n=10&category=brand%207") end
  if kind == 16 then return wrk.format("GET", "/v1/users/" .. user .. "/recommendations?n=-1") end
  if kind == 17 then return wrk.format("GET", "/v1/items/nothing/similar") end
  if kind == 18 then return wrk.format("POST", "/v1/recommendations", json, '{{"user_ids": [') end
  if kind == 19 then return wrk.format("POST", "/v1/recommendations", json, '{{"user_ids": ["' .. user .. '", "x"]}}') end
  return wrk.format("POST", "/v1/sessions/recommendations", json, string.format('{{"items": ["i%06d"]}}', math.random(0, {items} - 1)))
end
"""


def soak(home: Path, runs: Sequence[str], users: int, items: int, minutes: float) -> dict[str, Any]:
    """Load the service; returns its answers by status, what broke, and its memory over time."""
    port, stop = free_port(), threading.Event()
    command = [*SHELFTALKER, "api", "--dataset", "shop", "--port", str(port), "--home", str(home)]
    memory: list[dict[str, int]] = []
    with serving(command, port) as service:

        def disturb() -> None:
            began = time.monotonic()
            for turn in range(10**6):
                rollback = [
                    sys.executable,
                    *SHELFTALKER,
                    "rollback",
                    "--dataset",
                    "shop",
                    "--to",
                    runs[turn % 2],
                ]
                subprocess.run([*rollback, "--home", str(home)], check=True, stdout=subprocess.DEVNULL)
                if time.monotonic() - began > SIGNAL_SECONDS * len(memory):
                    service["process"].send_signal(signal.SIGHUP)
                    memory.append(memory_mb(service["pid"]))
                if stop.wait(SWITCH_SECONDS):
                    return

        thread = threading.Thread(target=disturb)
        thread.start()
        found: dict[str, Any] = load(
            port, MIXED.format(users=users, items=items), round(minutes * 60), rate=RATE
        )
        stop.set()
        thread.join()
        found["by_status"] = _by_status(port)
        service["process"].terminate()
        found["exit_code"] = service["process"].wait()
    found["memory_mb"] = [each["own"] for each in memory]
    return found


def _by_status(port: int) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    counted: dict[str, int] = {}
    for status, n in re.findall(r'shelftalker_requests_total\{.*status="(\d+)"\} ([\d.e+]+)', text):
        counted[status] = counted.get(status, 0) + int(float(n))
    return counted
