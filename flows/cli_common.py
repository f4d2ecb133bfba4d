"""What all commands share: options, the environment, exit codes, and how rows are printed."""

import gc
import json
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from data_contracts.database_url import masked
from data_contracts.errors import ConfigurationError, ShelftalkerError
from data_contracts.limits import FIRST_DAY, LAST_DAY
from flows.plain_text import never_fail
from flows.tables import printable

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

ERRORS = "errors"
"""Folder of the home that holds tracebacks."""
LONGEST_LINE = 300
"""Characters of an unforeseen error that are shown."""

home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where artifacts and publications live (default: $SHELFTALKER_HOME or ./.shelftalker).",
)
dataset_option = click.option(
    "--dataset", default="sample", show_default=True, help="Name, or path of a .toml."
)


quiet_option = click.option(
    "--quiet", is_flag=True, help="Print nothing unless there is something to look at: for cron."
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where the work is done."""
    for option in (
        click.option(
            "--workers", type=click.IntRange(1, 1024), help="Processes to start here for --engine dask."
        ),
        click.option("--scheduler", help="Address of the Dask scheduler. (default: $DASK_SCHEDULER_ADDRESS)"),
        click.option(
            "--engine",
            type=click.Choice(["local", "dask"]),
            help="This machine, or the workers of a Dask cluster. (default: the dataset file's [cluster])",
        ),
    ):
        command = option(command)
    return command


def settle(home: Path | None, *, runs_flow: bool = False) -> None:
    """Set the environment that Prefect and the store read when they are first imported.

    A command that `runs_flow` has its server started meanwhile, where no other is configured.
    """
    if home is not None:
        os.environ["SHELFTALKER_HOME"] = str(home.absolute())
    from tasks.runtime import store

    _must_be_usable(store.home())

    os.environ.setdefault("PREFECT_RESULTS_LOCAL_STORAGE_PATH", str(store.home() / "results"))
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    # At the end of a short run it warns that it is not done yet, below the message of why the run ended.
    logging.getLogger("EventsWorker").setLevel(logging.ERROR)
    # What imports make stays, and searching it for garbage takes a second of a short run.
    gc.set_threshold(100_000)
    if runs_flow:
        from flows import own_server

        own_server.begin()
        # Prefect is most of what a run imports. DuckDB comes later: frozen types would count as leaked at exit.
        gc.freeze()


def _must_be_usable(home: Path) -> None:
    """Refuse a home whose path cannot stand in the URL of Prefect's database, or in a text.

    Raises
    ------
    ConfigurationError
        Naming the path and the character.

    """
    path = str(home)
    wrong = next((c for c in path if c in "?\\" or not c.isprintable()), None)
    if wrong is not None:
        shown = path.encode("utf-8", "backslashreplace").decode()
        raise ConfigurationError(
            f"the home {shown!r} has {wrong!a} in its path, which Prefect's database cannot be found by; "
            "choose another --home or SHELFTALKER_HOME"
        )


def exits(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn every error into one message on stderr and an exit code; a traceback goes to a file that it names."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        never_fail(sys.stdout, sys.stderr)
        try:
            return command(*args, **kwargs)
        except ShelftalkerError as error:
            _end(f"{type(error).__name__.removesuffix('Error')}: {error}", error.exit_code)
        except KeyboardInterrupt:
            click.secho("Stopped. What was finished is kept: the same command goes on from here.", err=True)
            sys.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (OSError, MemoryError, EOFError) as error:
            _end(f"{type(error).__name__}: {error or 'no more is known'}", 1)
        except Exception as error:  # noqa: BLE001 - the edge: nothing is above it
            if type(error).__name__ == "ValidationError" and _is_of_parameters(error):
                _end(f"Configuration: {_parameter_problems(error)}", ConfigurationError.exit_code)
            said = (str(error).splitlines() or ["no more is known"])[0][:LONGEST_LINE]
            _end(
                f"{type(error).__name__}: {said}; this was not foreseen, its traceback is in {_keep(error)}",
                1,
            )

    return run


def _end(message: str, code: int) -> NoReturn:
    # Messages repeat what they complain about: passwords, and what would move the cursor, stay out of sight.
    click.secho(printable(masked(message), "\n"), fg="red", err=True)
    sys.exit(code)


def _is_of_parameters(error: Any) -> bool:
    return str(error.title).endswith("Parameters")


def _parameter_problems(error: Any) -> str:
    problems = error.errors(include_url=False)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'the parameters'}: {each['msg'].removeprefix('Value error, ')}"
        for each in problems
    )


def _keep(error: BaseException) -> Path:
    """Write the traceback of an error to a file of its own, for its owner only; gives its path."""
    from data_contracts.home_folder import home

    text = masked("".join(traceback.format_exception(error)))
    prefix = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-"
    for folder in (home() / ERRORS, Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, path = tempfile.mkstemp(".txt", prefix, folder)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError:
            continue
        return Path(path)
    return Path("nowhere: neither the home nor the temporary folder can be written to")


def as_ids(_context: Any, _option: Any, value: Any) -> Any:
    """Refuse ids that are no text: bytes of an argument that are not UTF-8."""
    for each in (value,) if isinstance(value, str) else value or ():
        if any("\ud800" <= letter <= "\udfff" for letter in each):
            raise click.BadParameter(f"{each!a} is not UTF-8, so no log holds it")
    return value


def as_date(_context: Any, _option: Any, value: str | None) -> date | None:
    """Read a date option; click shows the message with exit code 2."""
    if value is None:
        return None
    try:
        day = datetime.fromisoformat(value).date()
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no date; write YYYY-MM-DD") from error
    if not FIRST_DAY <= day <= LAST_DAY:
        raise click.BadParameter(f"{day} is not a day from {FIRST_DAY} to {LAST_DAY}")
    return day


def as_names(_context: Any, _option: Any, value: str) -> tuple[str, ...]:
    """Names with commas between."""
    return tuple(name.strip() for name in value.split(",") if name.strip())


def dataset_name(dataset: str) -> str:
    """Name of a dataset given by name or by path."""
    if not dataset.endswith(".toml"):
        return dataset
    from data_contracts.dataset import DatasetSpec  # and with it numpy: a name needs neither

    return DatasetSpec.load(dataset).name


TELLING = ("rank", "item_id", "similar_item_id", "result", "title", "because_1", "score", "reason")
"""Columns of look-ups and backfills that get room first."""


def print_rows(rows: list[dict[str, Any]], *, as_json: bool, first: Sequence[str] = TELLING) -> None:
    """Print rows as a table, or as JSON; columns of `first` get room in a narrow terminal before the others."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    from rich.console import Console

    from flows.plain_text import printed_to
    from flows.tables import needed_width, rows_table

    # A file has no edge to cut at.
    width = None if sys.stdout.isatty() else max(120, needed_width(rows))
    console = Console(file=printed_to(sys.stdout), width=width)
    console.print(rows_table(rows, width=console.width, first=first))
