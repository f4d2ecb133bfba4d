"""Raw log in, judged events out: the accepted rows, the rejected rows, the items' names, the counts."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_contracts.dataset import DatasetSpec
from tasks.ingestion.cautions import compare_items, id_cautions, many_events
from tasks.ingestion.late_outliers import days_of, late_caution, late_outliers
from tasks.ingestion.log_pass import LogPass, row_contract
from tasks.ingestion.reader import Log
from tasks.runtime.duckdb_engine import connect, read_parquet
from tasks.sources.files import files_of, locate_items

EVENTS, QUARANTINE, ITEMS, PROFILE = "events.parquet", "quarantine.parquet", "items.parquet", "profile.json"


def ingest(spec: DatasetSpec, source: Path, out: Path, *, scratch: Path) -> dict[str, Any]:
    """Read a log, judge every row by the dataset's contract, and write what was found.

    Parameters
    ----------
    spec
        The dataset.
    source
        Its file or folder.
    out
        Existing folder; gets ``events.parquet`` (user_id, item_id, event_time, value, and basket_id and event_type
        where the log has them), ``quarantine.parquet``, ``items.parquet``, ``profile.json``, and ``catalogue.parquet``
        where the dataset has a catalogue.
    scratch
        Existing folder for temporary files.

    Returns
    -------
    The profile (counts of rows read, accepted, anonymous, by reason; first and last time; what the item table
    matches; ``warnings`` for people) and ``seconds``.

    Raises
    ------
    ConfigurationError
        If the source, a column or the suite is not as the dataset file says.
    ContractError
        If the data breaks the contract, or cannot be read.

    """
    started = time.perf_counter()
    spec = spec.with_rule_columns
    with _workplace(scratch) as place, connect(place) as connection:
        log = Log(spec, files_of(source, spec.source), connection, place)
        log_pass = LogPass(spec, log, row_contract(spec), out / EVENTS, place)
        try:
            log_pass.run()
        finally:
            log_pass.close()
        log_pass.judge()
        log_pass.quarantine.write(out / QUARANTINE)
        items = locate_items(spec, source)
        found = log_pass.descriptions.write(out / ITEMS, connection, items, place)
        late = late_outliers(days_of(connection, out / EVENTS))
        counted = log_pass.profile()
        warnings = [*log_pass.types.warnings(), *late_caution(late, counted["last_event_time"])]
        warnings += id_cautions(connection, spec, out / EVENTS)
        warnings += [*many_events(connection, spec, out / EVENTS), *log_pass.descriptions.warnings]
        table = log_pass.descriptions.item_table
        if table is not None and items is not None:
            matches, remarks = compare_items(connection, read_parquet(out / EVENTS), table.table, items.name)
            found["item_table"] = {**table.counts, **matches}
            warnings += [*table.warnings, *remarks]
    profile = {**counted, **found, **late, "warnings": warnings}
    (out / PROFILE).write_text(json.dumps(profile, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return {**profile, "seconds": round(time.perf_counter() - started, 3)}


@contextmanager
def _workplace(scratch: Path) -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="ingestion-", dir=scratch))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
