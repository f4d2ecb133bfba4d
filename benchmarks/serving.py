"""The look-up service under load: requests per second and latency by wrk, on this machine, beside an empty FastAPI.

The load takes one core, the service another. ``--home`` measures a publication of your own beside the made one of
`--users` users. wrk (Debian's package) must be there.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks._served_shop import publish_shop
from benchmarks._soak import soak
from benchmarks._wrk import SHELFTALKER, free_port, load, memory_mb, serving

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
    parser.add_argument(
        "--soak", type=float, default=0, help="minutes of mixed load with switches and signals"
    )
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
    port = free_port()
    command = ["-m", "uvicorn", "empty:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    with serving(command, port, "/docs", cwd=folder):
        return load(port, ONE.format(user="u1"), given.seconds)


def _own(given: argparse.Namespace) -> dict[str, Any]:
    port = free_port()
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
    with serving(command, port) as service:
        return {
            **_figures(service),
            "one_user": load(port, ONE.format(user=given.user), given.seconds),
            "steady": load(port, ONE.format(user=given.user), given.seconds, rate=given.rate),
        }


def _made(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    rng = np.random.default_rng(given.seed)
    print(f"making two publications of {given.users} users", file=sys.stderr)
    runs = publish_shop(folder / "home", given.users, given.items, given.factors, rng=rng)
    port = free_port()
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
    with serving(command, port) as service:
        found: dict[str, Any] = {
            **_figures(service),
            "known_users": load(port, scripts["known"], given.seconds),
        }
        found["known_users_steady"] = load(port, scripts["known"], given.seconds, rate=given.rate)
        found["filtered_steady"] = load(port, scripts["filtered"], given.seconds, rate=given.rate)
        found["switching"] = _switching(folder / "home", port, runs, scripts["known"], given)
        found["memory_mb_after"] = memory_mb(service["pid"])
        load(port, scripts["session"], 1, connections=1)  # loads the model
        found["sessions"] = load(port, scripts["session"], given.seconds, connections=1)
        found["memory_mb_after_sessions"] = memory_mb(service["pid"])
    if given.soak:
        found["soak"] = soak(folder / "home", runs, given.users, given.items, given.soak)
    return found


def _figures(service: dict[str, Any]) -> dict[str, Any]:
    return {name: service[name] for name in ("seconds_to_ready", "memory_mb")}


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
        return load(port, script, given.seconds * 2, rate=given.rate)
    finally:
        stop.set()
        thread.join()


if __name__ == "__main__":
    main()
