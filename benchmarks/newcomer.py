"""From a clone to a published file of one's own: minutes of each step on a machine that has none of it.

    python -m benchmarks.newcomer --json

A clone of this checkout's last commit goes into an empty folder, ``make install`` fetches every library anew, and a CSV
that the project has never seen is drafted, checked and run by the commands of the README. No cache of pip or numba is used.
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

ROOT: Final = Path(__file__).parents[1]
USERS, ITEMS, DAYS = 5_000, 2_000, 365
OWN: Final = ("PYTHON", "SHELFTALKER_", "PREFECT_", "NUMBA_", "VIRTUAL_ENV")
"""What the variables begin with that a new machine would not have."""


@dataclass(frozen=True)
class Step:
    """One command of the README."""

    name: str
    seconds: float
    processor_seconds: float
    """Of all its processes: near ``seconds`` times the cores where nothing waits for the network or the disk."""


def write_orders(path: Path, n_rows: int, seed: int = 0) -> None:
    """Write the orders of a shop as CSV: customers with favourites, items by a power law, several rows an order."""
    rng = np.random.default_rng(seed)
    order = np.repeat(np.arange(n_rows), rng.poisson(2.0, n_rows) + 1)[:n_rows]
    customer = (USERS * rng.power(0.4, order[-1] + 1)).astype(int)[order]
    favourites = (ITEMS * rng.power(0.4, (USERS, 12))).astype(int)
    again = rng.random(n_rows) < 0.5
    item = np.where(
        again, favourites[customer, rng.integers(0, 12, n_rows)], (ITEMS * rng.power(0.4, n_rows)).astype(int)
    )
    minute = np.sort(rng.integers(0, DAYS * 24 * 60, order[-1] + 1))[order]
    start = datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    rows = {
        "order_no": 100_000 + order,
        "order_date": [
            (start + timedelta(minutes=int(each))).strftime("%Y-%m-%d %H:%M:%S") for each in minute
        ],
        "customer_no": [f"C{each:05d}" for each in customer],
        "sku": [f"{each:06d}" for each in item],
        "product_name": [f"Product {each}" for each in item],
        "qty": rng.integers(1, 4, n_rows),
    }
    pd.DataFrame(rows).to_csv(path, index=False)


def walk(folder: Path, n_rows: int) -> list[Step]:
    """Do what the README says, in an empty folder."""
    clone = folder / "shelftalker"
    orders = folder / "orders.csv"
    write_orders(orders, n_rows)
    ours = str(clone / ".venv" / "bin" / "shelftalker")
    commands = {
        "clone": ["git", "clone", "--quiet", "--no-local", str(ROOT), str(clone)],
        "install": ["make", "--silent", "-C", str(clone), "install"],
        "init": [ours, "init", str(orders)],
        "check": [ours, "check", "orders.toml"],
        "run": [ours, "run", "--dataset", "orders.toml"],
    }
    return [_timed(name, command, folder) for name, command in commands.items()]


def _timed(name: str, command: Sequence[str], folder: Path) -> Step:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OWN)}
    log = folder / f"{name}.log"
    own = {"PIP_NO_CACHE_DIR": "1", "PREFECT_HOME": str(folder / "prefect"), "DO_NOT_TRACK": "1"}
    began, used = time.perf_counter(), _processor_seconds()
    with log.open("wb") as said:
        done = subprocess.run(
            command, cwd=folder, env={**kept, **own}, stdout=said, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        raise SystemExit(f"`{' '.join(command)}` ended with {done.returncode}:\n{log.read_text('utf-8')}")
    return Step(name, round(time.perf_counter() - began, 1), round(_processor_seconds() - used, 1))


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: list[str] | None = None) -> None:
    """Walk, and print the minutes."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.newcomer", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rows", type=int, default=100_000, help="of the CSV")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        steps = walk(Path(folder), given.rows)
    minutes = sum(each.seconds for each in steps) / 60
    if given.json:
        figures = {
            "rows": given.rows,
            "cores": len(os.sched_getaffinity(0)),
            "load_before": round(os.getloadavg()[2], 1),
            "minutes": round(minutes, 2),
            "steps": [asdict(each) for each in steps],
        }
        print(json.dumps({"results": [figures]}, indent=2))
        return
    for each in steps:
        print(f"{each.name:8} {each.seconds:7.1f} s  ({each.processor_seconds:.1f} s of processor time)")
    print(f"{minutes:.1f} minutes for {given.rows:,} rows")


if __name__ == "__main__":
    main()
