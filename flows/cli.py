"""The command line: one thin command a verb; errors become exit codes here and nowhere else."""

import atexit
import json
import os
import sys
import tomllib
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from data_contracts.errors import ConfigurationError, GateClosedError, ShelftalkerError

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # The command says itself what happens; Prefect's log lines would say it twice.
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "GX_ANALYTICS_ENABLED": "false",
}

home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where artifacts and publications live (default: $SHELFTALKER_HOME or ./.shelftalker).",
)
dataset_option = click.option(
    "--dataset", default="sample", show_default=True, help="Name, or path of a .toml."
)


def settle(home: Path | None) -> None:
    """Set the environment that Prefect and the store read when they are first imported."""
    if home is not None:
        os.environ["SHELFTALKER_HOME"] = str(home.absolute())
    from tasks import store

    os.environ.setdefault("PREFECT_RESULTS_LOCAL_STORAGE_PATH", str(store.home() / "results"))
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    atexit.register(_end_quietly)


def _end_quietly() -> None:
    """Say nothing while the interpreter goes down: DuckDB's binding would list its own module as leaked.

    Registered first, so called last, after Prefect has stopped its server.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stderr__.fileno() if sys.__stderr__ else 2)


def exits(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn our errors into one message on stderr and their exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except ShelftalkerError as error:
            click.secho(f"{type(error).__name__.removesuffix('Error')}: {error}", fg="red", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            click.secho("Stopped. What was finished is kept: the same command goes on from here.", err=True)
            sys.exit(130)
        except (OSError, MemoryError) as error:
            click.secho(f"{type(error).__name__}: {error}", fg="red", err=True)
            sys.exit(1)

    return run


def as_date(_context: Any, _option: Any, value: str | None) -> date | None:
    """Read a date option; click shows the message with exit code 2."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).date()
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no date; write YYYY-MM-DD") from error


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shelftalker")
def main() -> None:
    """Recommendations that are trained, proven and published every night."""


@main.command()
@dataset_option
@click.option("--as-of", callback=as_date, help="See only events before this day (YYYY-MM-DD).")
@click.option("--source", type=click.Path(), help="The log, instead of the one the dataset names.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Decides all chance.")
@click.option("--dry-run", is_flag=True, help="Do everything but publish.")
@click.option("--tuned", help="Parameters to use: name or .toml of what `shelftalker tune` wrote.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on stdout.")
@click.option(
    "--picture", type=click.Path(dir_okay=False, path_type=Path), help="Save the tables as SVG, too."
)
@home_option
@exits
def run(
    dataset: str,
    as_of: date | None,
    source: str | None,
    seed: int,
    *,
    dry_run: bool,
    tuned: str | None,
    as_json: bool,
    picture: Path | None,
    home: Path | None,
) -> None:
    """One nightly run: ingest, train, evaluate, decide, publish."""
    settle(home)
    from data_contracts.parameters import NightlyParameters
    from flows.nightly import nightly
    from flows.running import examples, run_here

    given = NightlyParameters(
        dataset=dataset, as_of=as_of, source=source, seed=seed, dry_run=dry_run, tuned=tuned
    )
    summary = run_here(nightly, given)
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False))
    else:
        from flows.display import show

        show(summary, examples(summary), picture)
    if not summary["gate"]["open"]:
        raise GateClosedError(f"nothing was published; the failed rules are above and in {summary['path']}")


@main.command()
@dataset_option
@click.option("--from", "first", required=True, callback=as_date, help="First day (YYYY-MM-DD).")
@click.option("--to", "last", required=True, callback=as_date, help="Last day, included.")
@click.option("--every", type=click.IntRange(min=1), default=1, show_default=True, help="Days between runs.")
@click.option("--source", type=click.Path(), help="The log, instead of the one the dataset names.")
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@home_option
@exits
def backfill(
    dataset: str, first: date, last: date, every: int, source: str | None, *, as_json: bool, home: Path | None
) -> None:
    """Run every date of a range, oldest first; exit code 1 if one failed, 4 if a gate closed."""
    settle(home)
    from data_contracts.parameters import BackfillParameters
    from flows.backfill import CLOSED, FAILED
    from flows.backfill import backfill as backfill_flow
    from flows.running import run_here

    if last < first:
        raise click.BadParameter(f"--to {last} lies before --from {first}")
    given = BackfillParameters(dataset=dataset, first=first, last=last, every_days=every, source=source)
    rows = run_here(backfill_flow, given)
    _print_rows(rows, as_json=as_json)
    results = {row["result"] for row in rows}
    sys.exit(1 if FAILED in results else GateClosedError.exit_code if CLOSED in results else 0)


