"""One pass over a log: judge every row, and part the accepted from the rejected."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts import columns
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from data_contracts.suite_files import find_suite
from tasks.ingestion.batches import ahead, rechunk
from tasks.ingestion.duplicates import Copies, ExtraCopies
from tasks.ingestion.event_types import TypeCounts
from tasks.ingestion.event_writer import EventWriter
from tasks.ingestion.item_metadata import Descriptions
from tasks.ingestion.normalization import STRIPPED, UPPER_CASED
from tasks.ingestion.pass_outcome import PassOutcome
from tasks.ingestion.quarantine import Quarantine
from tasks.ingestion.reader import FILE_NUMBER, RECORD, Log
from tasks.validation.row_rules import SHOWN, Bits, Example, RowContract, Rule, Tally
from tasks.validation.suites import Suite

CHUNK_ROWS = 1_000_000
"""Rows under contract at once: Great Expectations takes a tenth of a second for each call, whatever it is given."""

CHUNK_VALUES = 10_000_000
"""Rows times source columns under contract at once, for wide logs."""


_READABLE = {
    "missing_columns": "every line has as many columns as the header",
    "too_many_columns": "every line has as many columns as the header",
    "invalid_json": "every line is one JSON object",
    "invalid_encoding": "every line is UTF-8; if the file is not, write encoding = ... under [source]",
    "line_size_over_maximum": 'no line is longer than 32 MB; if quotation marks mean nothing, write quote = "" under [source]',
    "unquoted_value": "quotation marks open and close whole fields",
}


def row_contract(spec: DatasetSpec) -> RowContract:
    """Load the row rules of a dataset, and refuse a suite that ignores what the dataset asks for.

    Raises
    ------
    ConfigurationError
        Naming the dataset file, the suite and the rule that is missing.

    """
    suite = Suite(find_suite(spec.contract.suite, spec.folder))
    present = [*_judged_columns(spec), *suite.meta.get("columns", {})]
    suite = suite.without_optional(present)
    judged = {entry.get("kwargs", {}).get("column") for entry in suite.expectations}
    needed = {
        columns.USER_ID: True,
        columns.ITEM_ID: True,
        columns.EVENT_TIME: spec.columns.time,
        columns.VALUE: spec.columns.value,
        columns.EVENT_TYPE: spec.columns.event,
        columns.CANCELLED: spec.cancellation,
        columns.EXTRA_COPY: spec.cleaning.drop_exact_duplicates,
    }
    for name, wanted in needed.items():
        if wanted and name not in judged:
            raise ConfigurationError(
                f"dataset {spec.file} has {name!r}, but its suite {suite.path} has no rule for that column"
            )
    keep = spec.cleaning.anonymous == "keep"
    guests = {
        entry["meta"]["reason"]
        for entry in suite.expectations
        if entry.get("type") == "expect_column_values_to_not_be_null"
        and entry["kwargs"].get("column") == columns.USER_ID
        and "reason" in entry.get("meta", {})
    }
    return RowContract(suite, keep=guests if keep else ())


def _judged_columns(spec: DatasetSpec) -> list[str]:
    """Event columns that the contract sees."""
    found = [columns.USER_ID, columns.ITEM_ID]
    found += [columns.EVENT_TIME] if spec.columns.time else []
    found += [columns.VALUE] if spec.columns.value else []
    found += [columns.EVENT_TYPE] if spec.columns.event else []
    found += [columns.BASKET_ID] if spec.columns.basket else []
    found += [columns.CANCELLED, columns.KEPT_VALUE] if spec.cancellation else []
    return found + ([columns.EXTRA_COPY] if spec.cleaning.drop_exact_duplicates else [])


class LogPass:
    """One pass over a log.

    Parameters
    ----------
    spec
        The dataset.
    log
        Its files.
    contract
        What every row is judged by.
    events
        Path that the accepted rows are written to.
    scratch
        Folder for the rejected rows until all files were read.
    copies
        Who knows the extra copies, where the dataset drops them; they are looked for in `log` if None.

    """

    def __init__(
        self,
        spec: DatasetSpec,
        log: Log,
        contract: RowContract,
        events: Path,
        scratch: Path,
        copies: Copies | None = None,
    ) -> None:
        self.copies = copies
        self.spec, self.log, self.contract = spec, log, contract
        self.tally = Tally(f"{spec.name} ({contract.suite.path.name})")
        self.quarantine = Quarantine(log, scratch)
        self.descriptions = Descriptions(spec)
        roles = spec.columns
        self.events = EventWriter(
            events, with_baskets=roles.basket is not None, with_types=roles.event is not None
        )
        self.types = TypeCounts(spec)
        self.changes = {STRIPPED: 0, UPPER_CASED: 0}
        self.rules: dict[str, Rule] = dict(contract.rules)

    def run(self) -> None:
        """Read, judge and write, piece by piece."""
        wanted = self.spec.cleaning.drop_exact_duplicates
        copies = (self.copies or ExtraCopies(self.log)) if wanted else None
        n_rows = max(1, min(CHUNK_ROWS, CHUNK_VALUES // max(1, len(self.log.names))))
        stream = self.log.batches(self.contract.columns, hashes=wanted and self.copies is None)
        with ahead(lambda: rechunk(stream, n_rows)) as pieces:
            for piece in pieces:
                if copies:
                    piece = copies.mark(piece)
                self._take(piece)
        self._count_unreadable()

    def close(self) -> None:
        """Close the files, whatever happened."""
        self.events.close()
        self.quarantine.close()

    def judge(self) -> None:
        """Stop if the log, or what was made of it, breaks its contract."""
        self.outcome.judge(self.log.place, str(self.log.files[0][0]))

    def profile(self) -> dict[str, Any]:
        """Counts for the manifest and for people."""
        return self.outcome.profile()

    @property
    def outcome(self) -> PassOutcome:
        """What was found so far."""
        return PassOutcome(
            self.spec,
            self.tally,
            self.rules,
            self.types,
            self.changes,
            self.events.counts,
            len(self.log.files),
        )

    def _take(self, piece: pa.Table) -> None:
        judged = [*_judged_columns(self.spec), *self.contract.columns]
        bits = self.contract.check(piece.select(judged))
        self.tally.rows += piece.num_rows
        for name in self.changes:
            self.changes[name] += pc.sum(piece.column(name)).as_py() or 0
        rejected = (bits & self.contract.rejecting) != 0
        self._count(piece, bits)
        accepted = piece
        if rejected.any():
            self.tally.rejected += int(rejected.sum())
            self.quarantine.add(piece.filter(pa.array(rejected)), bits[rejected], self.contract.names)
            raw = self.log.raw_names()
            accepted = piece.drop_columns(raw).filter(pa.array(~rejected))
        self.events.write(accepted)
        if self.spec.columns.event:
            self.types.add(accepted.column(columns.EVENT_TYPE))
        self.descriptions.add(accepted)

    def _count(self, piece: pa.Table, bits: Bits) -> None:
        present = int(np.bitwise_or.reduce(bits, initial=np.uint64(0)))
        for reason in self.contract.names(present):
            rows = np.flatnonzero(bits & np.uint64(1 << self.contract.reasons.index(reason)))
            self.tally.add(reason, len(rows), self._examples(piece, rows[:SHOWN]))

    def _examples(self, piece: pa.Table, rows: npt.NDArray[np.intp]) -> list[Example]:
        shown = piece.take(pa.array(rows))
        values = [shown.column(name).to_pylist() for name in self.log.raw_names()]
        where = zip(shown.column(FILE_NUMBER).to_pylist(), shown.column(RECORD).to_pylist(), strict=True)
        return [
            (file, record, ", ".join(_short(value) for value in row))
            for (file, record), row in zip(where, zip(*values, strict=True), strict=True)
        ]

    def _count_unreadable(self) -> None:
        limit = float(self.contract.suite.meta.get("unreadable_tolerance", 0.0))
        for number, lines in self.log.unreadable.items():
            self.tally.rows += len(lines)
            self.tally.rejected += len(lines)
            for record, reason, text in lines:
                words = _READABLE.get(reason, "every line can be read")
                self.rules[reason] = Rule(reason, limit, "quarantine", words)
                self.tally.add(reason, 1, [(number, -record, _short(text))])


def _short(value: Any) -> str:
    shown = str(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
