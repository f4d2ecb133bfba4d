"""The server that a command starts where no Prefect API is configured, begun while the command still imports.

It has a password of its own, which this process and those that it starts know, and nobody else.
"""

import os
import subprocess
import sys
from threading import Thread
from typing import TYPE_CHECKING, Any

from data_contracts.errors import ShelftalkerError
from flows.guarded_server import CLIENT_VARIABLE, LOOPBACK, SERVER_VARIABLE, fresh_secret
from tasks.runtime.home import scratch

if TYPE_CHECKING:
    from prefect.server.api.server import SubprocessASGIServer

MAX_STARTS = 3
"""Prefect starts a server that ended while it started again, for minutes: its port may have been taken."""
LOG = "prefect-server.log"

_starting: list[Thread] = []
_refused: list[ShelftalkerError] = []


def begin() -> None:
    """Start Prefect's temporary server in the background, if a flow of this process will need one.

    What is wrong with its database is said by :func:`wait`.
    """
    from prefect.client.base import ServerType, determine_server_type

    if not _starting and determine_server_type() is ServerType.EPHEMERAL:
        # Prefect keeps one such server a process, and would start it here when the first flow asks for it.
        from prefect.server.api.server import SubprocessASGIServer
        from prefect.settings import get_current_settings
        from pydantic import SecretStr

        secret = fresh_secret()
        # Here and not in the environment: only clients of this server need it.
        get_current_settings().api.auth_string = SecretStr(secret)
        _starting.append(Thread(target=_start, args=(SubprocessASGIServer(), secret), daemon=True))
        _starting[0].start()


def wait() -> None:
    """Wait until a server that was begun can be asked.

    Raises
    ------
    ShelftalkerError
        If it cannot start; naming its database, if that is damaged.

    """
    for thread in _starting:
        thread.join()
    if _refused:
        raise _refused[0]


def _start(server: "SubprocessASGIServer", secret: str) -> None:
    from prefect.settings import get_current_settings

    from flows import sqlite_check

    url = get_current_settings().server.database.connection_url
    starts: list[int] = []

    def run_uvicorn() -> subprocess.Popen[Any]:
        starts.append(len(starts))
        if len(starts) > MAX_STARTS:
            raise ShelftalkerError(_why(f"it ended {MAX_STARTS} times while it started"))
        return _run_uvicorn(server, secret)

    try:
        if url is not None:
            sqlite_check.check_url(url.get_secret_value())
        server._run_uvicorn_command = run_uvicorn  # type: ignore[method-assign]  # noqa: SLF001 - nothing public starts it
        server.start()
    except ShelftalkerError as error:
        _refused.append(error)
    except Exception:  # noqa: BLE001 - the first flow tries again, and says what is wrong
        return


def _why(reason: str) -> str:
    try:
        said = [line for line in (scratch() / LOG).read_text("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        said = []
    last = f"; its last words: {said[-1].strip()}" if said else ""
    return (
        f"Prefect's temporary server does not start: {reason}{last}. It keeps its data in PREFECT_HOME (by default "
        "~/.prefect): give it another one, or set PREFECT_API_URL to a server that runs"
    )


def _run_uvicorn(server: "SubprocessASGIServer", secret: str) -> subprocess.Popen[Any]:
    """Start the server as Prefect would, but locked, so that it ends with this process, and its output in a file."""
    from prefect.settings import get_current_settings

    with (scratch() / LOG).open("ab") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "flows.server_process"),
                *("--factory", "flows.guarded_server:create_app"),
                *("--host", LOOPBACK, "--port", str(server.port)),
                *("--log-level", "error", "--lifespan", "on"),
            ],
            env={
                **os.environ,
                "PREFECT_UI_ENABLED": "0",
                "PREFECT__SERVER_EPHEMERAL": "1",
                "PREFECT__SERVER_FINAL": "1",
                **get_current_settings().to_environment_variables(exclude_unset=True),
                SERVER_VARIABLE: secret,
                CLIENT_VARIABLE: secret,
            },
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