@main.command()
@dataset_option
@click.option("--models", default="", help="Names with commas between (default: all with something to tune).")
@click.option("--trials", type=click.IntRange(min=1), default=40, show_default=True, help="Of each model.")
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), help="Of searching, all models together."
)
@click.option("--windows", type=click.IntRange(min=1), default=2, show_default=True, help="Inner windows.")
@click.option(
    "--as-of", callback=as_date, help="Tune for a run as of this day; its hold-out is not looked at."
)
@click.option("--source", type=click.Path(), help="The log, instead of the one the dataset names.")
@click.option(
    "--study", help="Where trials are kept: a URL of SQLite or PostgreSQL (default: SQLite in the home)."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    help="The .toml to write (default: tuned/NAME.toml in the home).",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Decides all chance.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object on stdout.")
@home_option
@exits
def tune(models: str, *, as_json: bool, home: Path | None, **given: Any) -> None:
    """Search better parameters on windows before the hold-out; Ctrl-C keeps every trial."""
    settle(home)
    from data_contracts.parameters import TuneParameters
    from flows.display import tuned_rows
    from flows.running import run_here
    from flows.tune import tune as tune_flow

    names = tuple(name.strip() for name in models.split(",") if name.strip())
    result = run_here(tune_flow, TuneParameters(models=names, **given))
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    _print_rows(tuned_rows(result), as_json=False)
    click.echo(
        f"Trials: {result['storage']}\nBest parameters, for `shelftalker run --tuned`: {result['path']}"
    )


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path(),
    help="Folder to write to (default: here).",
)
@exits
def init(file: Path, output: Path) -> None:
    """Look at a log and draft a dataset .toml and a contract for it."""
    from tasks.drafting import draft

    toml, suite = draft(file)
    name = tomllib.loads(toml)["name"]
    for ending, text in ((".toml", toml), (".json", suite)):
        path = output / f"{name}{ending}"
        if path.exists():
            raise ConfigurationError(f"{path} exists already; move it away, or choose another --output")
        path.write_text(text, "utf-8")
        click.echo(f"wrote {path}")
    click.echo(f"Read both, then:\n  shelftalker run --dataset {output / name}.toml")


def _dataset_name(dataset: str) -> str:
    """Name of a dataset given by name or by path."""
    from data_contracts.dataset import DatasetSpec

    return DatasetSpec.load(dataset).name if dataset.endswith(".toml") else dataset


def _print_rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    from rich.console import Console

    from flows.display import rows_table

    Console(width=None if sys.stdout.isatty() else 120).print(rows_table(rows))


def lookup(name: str, option: str, finder: str, text: str) -> None:
    """Add one look-up command; the three differ only in what they ask for, and one says why on request."""
    may_explain: Callable[[Callable[..., Any]], Callable[..., Any]] = (
        click.option("--explain", is_flag=True, help="Say which past items speak for each item.")
        if name == "recommend"
        else lambda command: command
    )

    @main.command(name, help=text)
    @dataset_option
    @click.option(option, "wanted", required=True, help="An id as it stands in the log.")
    @click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="Length of the list.")
    @click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
    @home_option
    @may_explain
    @exits
    def command(
        dataset: str, wanted: str, k: int, *, as_json: bool, home: Path | None, explain: bool = False
    ) -> None:
        settle(home)
        from tasks import lookup as lookups

        live = lookups.live_publication(_dataset_name(dataset))
        rows = getattr(lookups, finder)(live, wanted, k)
        if explain:
            from flows.display import reasons_as_columns
            from tasks.explaining import with_reasons

            rows = with_reasons(live, wanted, rows)
            rows = rows if as_json else reasons_as_columns(rows)
        _print_rows(rows, as_json=as_json)


lookup("recommend", "--user", "items_for_user", "Items for a user, from what is live.")
lookup("similar", "--item", "similar_to", "Items that go with an item, from what is live.")
lookup("target", "--item", "users_for_item", "Users to show an item to, from what is live.")


@main.command("fold-in")
@dataset_option
@click.option("--item", "items", multiple=True, required=True, help="An item they have had; may be repeated.")
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="Length of the list.")
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@home_option
@exits
def fold_in(dataset: str, items: tuple[str, ...], k: int, *, as_json: bool, home: Path | None) -> None:
    """Items for somebody who came after the training, from what they have had."""
    settle(home)
    from tasks.folding import items_for_history
    from tasks.lookup import live_publication

    rows = items_for_history(live_publication(_dataset_name(dataset)), list(items), k)
    _print_rows(rows, as_json=as_json)


@main.command()
@dataset_option
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@home_option
@exits
def runs(dataset: str, *, as_json: bool, home: Path | None) -> None:
    """List publications, oldest first, and say which is live."""
    settle(home)
    from tasks.publication import latest, published

    name = _dataset_name(dataset)
    live = latest(name)
    _print_rows(
        [
            {
                "run": each.run,
                "as_of": str(each.as_of or "undated"),
                "model": each.manifest["model"]["kind"],
                "created": each.manifest["created_at"],
                "live": "yes" if each == live else "",
            }
            for each in published(name)
        ],
        as_json=as_json,
    )


@main.command()
@dataset_option
@click.option("--to", help="Run to go back to (default: the one before the live one).")
@home_option
@exits
def rollback(dataset: str, to: str | None, home: Path | None) -> None:
    """Make an earlier publication the live one."""
    settle(home)
    from tasks.publication import roll_back

    live = roll_back(_dataset_name(dataset), to)
    click.echo(f"live now: {live.path}")
