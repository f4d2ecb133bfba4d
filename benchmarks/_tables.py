"""Ours in a process of its own: ``python -m benchmarks._tables (events|raw) INPUT FOLDER [history]``.

``events`` maps and groups an events.parquet, ``raw`` takes a log in first. Prints seconds as JSON.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks._event_log import DATASET
from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import GroupingSection
from data_contracts.feedback_section import FeedbackSection
from data_contracts.selection import Selection
from tasks.ingestion.pipeline import ingest
from tasks.preparation.grouping import group
from tasks.preparation.mapping import make_vocabularies
from tasks.preparation.select_events import ITEMS_FILE, USERS_FILE


def main(start: str, source: Path, folder: Path, *, history: bool = False) -> None:
    """Make what the nightly run makes of a log before it trains."""
    began = time.perf_counter()
    if start == "raw":
        take_in(source, folder)
        source = folder
    taken_in = time.perf_counter()
    map_events(source / "events.parquet", folder)
    mapped = time.perf_counter()
    facts = group_events(source / "events.parquet", folder, history=history)
    ended = time.perf_counter()
    seconds = {
        "seconds": ended - began,
        "ingestion": taken_in - began,
        "mapping": mapped - taken_in,
        "grouping": ended - mapped,
    }
    print(json.dumps({**seconds, "pairs": facts["nnz"], "events": facts["events"]}))


def map_events(events: Path, folder: Path) -> None:
    """Write both vocabularies."""
    users, items = make_vocabularies(events, Selection(), folder)
    users.save(folder / USERS_FILE)
    items.save(folder / ITEMS_FILE)


def group_events(events: Path, folder: Path, *, history: bool = False) -> dict[str, int]:
    """Write the grouped matrix beside the vocabularies; returns its facts."""
    return group(
        events,
        folder,
        folder,
        selection=Selection(),
        feedback=FeedbackSection(),
        grouping=GroupingSection(history=history),
        scratch=folder,
    )


def take_in(log: Path, folder: Path) -> None:
    """Run the ingestion, contract included."""
    dataset = folder / "benchmark.toml"
    dataset.write_text(DATASET, "utf-8")
    ingest(DatasetSpec.load(str(dataset)), log, folder, scratch=folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), history="history" in sys.argv[4:])
