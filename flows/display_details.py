"""What `run --verbose` adds: hashes and keys, by which a run is compared with another one or found in the home."""

import sys
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from data_contracts.errors import DamagedError
from data_contracts.run_summary import RunSummary
from flows.plain_text import printed_to
from flows.tables import cell, printable
from tasks.publication.run_receipts import of_run
from tasks.runtime.manifests import read_manifest

WIDTH = 200
"""Of tables with hashes, which are worth nothing where they are cut."""


def show_details(summary: RunSummary) -> None:
    """Print on stdout what decided a run, the key of every step, the published files, and what the gate compared by hash."""
    console = Console(file=printed_to(sys.stdout), width=WIDTH)
    receipt = of_run(summary.dataset, summary.as_of, summary.run_id)
    console.print(
        f"run {summary.run_id}" + (f", decided by {receipt.key}" if receipt else ""), soft_wrap=True
    )
    if receipt is not None:
        console.print(_table("artifacts", [_step_and_key(path) for path in receipt.artifacts]))
    if summary.published:
        console.print(_table("published files", _files(Path(summary.path))))
    hashes = [
        {"rule": rule.name, "value": value, "limit": limit}
        for rule in summary.gate.rules
        if isinstance(rule.value, str) or isinstance(rule.limit, str)
        for value, limit in zip_longest(str(rule.value).split(), str(rule.limit).split())
    ]
    if hashes:
        console.print(_table("gate, by hash", hashes))


def _step_and_key(path: str) -> dict[str, Any]:
    _, step, key = path.split("/")
    return {"step": step, "key": key}


def _files(folder: Path) -> list[dict[str, Any]]:
    """The files that a site reads: those at the top of the publication."""
    try:
        files = read_manifest(folder)["files"]
    except DamagedError as error:
        return [{"file": str(error), "bytes": "", "sha256": ""}]
    return [
        {"file": name, "bytes": f"{found['size']:,}", "sha256": found["sha256"]}
        for name, found in files.items()
        if "/" not in name
    ]


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, justify="right" if name == "bytes" else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(printable(cell(value))) for value in row.values()))
    return table
