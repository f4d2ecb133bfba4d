"""Draft a log, load the draft and ingest by it: what somebody does on their first day."""

from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from data_contracts.dataset import DatasetSpec
from tasks.ingestion.pipeline import ingest
from tasks.onboarding.draft import look_at
from tasks.sources.files import locate


class Accepted(NamedTuple):
    """What came of it."""

    toml: str
    spec: DatasetSpec
    facts: dict[str, Any]
    events: list[dict[str, Any]]
    notes: list[str]


def accept(folder: Path, source: Path, *, change: dict[str, str] | None = None) -> Accepted:
    """Draft `source`, change texts of the draft, and ingest."""
    made = look_at(source, "first")
    toml = made.toml
    for old, new in (change or {}).items():
        assert old in toml
        toml = toml.replace(old, new)
    (folder / "first.toml").write_text(toml, encoding="utf-8")
    (folder / "first.json").write_text(made.suite, encoding="utf-8")
    spec = DatasetSpec.load(folder / "first.toml")
    facts = ingest(spec, locate(spec), folder, scratch=folder)
    assert facts["rows_read"] == facts["rows_accepted"] + facts["rows_rejected"]
    return Accepted(toml, spec, facts, pq.read_table(folder / "events.parquet").to_pylist(), made.notes)
