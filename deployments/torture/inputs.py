"""Hostile input: logs, dataset files, suites and arguments, in this process; each is taken or refused in a clear line."""

import bz2
import gzip
import io
import json
import random
import shutil
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow.parquet as pq
from click.testing import CliRunner
from pyarrow import csv as arrow_csv

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ShelftalkerError
from data_contracts.parameters import NightlyParameters
from deployments.rehearsal import write_dataset
from deployments.torture.cases import Case, refusal
from deployments.torture.harm import TEXTS, harmed

N_ROWS = 300
LOG = """name = "odd"
[source]
path = "log.csv"
[columns]
user = "user"
item = "item"
time = "time"
value = "value"
[feedback]
kind = "quantity"
[contract]
max_reject_rate = 1.0
[models.popularity]
baseline = true
[evaluation]
cold_start = "popularity"
"""
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 10**9, 2**63, 10**30, 0.5, -0.0, 1e308, float("inf"), float("nan"), "", " ", "\0", "none",
    "auto", "x" * 5000, "\x1b[31m", "../..", "postgresql://me:not-this@h/d", "precision@0", "[", [], [[]], [1, "a"],
    {}, {"a": {}}, {"": 1}, "9999-12-31",
)  # fmt: skip


def write_log(rng: random.Random) -> bytes:
    """A small log as CSV."""
    rows = ["user,item,time,value"]
    for n in range(N_ROWS):
        day = f"2025-{1 + n * 12 // N_ROWS:02}-{1 + rng.randrange(28):02}T{rng.randrange(24):02}:00:00"
        rows.append(f"u{rng.randrange(30):02},i{rng.randrange(20):02},{day},{rng.randrange(1, 9)}")
    return "\n".join(rows).encode() + b"\n"


def logs(n: int, folder: Path, seed: int) -> Iterator[Case]:
    """Damaged and odd logs in all formats."""
    for number in range(n):
        rng = random.Random(f"log {seed} {number}")  # noqa: S311 - chance that can be repeated
        clean = write_log(rng)
        form = rng.choice(("csv", "csv", "csv", "csv.gz", "csv.bz2", "zip", "jsonl", "json", "parquet"))
        name, content = (
            ("clean", clean) if form in {"parquet", "csv.gz", "csv.bz2", "zip"} else harmed(rng, clean)
        )
        content = _written(form, content)
        if form in {"parquet", "csv.gz", "csv.bz2", "zip"}:
            name, content = harmed(rng, content)
        path = folder / f"log-{number}.{form}"
        path.write_bytes(content)
        yield Case(f"seed {seed}, number {number}, {form}, {name}", partial(_read, path))
        path.unlink(missing_ok=True)


def _written(form: str, content: bytes) -> bytes:
    """The log in another format; where its CSV is too odd for that, the odd CSV under the other name."""
    if form == "csv.gz":
        return gzip.compress(content)
    if form == "csv.bz2":
        return bz2.compress(content)
    if form == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("log.csv", content)
        return buffer.getvalue()
    try:
        if form in {"json", "jsonl"}:
            lines = content.decode("latin-1").splitlines()
            rows = [dict(zip(lines[0].split(","), line.split(","), strict=False)) for line in lines[1:]]
            text = json.dumps(rows) if form == "json" else "\n".join(map(json.dumps, rows))
            return text.encode()
        if form == "parquet":
            buffer = io.BytesIO()
            pq.write_table(arrow_csv.read_csv(io.BytesIO(content)), buffer)
            return buffer.getvalue()
    except (ValueError, IndexError):
        pass
    return content


def _read(path: Path) -> str:
    """Ingest a log: every row is accounted for, or the log is refused."""
    from tasks.ingestion.pipeline import ingest
    from tasks.runtime import store

    toml = path.with_suffix(".toml")
    toml.write_text(LOG)
    out = path.with_suffix(".out")
    out.mkdir()
    try:
        found = ingest(DatasetSpec.load(toml), path, out, scratch=store.scratch())
        n_events = pq.read_metadata(out / "events.parquet").num_rows
    except Exception as error:  # noqa: BLE001 - judged by what it says
        return refusal(error, path.name)
    finally:
        shutil.rmtree(out)
        toml.unlink()
    counted = found["rows_accepted"] + found["rows_rejected"]
    if found["rows_read"] != counted or n_events != found["rows_accepted"] or found["anonymous"] > n_events:
        return f"{found['rows_read']} rows read, {counted} counted, {n_events} written: {found}"
    return ""


def dataset_files(n: int, folder: Path, seed: int) -> Iterator[Case]:
    """Dataset files with odd values, misspelt keys, and harmed bytes."""
    base = write_dataset(folder).read_text("utf-8")
    for number in range(n):
        rng = random.Random(f"dataset {seed} {number}")  # noqa: S311
        path = folder / f"odd-{number}.toml"
        name, content = _odd_toml(rng, base) if rng.random() < 0.8 else harmed(rng, base.encode())
        path.write_bytes(content)
        yield Case(f"seed {seed}, number {number}, {name}", partial(_check, path))
        path.unlink()


def _odd_toml(rng: random.Random, base: str) -> tuple[str, bytes]:
    lines = base.splitlines()
    names = []
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = [at for at, line in enumerate(lines) if "=" in line]
        at = rng.choice(places)
        key = lines[at].partition("=")[0].strip()
        value = rng.choice(ODD_VALUES)
        new_key = f"{key}s" if rng.random() < 0.1 else key
        lines[at] = f"{new_key} = {_toml(value)}"
        names.append(f"{new_key} = {str(value)[:20]}")
    return ", ".join(names), "\n".join(lines).encode()


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if value is None:
        return '"none"'
    if isinstance(value, float):
        return str(value)
    return json.dumps(value)


