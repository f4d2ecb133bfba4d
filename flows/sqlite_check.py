"""Whether the SQLite file of Prefect's server is whole, asked before the server starts and dies of it in silence."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from data_contracts.errors import DamagedError

PASSING = ("locked", "busy")


def check_url(url: str) -> None:
    """Check the file that a URL of SQLAlchemy names; any other database is not looked at."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return  # the server says so itself
    if parsed.get_backend_name() == "sqlite" and parsed.database and "memory" not in parsed.database:
        check(Path(parsed.database))


def check(path: Path) -> None:
    """Refuse a damaged SQLite file; one that is not there, or at work, is none.

    Raises
    ------
    DamagedError
        Naming the file, and how to go on without it.

    """
    if not path.exists():
        return
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
        ) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        said = "ok" if any(word in str(error) for word in PASSING) else str(error)
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise DamagedError(
            f"Prefect's database {path} is damaged ({said.splitlines()[-1]}). Move it away, with {path.name}-wal and "
            f"{path.name}-shm beside it: the next start makes a new one. What is lost is the history of runs in the "
            "UI; publications and artifacts do not depend on it"
        )
