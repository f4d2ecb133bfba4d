"""The server that a command starts where no Prefect API is configured, begun while the command still imports."""

from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.server.api.server import SubprocessASGIServer

_starting: list[Thread] = []


def begin() -> None:
    """Start Prefect's temporary server in the background, if a flow of this process will need one."""
    from prefect.client.base import ServerType, determine_server_type

    if not _starting and determine_server_type() is ServerType.EPHEMERAL:
        # Prefect keeps one such server a process, and would start it here when the first flow asks for it.
        from prefect.server.api.server import SubprocessASGIServer

        _starting.append(Thread(target=_start, args=(SubprocessASGIServer(),), daemon=True))
        _starting[0].start()


def wait() -> None:
    """Wait until a server that was begun can be asked."""
    for thread in _starting:
        thread.join()


def _start(server: "SubprocessASGIServer") -> None:
    with suppress(Exception):  # the first flow tries again, and says what is wrong
        server.start()
