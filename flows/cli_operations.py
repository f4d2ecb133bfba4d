"""Commands of whoever keeps the system running: many dates at once, and making room."""

import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click

from data_contracts.errors import GateClosedError, UnfinishedError
from data_contracts.limits import MAX_COUNT, MAX_DAYS, MAX_SEED
from flows import cli_common as common
from flows.cli_common import (
    as_date,
    dataset_option,
    engine_options,
    exits,
    home_option,
    print_rows,
    quiet_option,
)
from flows.tables import printable


@click.group()
def operations() -> None:
    """Commands of operators."""


@operations.command()
@dataset_option
@click.option("--from", "first", required=True, callback=as_date, help="First day (YYYY-MM-DD).")
@click.option("--to", "last", required=True, callback=as_date, help="Last day, included.")
@click.option(
    "--every", type=click.Choice(["1d", "1w"]), default="1d", show_default=True, help="From date to date."
)
@click.option("--force", is_flag=True, help="Run dates that were done before, too.")
@click.option(
    "--parallel", type=click.IntRange(1, 64), default=1, show_default=True, help="Dates at work at once."
)
@click.option("--stop-on-error", is_flag=True, help="Leave the dates after a broken one alone.")
@click.option("--dry-run", is_flag=True, help="Only say which dates would run.")
@click.option(
    "--source", type=click.Path(), help="The log (a path or URL), instead of the one the dataset names."
)
@click.option(
    "--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Decides all chance."
)
@click.option("--tuned", help="Parameters to use: name or .toml of what `shelftalker tune` wrote.")
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@quiet_option
@home_option
@exits
def backfill(first: date, last: date, *, as_json: bool, quiet: bool, home: Path | None, **given: Any) -> None:
    """Run every date of a range, oldest first; exit code 1 if one failed, 4 if a gate is closed.

    Dates that were done before with the same log, parameters and code are skipped, so that a backfill
    that was stopped goes on where it was.
    """
    if last < first:
        raise click.BadParameter(f"--to {last} lies before --from {first}")
    common.settle(home, runs_flow=True)
    from data_contracts.parameters import BackfillParameters
    from flows.backfill import backfill as backfill_flow
    from flows.one_date import CLOSED
    from flows.running import run_here

    show = _quietly if quiet and not as_json else partial(print_rows, as_json=as_json)
    try:
        rows = run_here(backfill_flow, BackfillParameters(first=first, last=last, **given), quiet=quiet)
    except UnfinishedError as error:
        show(error.rows)
        raise
    show(rows)
    if any(row["outcome"] == CLOSED for row in rows):
        sys.exit(GateClosedError.exit_code)


def _quietly(rows: list[dict[str, Any]]) -> None:
    """Print the dates that somebody should look at."""
    from flows.one_date import CLOSED, FAILED, UNDECIDED

    for row in rows:
        if row["result"] == FAILED or row["outcome"] in {CLOSED, UNDECIDED}:
            what = FAILED if row["result"] == FAILED else row["outcome"]
            click.echo(printable(f"{row['as_of']} {what}: {row['reason']}"), err=True)


@operations.command()
@click.option(
    "--keep-days",
    type=click.IntRange(0, MAX_DAYS),
    default=30,
    show_default=True,
    help="Keep artifacts that were made or used within so many days.",
)
@click.option(
    "--keep-last",
    type=click.IntRange(1, MAX_COUNT),
    default=3,
    show_default=True,
    help="Keep those of so many newest runs of each dataset.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@home_option
@exits
def prune(*, as_json: bool, home: Path | None, **given: Any) -> None:
    """Remove old artifacts and cached results; never what a publication or a running run needs."""
    common.settle(home, runs_flow=True)
    from data_contracts.parameters import PruneParameters
    from flows.prune import prune as prune_flow
    from flows.running import run_here

    print_rows(run_here(prune_flow, PruneParameters(**given)), as_json=as_json)
