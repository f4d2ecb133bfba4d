"""Logs of many files, and what one machine makes of them, for tests of what a cluster makes of the same."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.dataset import DatasetSpec
from data_contracts.selection import Selection
from tasks.cluster.by_user import divide_rows
from tasks.cluster.grouping import Rules, group_rows
from tasks.cluster.ingesting import PARTS, ingest_parts
from tasks.ingestion.pipeline import ingest
from tasks.preparation.grouping import group, open_grouped
from tasks.preparation.mapping import make_vocabularies

HEADER = "user,item,time,n,title"


def write_log(folder: Path, n_files=4, n_rows=600, seed=0):
    """A folder of CSV files: some people without an id, some rows that cannot be read, returns, and times."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(n_files):
        users, items = rng.integers(60, size=n_rows), rng.zipf(1.6, size=n_rows) % 40
        lines = [HEADER]
        for at in range(n_rows):
            user = "" if rng.random() < 0.1 else f"Kund {users[at]:02} é"
            n = rng.choice([1, 1, 2, 3, 12, -1, 0.5])
            day, minute = rng.integers(1, 29), rng.integers(60)
            lines.append(
                f"{user},i{items[at]},2024-0{1 + number % 9}-{day:02} 10:{minute:02},{n},Item {items[at]}"
            )
        lines[7] = f"{number},,2024-01-01 10:00,1,without an item"
        lines[11] = "u1,i1,2024-13-45 10:00,1,at no time"
        lines[13] = "one column"
        (folder / f"log-{number}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_dataset(folder: Path, sections=""):
    """Its dataset file."""
    path = folder / "shop.toml"
    path.write_text(
        'name = "shop"\n[source]\npath = "log"\n[columns]\nuser = "user"\nitem = "item"\ntime = "time"\nvalue = "n"\n'
        f'title = "title"\n{sections}\n',
        encoding="utf-8",
    )
    return DatasetSpec.load(path)


@dataclass
class Made:
    """What an engine made of a log."""

    profile: dict
    events: pa.Table
    quarantine: pa.Table
    items: pa.Table
    folder: Path
    counts: dict


def on_one_machine(spec: DatasetSpec, source: Path, selection: Selection, out: Path):
    """Ingest, map and group as the nightly run does."""
    for name in ("ingested", "vocabulary", "grouped", "scratch"):
        (out / name).mkdir(parents=True)
    profile = ingest(spec, source, out / "ingested", scratch=out / "scratch")
    events = out / "ingested" / "events.parquet"
    for ids in make_vocabularies(events, selection, out / "scratch"):
        ids.save(out / "vocabulary" / ("users.parquet" if ids.name == "user_id" else "items.parquet"))
    counts = group(
        events,
        out / "vocabulary",
        out / "grouped",
        selection=selection,
        feedback=spec.feedback,
        grouping=spec.grouping,
        scratch=out / "scratch",
    )
    tables = (
        pq.read_table(out / "ingested" / f"{name}.parquet") for name in ("events", "quarantine", "items")
    )
    return Made(profile, *tables, out / "grouped", counts), open_grouped(out / "grouped", counts)


def ingested_by(workers, spec: DatasetSpec, source: Path, out: Path):
    """What workers make of a log, row by row; gives the profile."""
    for name in ("ingested", "scratch"):
        (out / name).mkdir(parents=True)
    return ingest_parts(spec, source, out / "ingested", workers, scratch=out / "scratch")


def grouped_by(
    workers, spec: DatasetSpec, ingested: Path, profile: dict, selection: Selection, out: Path, n_blocks
):
    """What they make of its rows; gives the counts."""
    for name in ("by_user", "grouped"):
        (out / name).mkdir(parents=True)
    parts = [(ingested / PARTS / each["name"], each["rows"]) for each in profile["parts"]]
    divide_rows(parts, n_blocks, out / "by_user", workers)
    rules = Rules(selection, spec.feedback, spec.grouping)
    return group_rows(out / "by_user", n_blocks, out / "grouped", workers, rules=rules)[2]


def on_workers(spec: DatasetSpec, source: Path, selection: Selection, out: Path, workers, n_blocks=5):
    """The same as one machine, on a cluster."""
    profile = ingested_by(workers, spec, source, out)
    counts = grouped_by(workers, spec, out / "ingested", profile, selection, out, n_blocks)
    tables = (pq.read_table(out / "ingested" / name) for name in ("events", "quarantine", "items.parquet"))
    return Made(profile, *tables, out / "grouped", counts)


def bytes_of(*folders: Path):
    """Content of all files below some folders."""
    return {
        f"{folder.name}/{path.relative_to(folder)}": path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
