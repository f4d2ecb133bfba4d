"""Damage to every kind of file that a home keeps: it is mended, passed over or named, and the next night goes on."""

import json
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from prefect.settings import PREFECT_RESULTS_LOCAL_STORAGE_PATH

from data_contracts.errors import ShelftalkerError
from data_contracts.parameters import NightlyParameters
from data_contracts.tuned import Tuned
from deployments.rehearsal import NAME, write_dataset, write_log
from deployments.torture.cases import Case, refusal
from deployments.torture.harm import FILES, harm_file

EARLIER, LAST = date(2025, 6, 1), date(2025, 7, 1)
KINDS = {
    "pointer": f"published/{NAME}/latest.json",
    "copy of the pointer": f"published/{NAME}/latest.copy.json",
    "live manifest": f"published/{NAME}/{LAST}/*/manifest.json",
    "live summary": f"published/{NAME}/{LAST}/*/summary.json",
    "live predictions": f"published/{NAME}/{LAST}/*/predictions.parquet",
    "live items": f"published/{NAME}/{LAST}/*/items.parquet",
    "live titles": f"published/{NAME}/{LAST}/*/titles.parquet",
    "live model": f"published/{NAME}/{LAST}/*/model/*",
    "live history": f"published/{NAME}/{LAST}/*/history/*",
    "earlier manifest": f"published/{NAME}/{EARLIER}/*/manifest.json",
    "earlier summary": f"published/{NAME}/{EARLIER}/*/summary.json",
    "earlier predictions": f"published/{NAME}/{EARLIER}/*/predictions.parquet",
    "receipt": f"receipts/{NAME}/*/*.json",
    "manifest of an artifact": "artifacts/*/*/manifest.json",
    "file of an artifact": "artifacts/*/*/*",
    "tuned file": f"tuned/{NAME}.toml",
}
COMMANDS = (
    ("runs",),
    ("runs", "--verify"),
    ("recommend", "--user", "nobody knows me"),
    ("recommend", "--user", "13001", "--explain"),
    ("similar", "--item", "no such item"),
    ("fold-in", "--item", "no such item"),
    ("export", "--overwrite"),
    ("rollback",),
)
MAY_FAIL = {
    "runs": (0, 1),
    "recommend": (0, 1),
    "similar": (1, 2),
    "fold-in": (1, 2),
    "export": (0, 1),
    "rollback": (0, 1, 2),
}


class Home:
    """A home of two nights, to be copied and harmed."""

    def __init__(self, folder: Path) -> None:
        self.toml, self.log = write_dataset(folder), write_log(folder)
        self.whole, self.copy = folder / "whole", folder / "harmed"
        with using(self.whole):
            for day in (EARLIER, LAST):
                _must_be_live(self.nightly(day), day)
            (self.whole / "tuned").mkdir()
            (self.whole / "tuned" / f"{NAME}.toml").write_text(Tuned(dataset=NAME).to_toml())

    def nightly(self, day: date, tuned: str | None = None) -> dict[str, object]:
        """Run a night here; returns its summary."""
        from flows.nightly import nightly

        given = NightlyParameters(dataset=str(self.toml), source=str(self.log), as_of=day, tuned=tuned)
        state: Any = nightly(given, return_state=True)
        return dict(state.result().to_json())

    def fresh(self) -> Path:
        """A whole copy, in the same place every time; this process keeps its scratch folder there."""
        self.copy.mkdir(exist_ok=True)
        for left in self.copy.iterdir():
            if left.is_symlink() or not left.is_dir():
                left.unlink()
            elif left.name != "scratch":
                shutil.rmtree(left)
        shutil.copytree(self.whole, self.copy, ignore=shutil.ignore_patterns("scratch"), dirs_exist_ok=True)
        return self.copy


@contextmanager
def using(home: Path) -> Iterator[None]:
    """Let this process work on a home."""
    before = os.environ.get("SHELFTALKER_HOME")
    os.environ["SHELFTALKER_HOME"] = str(home)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SHELFTALKER_HOME"]
        else:
            os.environ["SHELFTALKER_HOME"] = before


