"""Start the service, and say where it is."""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final

from data_contracts.errors import ConfigurationError
from tasks.serving.live import LiveDataset
from tasks.serving.questions import MAX_EXCLUDED, MAX_ID
from tasks.serving.settings import ApiSettings

APP: Final = "tasks.serving.app:from_environment"
MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable: the folder in which workers add up their figures, where there are several."""
GRACE_SECONDS: Final = 10
"""How long questions that were begun may take when the service is stopped."""
LONGEST_HEAD: Final = 3 * MAX_ID * (MAX_EXCLUDED + 2)
"""Bytes of a request before its body, where uvicorn parses it itself: the ids that the OpenAPI page allows, each letter
percent-encoded. The faster parser of the extra ``serve`` has no limit."""

SERVER: Final[dict[str, Any]] = {
    "access_log": False,
    "server_header": False,
    "timeout_graceful_shutdown": GRACE_SECONDS,
    "h11_max_incomplete_event_size": LONGEST_HEAD,
    "backlog": 2048,
}
"""What uvicorn is told, wherever the service runs."""

LOGGING: Final = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "uvicorn": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "uvicorn.error": {"level": "INFO"},
        "shelftalker": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}


def serve(settings: ApiSettings, shared: Path) -> None:
    """Answer until a signal ends it.

    Parameters
    ----------
    settings
        What is served, and where.
    shared
        An empty folder in which workers add up their figures.

    Raises
    ------
    ConfigurationError
        If a dataset file is wrong, or the port is taken.

    """
    import uvicorn

    for each in settings.datasets:
        LiveDataset(each)
    _must_be_free(settings.host, settings.port)
    os.environ |= settings.to_environment()
    if settings.workers > 1:
        os.environ[MULTIPROCESS] = str(shared)
    # When all is answered, uvicorn sends itself the signal that ended it: that is no failure.
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    uvicorn.run(
        APP,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_config=LOGGING,
        **SERVER,
    )


def _leave(_number: int, _frame: object) -> None:
    sys.exit(0)


def _must_be_free(host: str, port: int) -> None:
    try:
        family = socket.getaddrinfo(host, port)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen at {host}:{port} ({error.strerror}); choose another --host or --port"
        ) from error
