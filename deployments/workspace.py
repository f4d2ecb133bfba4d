"""Where a server and its workers live, and the environment that makes them agree on it."""

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from data_contracts.errors import ConfigurationError
from deployments import credentials
from flows.guarded_server import CLIENT_VARIABLE, LOOPBACK, SERVER_VARIABLE
from tasks.runtime import store

ROOT = Path(__file__).parents[1]
"""The checkout: flows run from here."""
PORT = 4200
REPORTS_PORT = 4280
HOSTS = "SHELFTALKER_SERVER_HOSTS"
"""Environment variable: names beside the loopback's own that the server answers to."""
FOREIGN = ("PREFECT_API_KEY", "PREFECT_PROFILE", "PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_UI_API_URL")
"""Settings of somebody's other Prefect that would lead ours astray."""


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def must_be_free(port: int, option: str) -> None:
    """Refuse a port that is taken.

    Raises
    ------
    ConfigurationError
        Naming the port and the option that chooses another one.

    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} of {LOOPBACK} is taken ({error.strerror}); choose another one with {option}"
            ) from error


def async_url(url: str) -> str:
    """Return a database's URL with the driver that Prefect's server needs.

    Raises
    ------
    ConfigurationError
        If it is neither PostgreSQL nor SQLite.

    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(
            "the database's URL cannot be read; write postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE"
        ) from error
    drivers = {"postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
    if parsed.get_backend_name() not in drivers:
        raise ConfigurationError(
            f"a Prefect server keeps its data in PostgreSQL or SQLite; got {parsed.render_as_string()}"
        )
    return parsed.set(drivername=drivers[parsed.get_backend_name()]).render_as_string(hide_password=False)


@dataclass(frozen=True)
class Workspace:
    """One server, its database, and the home that its runs write to."""

    home: Path = field(default_factory=store.home)
    """SHELFTALKER_HOME; Prefect's own files lie below it, apart from any other Prefect of the user."""
    port: int = PORT
    """Of the server and its UI."""
    reports_port: int = REPORTS_PORT
    """Of the server of reports."""
    database: str | None = None
    """SQLAlchemy URL with an async driver; None is a SQLite file below the home."""

    @property
    def ui(self) -> str:
        """Address of the UI."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def api(self) -> str:
        """Address of the API."""
        return f"{self.ui}/api"

    @property
    def reports(self) -> str:
        """Address that reports are served at."""
        return f"http://{LOOPBACK}:{self.reports_port}"

    @property
    def prefect_home(self) -> Path:
        """Prefect's database and leases."""
        return self.home / "prefect"

    @property
    def password_file(self) -> Path:
        """Holds the server's ``user:password`` where the environment names none."""
        return self.prefect_home / "password"

    @property
    def shown_database(self) -> str:
        """Where the server keeps its data, without a password."""
        if self.database:
            return make_url(self.database).render_as_string()
        return str(self.prefect_home / "prefect.db")

    def log(self, name: str) -> Path:
        """Return the log file of a process."""
        return self.prefect_home / "logs" / f"{name}.log"

    def environment(self) -> dict[str, str]:
        """Return the environment of every process here: server, worker, and clients such as `prefect`."""
        own = {
            "SHELFTALKER_ROOT": str(ROOT),
            "SHELFTALKER_HOME": str(self.home),
            "SHELFTALKER_REPORTS_URL": self.reports,
            "PREFECT_HOME": str(self.prefect_home),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_API_HOST": LOOPBACK,
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_LOGGING_EXTRA_LOGGERS": "shelftalker",
            "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(self.home / "results"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
            # Any web page could talk to a server on this machine otherwise.
            "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"{self.ui},http://localhost:{self.port}",
            # In memory they would be lost with the server, and their slots taken for ever.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "DO_NOT_TRACK": "1",
            "GX_ANALYTICS_ENABLED": "false",
        }
        if self.database:
            own["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = self.database
        inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        if not self.database:
            inherited.pop("PREFECT_SERVER_DATABASE_CONNECTION_URL", None)
        secret = inherited.get(SERVER_VARIABLE) or credentials.stored(self.password_file)
        if secret:
            own |= {SERVER_VARIABLE: secret, CLIENT_VARIABLE: secret}
        return inherited | own
