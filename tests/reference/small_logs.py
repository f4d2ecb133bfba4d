"""Tiny logs and datasets for tests of what reads them."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from data_contracts.dataset import DatasetSpec
from tasks.ingestion.pipeline import ingest

COLUMNS = """
[columns]
user = "user"
item = "item"
time = "time"
"""


def dataset(folder: Path, extra: str = "", *, source: str = "", columns: str = COLUMNS, split: str = "time"):
    """A dataset whose file lies in `folder`; `extra` may hold more sections."""
    path = folder / "tiny.toml"
    window = "" if "[window]" in extra else f'[window]\nsplit = "{split}"\n'
    path.write_text(
        f'name = "tiny"\n[source]\npath = "log.csv"\n{source}\n{columns}\n{window}\n{extra}', encoding="utf-8"
    )
    return DatasetSpec.load(path)


def suite(folder: Path, expectations: list[dict], **meta) -> Path:
    """A suite file in `folder`."""
    path = folder / "tiny.json"
    path.write_text(
        json.dumps({"name": "tiny", "meta": meta, "expectations": expectations}), encoding="utf-8"
    )
    return path


def rule(
    kind: str, column: str, reason: str, *, tolerance: float = 0.0, action: str = "quarantine", **limits
):
    """One row rule; kind is what stands between ``expect_column_`` and the end."""
    meta = {"reason": reason, "tolerance": tolerance, "action": action, "rule": f"rule of {reason}"}
    return {
        "type": f"expect_column_{kind}",
        "kwargs": {"column": column, **limits},
        "severity": "warning",
        "meta": meta,
    }


def write_csv(folder: Path, rows: list[str], name: str = "log.csv", header: str = "user,item,time") -> Path:
    """A CSV of lines as they are."""
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def many(n: int, start: int = 0) -> list[str]:
    """Good lines that make a few bad ones a small share."""
    return [f"u{k % 7},i{k % 5},2024-01-{1 + k % 28:02d} 10:{k % 60:02d}" for k in range(start, start + n)]


def run(folder: Path, spec: DatasetSpec, source: Path, name: str = "out"):
    """Ingest, and read back: profile, events, quarantine and items as lists of dicts."""
    out, scratch = folder / name, folder / "scratch"
    out.mkdir(exist_ok=True)
    scratch.mkdir(exist_ok=True)
    facts = ingest(spec, source, out, scratch=scratch)
    assert not list(scratch.iterdir())
    tables = [
        pq.read_table(out / f"{table}.parquet").to_pylist() for table in ("events", "quarantine", "items")
    ]
    return facts, *tables
