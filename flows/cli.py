"""The command line: one thin command per verb; errors become exit codes here and nowhere else."""

import json
import tomllib
from pathlib import Path
from typing import Any

import click

from data_contracts.errors import ConfigurationError, GateClosedError
from data_contracts.limits import MAX_MINUTES, MAX_SEED, MAX_TRIALS, MAX_WINDOWS
from flows import cli_common as common
from flows.cli_api import service
from flows.cli_check import check
from flows.cli_cluster import on_workers
from flows.cli_common import (
    as_date,
    as_names,
    dataset_option,
    engine_options,
    exits,
    home_option,
    print_rows,
    quiet_option,
)
from flows.cli_export import export
from flows.cli_lookups import lookups
from flows.cli_operations import operations
from flows.tables import printable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shelftalker")
def main() -> None:
    """Recommendations that are trained, proven and published every night."""


@main.command()
@dataset_option
@click.option("--as-of", callback=as_date, help="See only events before this day (YYYY-MM-DD).")
@click.option(
    "--source", type=click.Path(), help="The log (a path or URL), instead of the one the dataset names."
)
@click.option(
    "--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Decides all chance."
)
@click.option("--dry-run", is_flag=True, help="Do everything but publish.")
@click.option(
    "--models",
    default="",
    callback=as_names,
    help="Names or kinds with commas between, beside the baselines; `all` compares every kind. (default: the dataset file's)",
)
@click.option("--tuned", help="Parameters to use: name or .toml of what `shelftalker tune` wrote.")
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on stdout.")
@quiet_option
@click.option(
    "--verbose",
    is_flag=True,
    help="Print hashes, too: of the published files, of every step, of what decided the run.",
)
@click.option(
    "--picture", type=click.Path(dir_okay=False, path_type=Path), help="Save the tables as SVG, too."
)
@home_option
@exits
def run(
    *, as_json: bool, quiet: bool, verbose: bool, picture: Path | None, home: Path | None, **given: Any
) -> None:
    """One nightly run: ingest, train, evaluate, decide, publish."""
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose ask for opposite things")
    common.settle(home, runs_flow=True)
    from data_contracts.parameters import NightlyParameters
    from flows.nightly import nightly
    from flows.running import examples, run_here

    summary = run_here(nightly, NightlyParameters(**given), quiet=quiet)
    if as_json:
        click.echo(json.dumps(summary.to_json(), ensure_ascii=False))
    if quiet:
        from flows.display import quiet_words

        for line in quiet_words(summary):
            click.echo(printable(line), err=True)
    elif not as_json:
        from flows.display import show

        show(summary, examples(summary), picture)
        if verbose:
            from flows.display_details import show_details

            show_details(summary)
    if summary.live is False:
        from flows.not_live import not_live

        click.echo(not_live(summary, home), err=True)
    if summary.gate.verdict == "closed":
        raise GateClosedError(f"nothing was published; the failed rules are above and in {summary.path}")


@main.command()
@dataset_option
@click.option(
    "--models",
    default="",
    callback=as_names,
    help="Names with commas between (default: all with something to tune).",
)
@click.option(
    "--trials", type=click.IntRange(1, MAX_TRIALS), default=40, show_default=True, help="Of each model."
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, MAX_MINUTES, min_open=True),
    help="Of searching, all models together.",
)
@click.option(
    "--windows", type=click.IntRange(1, MAX_WINDOWS), default=2, show_default=True, help="Inner windows."
)
@click.option(
    "--as-of", callback=as_date, help="Tune for a run as of this day; its hold-out is not looked at."
)
@click.option(
    "--source", type=click.Path(), help="The log (a path or URL), instead of the one the dataset names."
)
@click.option(
    "--study", help="Where trials are kept: a URL of SQLite or PostgreSQL (default: SQLite in the home)."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    help="The .toml to write (default: tuned/NAME.toml in the home).",
)
@click.option(
    "--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Decides all chance."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object on stdout.")
@quiet_option
@home_option
@exits
def tune(*, as_json: bool, quiet: bool, home: Path | None, **given: Any) -> None:
    """Search better parameters on windows before the hold-out; Ctrl-C keeps every trial."""
    common.settle(home, runs_flow=True)
    from data_contracts.database_url import has_password
    from data_contracts.parameters import TuneParameters
    from flows.display import tuned_rows
    from flows.running import run_here
    from flows.tune import tune as tune_flow

    if has_password(given["study"] or ""):
        raise ConfigurationError(
            "--study holds a password, which Prefect would keep with the run: write {NAME} for an environment "
            "variable that holds it, or env:NAME for the whole URL"
        )
    result = run_here(tune_flow, TuneParameters(**given), quiet=quiet)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    if quiet:
        for name, found in result["models"].items():
            if "value" not in found:
                click.echo(
                    printable(f"{name}: no trial was finished; its parameters stay as they are"), err=True
                )
    if as_json or quiet:
        return
    print_rows(tuned_rows(result), as_json=False)
    click.echo(
        f"Trials: {result['storage']}\nBest parameters, for `shelftalker run --tuned`: {result['path']}"
    )


@main.command()
@click.argument("file", type=click.Path())
@click.option(
    "--output",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path(),
    help="Folder to write to (default: here).",
)
@exits
def init(file: str, output: Path) -> None:
    """Look at a log (a path or URL) and draft a dataset .toml and a contract for it."""
    from data_contracts.remote_url import is_remote
    from tasks.onboarding.draft import look_at, name_of
    from tasks.sources.remote_copies import copy_of, named_by_url

    # What is fetched is kept in the home: the run that comes next finds it there.
    here = copy_of(file, f"looking at {file}") if is_remote(file) else Path(file)
    place = file if is_remote(file) else str(here.absolute())
    name = name_of(here)
    if _is_of_another_log(output / f"{name}.toml", place):
        # "log.csv" and "log.jsonl" may lie side by side.
        name = "_".join([name, *(ending.strip(".") for ending in here.suffixes)])
    with named_by_url():
        drafted = look_at(here, name, place)
    for ending, text in ((".toml", drafted.toml), (".json", drafted.suite)):
        path = output / f"{name}{ending}"
        if path.exists():
            raise ConfigurationError(f"{path} exists already; move it away, or choose another --output")
        path.write_text(text, "utf-8")
        click.echo(printable(f"wrote {path}"))
    from flows.display_init import show_draft

    show_draft(drafted, f"{output / name}.toml")


def _is_of_another_log(path: Path, place: str) -> bool:
    """Whether there is a dataset file already, drafted from another log of the same name."""
    try:
        known: str = tomllib.loads(path.read_text("utf-8"))["source"]["path"]
    except (OSError, ValueError, KeyError):
        return False
    return known != place


for group in (operations, lookups, service):
    for found in group.commands.values():
        main.add_command(found)
main.add_command(export)
main.add_command(check)
main.add_command(on_workers)
