"""What all commands share: options, the environment, exit codes, and how rows are printed."""

import gc
import json
import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from data_contracts.errors import ShelftalkerError

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # The server of one command needs no catalogue of block types; making it takes a second.
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
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


def settle(home: Path | None, *, runs_flow: bool = False) -> None:
    """Set the environment that Prefect and the store read when they are first imported.

    A command that `runs_flow` has its server started meanwhile, where no other is configured.
    """
    if home is not None:
        os.environ["SHELFTALKER_HOME"] = str(home.absolute())
    from tasks.runtime import store

    os.environ.setdefault("PREFECT_RESULTS_LOCAL_STORAGE_PATH", str(store.home() / "results"))
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    # What imports make stays, and searching it for garbage takes a second of a short run.
    gc.set_threshold(100_000)
    if runs_flow:
        from flows import own_server

        own_server.begin()
        # Prefect is most of what a run imports. DuckDB comes later: frozen types would count as leaked at exit.
        gc.freeze()


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


def dataset_name(dataset: str) -> str:
    """Name of a dataset given by name or by path."""
    if not dataset.endswith(".toml"):
        return dataset
    from data_contracts.dataset import DatasetSpec  # and with it numpy: a name needs neither

    return DatasetSpec.load(dataset).name


def print_rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print rows as a table, or as JSON."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    from rich.console import Console

    from flows.tables import rows_table

    Console(width=None if sys.stdout.isatty() else 120).print(rows_table(rows))
