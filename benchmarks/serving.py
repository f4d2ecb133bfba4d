"""The look-up service under load: requests per second and latency by wrk, on this machine, beside an empty FastAPI.

The load takes one core, the service another. ``--home`` measures a publication of your own beside the made one of
`--users` users. wrk (Debian's package) must be there.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks._served_shop import publish_shop

EMPTY: Final = """
from fastapi import FastAPI, Response
app = FastAPI()
@app.get("/v1/users/{user_id:path}/recommendations")
async def nothing(user_id: str, n: int = 10):
    return Response(b"{}", media_type="application/json")
"""
KNOWN: Final = """
request = function() return wrk.format("GET", string.format("/v1/users/u%08d/recommendations?n=10", math.random(0, {users} - 1))) end
"""
FILTERED: Final = """
request = function() return wrk.format("GET", string.format(
  "/v1/users/u%08d/recommendations?n=10&exclude=i%06d&exclude=i%06d&category=brand%%20%d",
  math.random(0, {users} - 1), math.random(0, {items} - 1), math.random(0, {items} - 1), math.random(0, 49))) end
"""
SESSION: Final = """
request = function()
  local given = {{}}
  for at = 1, 20 do given[at] = string.format('"i%06d"', math.random(0, {items} - 1)) end
  return wrk.format("POST", "/v1/sessions/recommendations", {{["content-type"] = "application/json"}},
    '{{"items": [' .. table.concat(given, ",") .. '], "n": 10}}')
