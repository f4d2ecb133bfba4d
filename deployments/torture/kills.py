"""Kills at every rename and flush and at random times, and two processes at once: nothing half is ever left."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from deployments.rehearsal import NAME
from deployments.torture.cases import Case
from deployments.torture.damage import LAST, Home, using
from deployments.workspace import ROOT

SHOP = "shop"
SECONDS = 90
PUBLISHING = """
import os, signal, sys
from datetime import date
from pathlib import Path

from tasks.publication.registry import Publication, publish, roll_back
from tasks.publication.file_export import write_copy
from tasks.runtime import store
from tasks.runtime.files import replace_json
import pyarrow, pyarrow.parquet

victim, calls = int(sys.argv[1]), 0

def counted(function):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == victim:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return call

os.fsync, os.rename, os.replace = map(counted, (os.fsync, os.rename, os.replace))
print("began", flush=True)
store.sweep()

def write(folder):
    pyarrow.parquet.write_table(pyarrow.table({"x": list(range(1000))}), folder / "predictions.parquet")
    (folder / "model").mkdir()
    (folder / "model" / "factors.npy").write_bytes(bytes(1000))
    return {"n": 1000}

for day in (1, 2, 3):
    ref = store.obtain("tiny", {"day": day}, "code", write)
    one = Publication(dataset="shop", as_of=date(2026, 1, day), run=f"run{day}")
    parts = {name: ref.folder / name for name in ("predictions.parquet", "model")}
    publish(one, parts, {"model": {"kind": "popularity"}})
    receipt = store.home() / f"receipts/shop/{one.as_of}/key.json"
    receipt.parent.mkdir(parents=True, exist_ok=True)
    replace_json(receipt, {"run": one.run})
    write_copy(one.folder / "predictions.parquet", store.home() / "exports/shop/day/run/predictions.csv", "csv")
roll_back("shop", "run2")
print(calls, flush=True)
"""


def start(home: Path, victim: int = 0) -> subprocess.Popen[str]:
    """Start the publishing of three days into a home; it kills itself at one of its calls, if told to."""
    return subprocess.Popen(
        [sys.executable, "-c", PUBLISHING, str(victim)],
        cwd=ROOT,
        env={**os.environ, "SHELFTALKER_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> int:
    """Wait for its end; returns how many renames and flushes it made."""
    out, err = process.communicate(timeout=SECONDS)
    if process.returncode:
        raise RuntimeError(f"publishing ended with {process.returncode}: {err}")
    return int(out.split()[-1])


def kills_at_calls(folder: Path, n: int, seed: int) -> Iterator[Case]:
    """A kill at every rename and every flush, or at a sample of `n` of them."""
    expected = folder / "expected"
    n_calls = finish(start(expected))
    content = contents(expected)
    victims = sorted(random.Random(f"kills {seed}").sample(range(1, n_calls + 1), min(n, n_calls)))  # noqa: S311
    for victim in victims:
        home = folder / f"call-{victim}"
        yield Case(
            f"call {victim} of {n_calls}",
            partial(_killed, home, content, victim=victim),
        )


def kills_at_times(folder: Path, n: int, seed: int) -> Iterator[Case]:
    """Kills of the same at random times."""
    expected = folder / "expected"
    finish(start(expected))
    content = contents(expected)
    for number in range(n):
        seconds = random.Random(f"times {seed} {number}").uniform(0.0, 0.5)  # noqa: S311
        home = folder / f"time-{number}"
        yield Case(
            f"after {seconds:.4f} s",
            partial(_killed, home, content, seconds=seconds),
        )


def _killed(home: Path, content: dict[str, str], *, victim: int = 0, seconds: float | None = None) -> str:
    process = start(home, victim)
    if seconds is not None and process.stdout is not None:
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    process.communicate(timeout=SECONDS)
    problem = half_state(home, SHOP)
    if problem:
        return problem
    finish(start(home))
    found = contents(home)
    shutil.rmtree(home)
    return (
        ""
        if found == content
        else f"started again, it left other files: {sorted(found.items() ^ content.items())}"
    )


def half_state(home: Path, dataset: str) -> str:
    """What is half done in a home after a kill, and what a sweep leaves of it."""
    from tasks.publication.publications import look_through
    from tasks.publication.registry import latest
    from tasks.runtime import store

    with using(home):
        pointer = home / "published" / dataset / "latest.json"
        if pointer.exists() and json.loads(pointer.read_text())["dataset"] != dataset:
            return "the pointer is half written"
        live = latest(dataset)
        wrong = [live.damage()] if live else []
        wrong += [
            each.problem or (each.publication.damage() if each.publication else "")
            for each in look_through(dataset)
        ]
        store.sweep()
        left = [path for path in home.rglob(f"{store.TEMPORARY}*") if path != store.scratch()]
    problems = [each for each in wrong if each] + [f"left after the sweep: {path}" for path in left]
    return "; ".join(problems)


def contents(home: Path) -> dict[str, str]:
    """Sha256 of every file that does not tell the time."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home).as_posix()
        if path.is_file() and path.name != "manifest.json" and not name.startswith("scratch"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def two_publish(folder: Path, n: int) -> Iterator[Case]:
    """Two processes that publish the same at once."""
    expected = folder / "expected"
    finish(start(expected))
    content = contents(expected)

    def both(home: Path) -> str:
        for process in [start(home), start(home)]:
            finish(process)
        found = contents(home)
        shutil.rmtree(home)
        return "" if found == content else f"{sorted(found.items() ^ content.items())}"

    for number in range(n):
        yield Case(f"round {number}", partial(both, folder / f"two-{number}"))


def run(home: Home, api: str) -> subprocess.Popen[str]:
    """Start a night as people would."""
    words = [
        "run",
        "--dataset",
        home.toml,
        "--source",
        home.log,
        "--as-of",
        LAST,
        "--home",
        home.copy,
        "--json",
    ]
    return subprocess.Popen(
        [sys.executable, "-c", "from flows.cli import main; main()", *map(str, words)],
        cwd=ROOT,
        env={
            **os.environ,
            "PREFECT_API_URL": api,
            "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(home.copy / "results"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_nights(home: Home, api: str, n: int, seed: int) -> Iterator[Case]:
    """Whole runs killed at random times; what is live stays whole."""
    for number in range(n):
        rng = random.Random(f"night {seed} {number}")  # noqa: S311
        yield Case(f"seed {seed}, number {number}", partial(_killed_night, home, api, rng))


def _killed_night(home: Home, api: str, rng: random.Random) -> str:
    folder = home.fresh()
    shutil.rmtree(folder / "published" / NAME / str(LAST))
    for step in rng.sample(sorted((folder / "artifacts").iterdir()), 5):
        shutil.rmtree(step)
    with using(folder):
        from tasks.publication.registry import roll_back

        roll_back(NAME)
    process = run(home, api)
    time.sleep(rng.uniform(2.0, 9.0))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=SECONDS)
    return half_state(folder, NAME)


def two_nights(home: Home, api: str, n: int) -> Iterator[Case]:
    """Two whole runs of one day on one home at once."""

    def both() -> str:
        folder = home.fresh()
        shutil.rmtree(folder / "artifacts" / "train")
        ended = [(each, *each.communicate(timeout=SECONDS)) for each in (run(home, api), run(home, api))]
        wrong = [err[-500:] for each, _, err in ended if each.returncode]
        names = {json.loads(out)["run_id"] for _, out, _ in ended} if not wrong else set()
        if wrong or len(names) != 1:
            return f"{names} {wrong}"
        return half_state(folder, NAME)

    for number in range(n):
        yield Case(f"round {number}", both)