def _check(path: Path) -> str:
    from flows.planning import check_before

    try:
        check_before(NightlyParameters(dataset=str(path)))
    except ShelftalkerError as error:
        known = {path.name, *_model_names(path)}
        return (
            "a password is repeated" if "not-this" in str(error) else refusal(error, *known, "suite", "study")
        )
    return ""


def _model_names(path: Path) -> list[str]:
    """What an error about a model names instead of the file."""
    try:
        models = tomllib.loads(path.read_text("utf-8")).get("models")
    except (ValueError, RecursionError):
        return []
    return [f"{name}" for name in models] if isinstance(models, dict) else []


def suites(n: int, folder: Path, seed: int) -> Iterator[Case]:
    """Suites with odd nodes."""
    from data_contracts.suite_files import FOLDER

    bases = [json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    for number in range(n):
        rng = random.Random(f"suite {seed} {number}")  # noqa: S311
        document = json.loads(json.dumps(rng.choice(bases)))
        places = list(_places(document))
        for _ in range(rng.choice((1, 1, 3))):
            parent, key = rng.choice(places)
            parent[key] = rng.choice(ODD_VALUES)
        path = folder / f"suite-{number}.json"
        content = json.dumps(document).encode()
        name, content = ("a node", content) if rng.random() < 0.8 else harmed(rng, content)
        path.write_bytes(content)
        yield Case(f"seed {seed}, number {number}, {name}", partial(_compile, path))
        path.unlink()


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    for key in node if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])


def _compile(path: Path) -> str:
    from tasks.validation.suites import Suite

    try:
        Suite(path).compiled  # noqa: B018 - it raises
    except ShelftalkerError as error:
        return refusal(error, path.name)
    return ""


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("runs", "--dataset", "?"),
    ("runs", "--dataset", "?", "--verify", "--json"),
    ("recommend", "--dataset", "small", "--user", "?"),
    ("recommend", "--dataset", "small", "--user", "?", "-k", "?"),
    ("recommend", "--dataset", "?", "--user", "?", "--explain"),
    ("similar", "--dataset", "small", "--item", "?"),
    ("target", "--dataset", "small", "--item", "?", "-k", "?"),
    ("fold-in", "--dataset", "small", "--item", "?", "--item", "?"),
    ("rollback", "--dataset", "small", "--to", "?"),
    ("export", "--dataset", "small", "--run", "?"),
    ("export", "--dataset", "small", "--sink", "?"),
    ("export", "--dataset", "small", "--chunk-rows", "?", "--table", "?"),
    ("init", "?"),
    ("run", "--dataset", "?", "--as-of", "?"),
    ("run", "--seed", "?", "--source", "?"),
    ("run", "--dataset", "sample", "--tuned", "?"),
    ("tune", "--minutes", "?", "--trials", "?"),
    ("tune", "--study", "?", "--models", "?"),
    ("backfill", "--from", "?", "--to", "?"),
    ("prune", "--keep-days", "?", "--keep-last", "?"),
    ("?",),
)
ARGUMENTS = (
    "", " ", "-1", "0", "1", "1e9", "nan", "inf", "9" * 40, "a b", "\x1b[31mred\x07", "../../etc", "/dev/null", ".",
    "\N{SLICE OF PIZZA}" * 3, "' OR 1=1 --", "sample", "small", "postgresql://me:not-this@127.0.0.1:1/d", "sqlite://", "env:NONE",
    "{HOME}", "2025-02-30", "0001-01-01", "9999-12-31", "2025-06-01", "--help", "u\udcff", "x" * 10_000, "*", "[a]", "%00",
    *(each.decode("latin-1").replace("\0", "\x01") for each in TEXTS),
)  # fmt: skip


def arguments(n: int, seed: int) -> Iterator[Case]:
    """Commands with odd arguments."""
    for number in range(n):
        rng = random.Random(f"argument {seed} {number}")  # noqa: S311
        words = [rng.choice(ARGUMENTS) if word == "?" else word for word in rng.choice(COMMANDS)]
        yield Case(f"seed {seed}, number {number}, {words!a}"[:200], partial(_command, words))


class _ServerReachedError(ShelftalkerError):
    """Everything was checked; the next thing would be to ask a server."""


def _command(words: list[str]) -> str:
    from flows.cli import main

    with _without_server():
        done = CliRunner().invoke(main, words)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return f"{type(done.exception).__name__}: {done.exception}"
    if "not foreseen" in done.stderr or "Traceback" in done.stderr:
        return done.stderr[:600]
    if done.exit_code not in {0, 1, 2, 3, 4}:
        return f"exit code {done.exit_code}"
    if "not-this" in done.stderr and not done.stderr.startswith("Usage:"):  # click repeats what was typed
        return "a password is repeated"
    if any(not (c.isprintable() or c == "\n") for c in done.stderr):
        return f"control characters reach the terminal: {done.stderr!a}"[:300]
    return "" if done.exit_code == 0 or done.stderr.strip() else "an error without a word"


@contextmanager
def _without_server() -> Iterator[None]:
    def refuse() -> None:
        raise _ServerReachedError("the server would be asked now")

    replaced: dict[str, Callable[..., Any]] = {
        "flows.own_server.begin": lambda: None,
        "flows.own_server.wait": refuse,
        "gc.freeze": lambda: None,
        "gc.set_threshold": lambda *_: None,
    }
    with ExitStack() as stack, redirect_stderr(io.StringIO()):
        for name, by in replaced.items():
            stack.enter_context(mock.patch(name, by))
        stack.enter_context(mock.patch("flows.cli_common.SETTINGS", {}))
        yield
