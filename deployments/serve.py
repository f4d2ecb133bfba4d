"""`make serve`: a Prefect server, a worker and the reports of runs on this machine, until Ctrl-C."""

import fcntl
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from data_contracts.database_url import has_password
from data_contracts.dataset_files import DROP_INS
from data_contracts.errors import ConfigurationError
from data_contracts.home_folder import HOME_VARIABLE
from deployments import postgres
from deployments.drop_ins import at_option, dataset_files_option, served_datasets
from deployments.processes import interrupt_on_signals
from deployments.stack import DEPLOYMENTS, Stack
from deployments.workspace import PORT, REPORTS_PORT, Workspace, async_url, must_be_free
from flows.cli_common import exits, home_option
from flows.guarded_server import SERVER_VARIABLE
from tasks.runtime import store

WATCH_SECONDS = 0.5
DATABASE = "SHELFTALKER_SERVER_DATABASE"
"""Environment variable: URL of the server's database."""


@contextmanager
def only_one(home: Path) -> Iterator[int]:
    """Hold the home's lock and give its file descriptor; children that inherit it hold it, too.

    Raises
    ------
    ConfigurationError
        If another server serves this home, or one that was killed left processes behind.

    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / "serve.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"{home} is being served already, or processes of a server that was killed still run "
                f"({path.read_text('utf-8').strip() or path}); stop them, or choose another --home"
            ) from error
        yield handle
    finally:
        os.close(handle)


def serve(workspace: Workspace, console: Console, options: Sequence[str] = ()) -> None:
    """Start everything, show its addresses, and wait until something ends; `options` go to `deployments.apply`."""
    for port, option in ((workspace.port, "PORT=..."), (workspace.reports_port, "REPORTS_PORT=...")):
        must_be_free(port, option)
    if workspace.database:
        postgres.check(workspace.database)
    with only_one(workspace.home) as lock, Stack(workspace, (lock,)) as stack:
        with console.status("starting the server; the first time it makes its tables"):
            stack.start_server()
        with console.status("deploying"):
            said = f"{stack.apply(None, *options)}{stack.recover()}"
        worker = stack.start_worker()
        stack.start_reports()
        os.pwrite(lock, "".join(f"{each.name} {each.pid}\n" for each in stack.children).encode(), 0)
        console.print(_addresses(workspace, stack.fresh_password))
        console.print(said.strip(), "Ctrl-C stops all of it.", sep="\n", soft_wrap=True, highlight=False)
        try:
            while True:
                stack.watch()
                time.sleep(WATCH_SECONDS)
        except KeyboardInterrupt:
            console.print(stack.stop_worker(worker).strip() or "stopped")


def _addresses(workspace: Workspace, fresh_password: str | None) -> Table:
    table = Table(show_header=False, box=None)
    variable = f"export PREFECT_API_AUTH_STRING=$(cat {shlex.quote(str(workspace.password_file))})"
    if os.environ.get(SERVER_VARIABLE):
        password = f"as in {SERVER_VARIABLE}"
    elif fresh_password:
        password = f"{fresh_password} (shown this once; kept in {workspace.password_file})"
    else:
        password = f"in {workspace.password_file} ({variable})"
    for name, value in {
        "UI": workspace.ui,
        "password": password,
        "API": f"{workspace.api} (export PREFECT_API_URL={workspace.api})",
        "reports": f"{workspace.reports} (linked from each run's artifacts)",
        "home": str(workspace.home),
        "database": workspace.shown_database,
        "schedules": f"{DEPLOYMENTS}, and each dataset file in {workspace.home / DROP_INS}",
        "logs": str(workspace.log("*")),
    }.items():
        table.add_row(Text(name, "bold"), Text(value, overflow="fold"))
    return table


@click.command()
@click.option(
    "--db",
    envvar=DATABASE,
    help=f"Database of the server: postgresql+asyncpg://... (default: SQLite in the home). With a password only as "
    f"the environment variable {DATABASE}.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Of the UI.")
@click.option("--reports-port", type=click.IntRange(1, 65535), default=REPORTS_PORT, show_default=True)
@dataset_files_option
@at_option
@home_option
@exits
def main(
    db: str | None,
    port: int,
    reports_port: int,
    datasets: tuple[Path, ...],
    at: str | None,
    home: Path | None,
) -> None:
    """Serve the flows on this machine until Ctrl-C."""
    source = click.get_current_context().get_parameter_source("db")
    if db and has_password(db) and source is click.core.ParameterSource.COMMANDLINE:
        raise ConfigurationError(
            "--db holds a password, which everybody on this machine could read in the list of processes: put the URL "
            f"into the environment variable {DATABASE} (or DB, for `make serve`) instead"
        )
    if home is not None:
        os.environ[HOME_VARIABLE] = str(home.absolute())
    served_datasets(datasets)  # what is given by hand is refused before anything starts
    options = [word for path in datasets for word in ("--dataset", str(path.absolute()))]
    options += ["--at", at] if at else []
    interrupt_on_signals()
    workspace = Workspace(
        home=home.absolute() if home else store.home(),
        port=port,
        reports_port=reports_port,
        database=async_url(db) if db else None,
    )
    # In a log paths stay in one piece.
    console = Console(width=None if sys.stdout.isatty() else 1_000)
    with suppress(KeyboardInterrupt):
        serve(workspace, console, options)


if __name__ == "__main__":
    main()