end
"""
ONE: Final = 'request = function() return wrk.format("GET", "/v1/users/{user}/recommendations?n=10") end'
SHELFTALKER: Final = ("-c", "from flows.cli import main; main()")
CONNECTIONS: Final = 20
SWITCHES: Final = 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=27_000)
    parser.add_argument("--factors", type=int, default=128)
    parser.add_argument("--seconds", type=int, default=10, help="of each load")
    parser.add_argument("--rate", type=int, default=1000, help="requests per second of the steady loads")
    parser.add_argument("--home", type=Path, help="a home with a publication of your own")
    parser.add_argument("--dataset", default="online_retail_reference", help="its dataset")
    parser.add_argument("--user", default="12748", help="a user of it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is not installed: apt-get install wrk")
    report: dict[str, Any] = {"users": given.users, "items": given.items, "factors": given.factors}
    with tempfile.TemporaryDirectory(prefix="shelftalker-serving-") as folder:
        report["empty_fastapi"] = _empty(Path(folder), given)
        if given.home is not None:
            report[given.dataset] = _own(given)
        report["made"] = _made(Path(folder), given)
    ratio = report["made"]["known_users"]["per_second"] / report["empty_fastapi"]["per_second"]
    report["share_of_empty_fastapi"] = round(ratio, 2)
    print(json.dumps(report, indent=None if given.json else 1))


def _empty(folder: Path, given: argparse.Namespace) -> dict[str, float]:
    (folder / "empty.py").write_text(EMPTY)
    port = _free_port()
    command = ["-m", "uvicorn", "empty:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    with _serving(command, port, "/docs", cwd=folder):
        return _load(port, ONE.format(user="u1"), given.seconds)


def _own(given: argparse.Namespace) -> dict[str, Any]:
    port = _free_port()
    command = [
        *SHELFTALKER,
        "api",
        "--dataset",
        given.dataset,
        "--port",
        str(port),
        "--home",
        str(given.home),
    ]
    with _serving(command, port) as service:
        return {
            **service,
            "one_user": _load(port, ONE.format(user=given.user), given.seconds),
            "steady": _load(port, ONE.format(user=given.user), given.seconds, rate=given.rate),
        }


def _made(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    rng = np.random.default_rng(given.seed)
    print(f"making two publications of {given.users} users", file=sys.stderr)
    runs = publish_shop(folder / "home", given.users, given.items, given.factors, rng=rng)
    port = _free_port()
    command = [
        *SHELFTALKER,
        "api",
        "--dataset",
        "shop",
        "--port",
        str(port),
        "--home",
        str(folder / "home"),
    ]
    scripts = {name: text.format(users=given.users, items=given.items) for name, text in _SCRIPTS.items()}
    with _serving(command, port) as service:
        found: dict[str, Any] = {**service, "known_users": _load(port, scripts["known"], given.seconds)}
        found["known_users_steady"] = _load(port, scripts["known"], given.seconds, rate=given.rate)
        found["filtered_steady"] = _load(port, scripts["filtered"], given.seconds, rate=given.rate)
        found["switching"] = _switching(folder / "home", port, runs, scripts["known"], given)
        found["memory_mb_after"] = memory_mb(service["pid"])
        _load(port, scripts["session"], 1, connections=1)  # loads the model
        found["sessions"] = _load(port, scripts["session"], given.seconds, connections=1)
        found["memory_mb_after_sessions"] = memory_mb(service["pid"])
    return found


_SCRIPTS: Final = {"known": KNOWN, "filtered": FILTERED, "session": SESSION}


def _switching(
    home: Path, port: int, runs: Sequence[str], script: str, given: argparse.Namespace
) -> dict[str, float]:
    """Load while what is live changes ten times."""
    stop = threading.Event()

    def switch() -> None:
        for at in range(SWITCHES):
            command = [
                sys.executable,
                *SHELFTALKER,
                "rollback",
                "--dataset",
                "shop",
                "--to",
                runs[at % 2],
            ]
            subprocess.run([*command, "--home", str(home)], check=True, stdout=subprocess.DEVNULL)
            if stop.wait(given.seconds * 2 / SWITCHES):
                return

    thread = threading.Thread(target=switch)
    thread.start()
    try:
        return _load(port, script, given.seconds * 2, rate=given.rate)
    finally:
        stop.set()
        thread.join()


def _load(
    port: int, script: str, seconds: int, *, rate: int | None = None, connections: int | None = None
) -> dict[str, float]:
    """What wrk reports; with `rate` each connection waits between its requests."""
    lines = [script]
    if rate is not None:
        connections = CONNECTIONS
        lines.append(f"delay = function() return {1000 * connections / rate:.0f} end")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write("\n".join(lines))
        file.flush()
        command = ["wrk", "-t1", f"-c{connections or 8}", f"-d{seconds}s", "--latency", "-s", file.name]
        text = subprocess.run(
            [*command, f"http://127.0.0.1:{port}"], check=True, capture_output=True, text=True
        ).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return {
        "per_second": _number(text, r"Requests/sec:\s+([\d.]+)"),
        **{f"p{share}_ms": _milliseconds(text, share) for share in (50, 99)},
        "failed": int(failed[1]) if failed else 0,
        "broken": sum(map(int, broken.groups())) if broken else 0,
    }


def _number(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    assert found is not None, text
    return float(found[1])


def _milliseconds(text: str, share: int) -> float:
    found = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)\n", text)
    assert found is not None, text
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]


@contextmanager
def _serving(
    command: list[str], port: int, ready: str = "/health/ready", cwd: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Start a server; yields how long it took to be ready, and its memory then."""
    began = time.perf_counter()
    path = os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH"))))
    child = subprocess.Popen(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}", timeout=1).close()
                break
            except OSError:
                assert child.poll() is None, f"the server ended with {child.returncode}: {command}"
                time.sleep(0.02)
        took = time.perf_counter() - began
        yield {"seconds_to_ready": round(took, 2), "memory_mb": memory_mb(child.pid), "pid": child.pid}
    finally:
        child.terminate()
        child.wait()


def memory_mb(pid: int) -> dict[str, int]:
    """Memory of a process: its own, and the pages of files that it has mapped."""
    text = Path(f"/proc/{pid}/status").read_text("utf-8")
    kilobytes = {name: int(_number(text, rf"{name}:\s+(\d+)")) for name in ("RssAnon", "RssFile")}
    return {"own": kilobytes["RssAnon"] // 1024, "mapped": kilobytes["RssFile"] // 1024}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
