"""Tell how a backfill ended: once, at its end, and not for each of its dates."""

import time
from collections.abc import Sequence

from data_contracts.notify_section import Ending, NotifySection
from data_contracts.parameters import BackfillParameters
from flows.notifying import STEP
from flows.one_date import CLOSED, FAILED, PUBLISHED, UNDECIDED, Row
from tasks.notification.notice import Notice
from tasks.notification.send import send
from tasks.runtime.progress import listener

ENDINGS: dict[str, Ending] = {
    FAILED: "failed",
    CLOSED: "rejected",
    UNDECIDED: "undecided",
    PUBLISHED: "published",
}
"""How a backfill ended in which a date did, the worst first."""
N_NAMED = 5
"""Dates that are named in a sentence."""


def tell_backfill(
    dataset: str, given: BackfillParameters, rows: Sequence[Row], receivers: tuple[NotifySection, ...]
) -> None:
    """Tell what became of the dates of a backfill; where all were done before there is nothing to tell."""
    ending = next(
        (ENDINGS[result] for result in ENDINGS if any(row["result"] == result for row in rows)), None
    )
    if ending is None or not any(ending in each.on for each in receivers):
        return
    notice = Notice(
        event=ending,
        dataset=dataset,
        as_of=None,
        text=in_a_sentence(given, rows),
        dates={row["as_of"]: row["result"] for row in rows},
    )
    began = time.monotonic()
    warnings = send(notice, receivers)
    listener().finished(STEP, time.monotonic() - began, reused=False, facts={"warnings": warnings})


def in_a_sentence(given: BackfillParameters, rows: Sequence[Row]) -> str:
    """The range, how many dates ended in which way, and the first ones that did not end well."""
    counts = {
        result: sum(row["result"] == result for row in rows) for result in dict.fromkeys(map(_result, rows))
    }
    said = ", ".join(f"{n} {result}" for result, n in counts.items())
    bad = [row for row in rows if row["result"] in {FAILED, CLOSED, UNDECIDED}]
    named = "; ".join(f"{row['as_of']} {row['result']}{_why(row)}" for row in bad[:N_NAMED])
    more = f"; and {len(bad) - N_NAMED} more" if len(bad) > N_NAMED else ""
    return f"backfill from {given.first} to {given.last}, {len(rows)} dates: {said}{named and f' ({named}{more})'}"


def _result(row: Row) -> str:
    result: str = row["result"]
    return result


def _why(row: Row) -> str:
    return f": {row['reason']}" if row["result"] == FAILED and row["reason"] else ""
