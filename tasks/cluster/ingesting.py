"""Rows judged part by part, with the contract and the cleaning of one machine; the counts are judged on the whole."""

import json
import shutil
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ContractError
from tasks.cluster.calls import Workers
from tasks.cluster.copies import find_copies, known_copies
from tasks.cluster.parts import LogParts, Part, look_at, open_part, parts_of
from tasks.cluster.workplace import attempt, clear, engine
from tasks.ingestion.cautions import compare_items
from tasks.ingestion.item_metadata import Counted, Descriptions
from tasks.ingestion.late_outliers import Days, days_of, late_caution, late_outliers
from tasks.ingestion.log_pass import LogPass, row_contract
from tasks.ingestion.pass_outcome import PassOutcome
from tasks.ingestion.pipeline import EVENTS, ITEMS, PROFILE, QUARANTINE
from tasks.runtime.duckdb_engine import connect, read_parquet
from tasks.runtime.files import sha256_of
from tasks.sources.files import files_of, locate_items

PARTS, REJECTED, DESCRIBED = "events", "quarantine", "described"
"""Folders of the accepted rows, of the rejected ones, and of what is said of items: a file for each part."""


@dataclass(frozen=True)
class PartReport:
    """What became of a part; the rows themselves lie in files."""

    part: Part
    outcome: PassOutcome
    """Its examples are numbered by part and by place in `places`."""
    places: tuple[str, ...]
    days: Days
    unreadable: tuple[tuple[str, int, str | None], ...]
    """Attributes, values of each that cannot be read, and the first of them."""
    described: tuple[str, ...]
    """Columns of which a file says how often each item has which value."""
    sha256: str
    """Of the accepted rows."""


def ingest_part(
    spec: DatasetSpec, part: Part, columns: LogParts, out: Path, memory: str, copies: Path | None = None
) -> PartReport:
    """Judge the rows of one part, and write the accepted and the rejected ones. Called on a worker.

    `copies` is the folder of the extra copies (:func:`tasks.cluster.copies.find_copies`), where they are dropped.
    """
    with attempt(out) as place, engine(place, memory) as connection:
        log = open_part(spec, part, columns, connection, place.scratch)
        known = None if copies is None else known_copies(copies, part, place, memory)
        log_pass = LogPass(spec, log, row_contract(spec), place.out / EVENTS, place.scratch, known)
        try:
            log_pass.run()
        finally:
            log_pass.close()
        log_pass.quarantine.write(place.out / QUARANTINE)
        days = days_of(connection, place.out / EVENTS)
        counted = log_pass.descriptions.counted()
        for at, pairs in enumerate(counted.pairs.values()):
            pq.write_table(pairs, place.out / f"{at}.parquet", compression="zstd")
            place.keep(f"{at}.parquet", _described(out, part, at))
        outcome, places = _placed(log_pass, part)
        events = place.keep(EVENTS, out / PARTS / part.file_name)
        place.keep(QUARANTINE, out / REJECTED / part.file_name)
        return PartReport(
            part, outcome, places, days, _unreadable(counted), tuple(counted.pairs), sha256_of(events)
        )


def _described(out: Path, part: Part, column: int) -> Path:
    return out / DESCRIBED / f"c={column}" / part.file_name


def _unreadable(counted: Counted) -> tuple[tuple[str, int, str | None], ...]:
    return tuple((name, n, counted.first_unreadable.get(name)) for name, n in counted.unreadable.items())


def _placed(log_pass: LogPass, part: Part) -> tuple[PassOutcome, tuple[str, ...]]:
    """The outcome with its examples numbered by part, and where each of them stands, in words."""
    places: list[str] = []
    for examples in log_pass.tally.examples.values():
        for at, (file, record, text) in enumerate(examples):
            examples[at] = (part.number, len(places), text)
            places.append(log_pass.log.place(file, record))
    return log_pass.outcome, tuple(places)