def damages(home: Home, n: int, seed: int) -> Iterator[Case]:
    """Every kind of file harmed in every way, or a sample of `n` of them; Prefect's results and studies, too."""
    pairs = [(kind, how) for kind in (*KINDS, "result of Prefect's", "study") for how in FILES]
    chosen = random.Random(f"damage {seed}").sample(pairs, min(n, len(pairs)))  # noqa: S311
    for kind, how in chosen:
        yield Case(f"seed {seed}, {kind}, {how}", partial(_try, home, kind, how, seed))


def _try(home: Home, kind: str, how: str, seed: int) -> str:
    rng = random.Random(f"{kind} {how} {seed}")  # noqa: S311
    folder = home.fresh()
    with using(folder):
        if kind == "study":
            return _study(rng, folder, how)
        path = _victim(rng, folder, kind)
        harm_file(rng, how, path)
        if kind == "tuned file":
            return _tuned(home, path)
        said: list[str] = []
        for words in COMMANDS:
            problem = _command(home, words, said)
            if problem:
                return f"{' '.join(words)}: {problem}"
        try:
            summary = home.nightly(LAST)
        except ShelftalkerError as error:
            # A folder in a file's place is nobody's to remove: the night says so.
            return refusal(error, path.name) if how == "folder" else f"the night fails: {error}"
        problem = _must_be_live(summary, LAST) or _verified(home, kind, how)
        return problem and f"{problem}; that night is run {summary['run_id']}, left out {summary['left_out']}"


def _victim(rng: random.Random, folder: Path, kind: str) -> Path:
    if kind == "result of Prefect's":
        stored = PREFECT_RESULTS_LOCAL_STORAGE_PATH.value()
        found = sorted(path for path in Path(str(stored)).rglob("*") if path.is_file())
    else:
        found = sorted(path for path in folder.glob(KINDS[kind]) if path.is_file())
    return rng.choice(found)


def _command(home: Home, words: tuple[str, ...], said: list[str]) -> str:
    from flows.cli import main

    done = CliRunner().invoke(main, [words[0], "--dataset", str(home.toml), *words[1:]])
    said.append(done.stderr)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return f"{type(done.exception).__name__}: {done.exception}"
    if "not foreseen" in done.stderr or done.exit_code not in MAY_FAIL[words[0]]:
        return f"exit code {done.exit_code}: {done.stderr}"
    if done.exit_code == 1 and str(home.copy) not in done.stderr and "published/" not in done.stderr:
        return f"the message names no file: {done.stderr}"
    return ""


def _must_be_live(summary: dict[str, object], day: date) -> str:
    from tasks.publication.registry import latest

    live = latest(NAME)
    if not summary["live"] or live is None or live.as_of != day:
        return f"after the next night {live} is live"
    pointed = json.loads((live.folder.parents[1] / "latest.json").read_text())
    if pointed["run"] != live.run:
        return f"the pointer says {pointed}"
    return live.damage()


def _verified(home: Home, kind: str, how: str) -> str:
    """What is still damaged after the next night may only be an earlier publication, or a copy beside it."""
    from tasks.publication.listing import WHOLE, verified_listing

    damaged = [row for row in verified_listing(NAME) if row["verified"] != WHOLE]
    expected = kind.startswith("earlier") or how == "copied aside"
    return "" if expected or not damaged else f"still damaged: {damaged}"


def _tuned(home: Home, path: Path) -> str:
    try:
        return _must_be_live(home.nightly(LAST, tuned=NAME), LAST)
    except ShelftalkerError as error:
        return refusal(error, path.name)


def _study(rng: random.Random, folder: Path, how: str) -> str:
    from tasks.tuning.studies import open_study, sqlite_url

    url = sqlite_url(folder / "studies", NAME)
    open_study(url, "study")
    path = folder / "studies" / f"{NAME}.sqlite"
    harm_file(rng, how, path)
    try:
        open_study(url, "study")
    except ShelftalkerError as error:
        return refusal(error, path.name)
    return ""