def ingest_parts(
    spec: DatasetSpec, source: Path, out: Path, workers: Workers, *, scratch: Path, label: str = ""
) -> dict[str, Any]:
    """Read a log on the workers; what it leaves is judged and told as on one machine.

    Parameters
    ----------
    spec
        The dataset.
    source
        Its file or folder, which all workers see.
    out
        Existing folder that they see, too; gets ``events/`` and ``quarantine/`` (a Parquet file for each part),
        ``items.parquet``, ``profile.json``, and ``catalogue.parquet`` where the dataset has a catalogue.
    workers
        Who does it.
    scratch
        Existing folder of this process.
    label
        Of the step.

    Returns
    -------
    The profile, as :func:`tasks.ingestion.pipeline.ingest` gives it, and ``parts``: name, rows and sha256 of each.

    Raises
    ------
    ConfigurationError
        If the source, a column or the suite is not as the dataset file says.
    ContractError
        If the data breaks the contract, cannot be read, or rows were lost.

    """
    spec = spec.with_rule_columns
    row_contract(spec)  # what is wrong with it is said before anything is read
    files = files_of(source, spec.source)
    log = parts_of(workers.each(look_at, [(spec, *file, out, workers.memory) for file in files]))
    copies = find_copies(spec, log, out, workers) if spec.cleaning.drop_exact_duplicates else None
    calls = [(spec, part, log, out, workers.memory, copies) for part in log.parts]
    reports = workers.each(ingest_part, calls, label)
    if copies is not None:
        shutil.rmtree(copies)
    clear(out)
    outcome = _together(reports, log)
    outcome.judge(lambda part, at: reports[part].places[at], str(files[0][0]))
    found, late = _items(spec, source, out, reports, scratch), late_outliers(_days(reports))
    counted = outcome.profile()
    warnings = [
        *outcome.types.warnings(),
        *late_caution(late, counted["last_event_time"]),
        *found.pop("warnings"),
    ]
    profile = {**counted, **found, **late, "warnings": warnings}
    (out / PROFILE).write_text(json.dumps(profile, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return {**profile, "parts": [_listed(out, report) for report in reports]}


def _listed(out: Path, report: PartReport) -> dict[str, Any]:
    rows, name = report.outcome.written.rows, report.part.file_name
    there = pq.read_metadata(out / PARTS / name).num_rows
    if there != rows:
        raise ContractError(f"{PARTS}/{name} holds {there:,} rows; {rows:,} were accepted")
    return {"name": name, "rows": rows, "sha256": report.sha256}


def _together(reports: Sequence[PartReport], log: LogParts) -> PassOutcome:
    whole = deepcopy(reports[0].outcome)
    for report in reports[1:]:
        whole.add(report.outcome)
    whole.files = log.n_files
    return whole


def _days(reports: Sequence[PartReport]) -> Days:
    days = reports[0].days
    for report in reports[1:]:
        days = days.plus(report.days)
    return days


def _items(
    spec: DatasetSpec, source: Path, out: Path, reports: Sequence[PartReport], scratch: Path
) -> dict[str, Any]:
    """Write what is said of items, from the counts of all parts and the item table."""
    descriptions = Descriptions(spec)
    for report in reports:
        pairs = {
            name: pq.read_table(_described(out, report.part, at)) for at, name in enumerate(report.described)
        }
        first = {name: text for name, _, text in report.unreadable if text is not None}
        counts = {name: n for name, n, _ in report.unreadable}
        descriptions.add_counted(Counted(pairs, counts, first))
    items = locate_items(spec, source)
    with connect(scratch) as connection:
        found = descriptions.write(out / ITEMS, connection, items, scratch)
        warnings, table = list(descriptions.warnings), descriptions.item_table
        if table is not None and items is not None:
            matches, remarks = compare_items(connection, read_parquet(out / PARTS), table.table, items.name)
            found["item_table"] = {**table.counts, **matches}
            warnings += [*table.warnings, *remarks]
    return {**found, "warnings": warnings}
