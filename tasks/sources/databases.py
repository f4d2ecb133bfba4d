"""Databases: which one is meant, how it is opened, and errors that name it and never its password."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from data_contracts.database_url import fill, variable
from data_contracts.errors import ConfigurationError, DatabaseError
from data_contracts.source_section import SourceSection

CONNECT_SECONDS = 10
"""How long PostgreSQL may take to answer; a firewall would let us wait for minutes."""

BUSY_SECONDS = 30
"""How long SQLite waits for another program's lock."""

SHOWN = 400
"""Characters of a driver's message that are repeated."""

_PASSING_SQLITE = (5, 6, 7, 10, 13, 14)
"""Busy, locked, out of memory, disk error, disk full, cannot open: all else will be the same next time."""


def source_url(source: SourceSection) -> URL:
    """URL of the database that a dataset is read from.

    Raises
    ------
    ConfigurationError
        If a variable or block is not there, or what it holds is no URL.

    """
    if source.url_block is not None:
        return _parsed(_block(source.url_block), f"Prefect block {source.url_block!r}")
    if source.url_env is not None:
        return _parsed(variable(source.url_env, os.environ), f"environment variable {source.url_env}")
    assert source.url is not None
    return _parsed(fill(source.url, os.environ), "url under [source]")


def sink_url(given: str) -> URL:
    """URL of the database to load into: a URL, with ``{NAME}`` in it or not, or ``env:NAME``.

    Raises
    ------
    ConfigurationError
        If a variable is not there, or this is no URL.

    """
    return _given(given, "the URL of the database to load into")


def study_url(given: str) -> URL:
    """URL of the storage of studies, given as :func:`sink_url` takes it.

    Raises
    ------
    ConfigurationError
        If a variable is not there, or this is no URL.

    """
    return _given(given, "the URL of the studies")


def describe_url(url: URL) -> str:
    """Name a database for people: no user, no password, no options."""
    if url.get_backend_name() == "sqlite":
        return f"SQLite file {Path(url.database or ':memory:').absolute()}"
    port = f":{url.port}" if url.port else ""
    return f"database {url.database!r} at {url.host or 'this machine'}{port}"


@contextmanager
def opened(url: URL, doing: str) -> Iterator[Engine]:
    """Give an engine that keeps no connection, and translate what goes wrong inside the block.

    Parameters
    ----------
    url
        The database.
    doing
        What is being done, to begin an error with: ``"reading dataset 'shop'"``.

    Raises
    ------
    ConfigurationError
        If its driver is not installed, a SQLite file is not there, or the database refuses what it is asked.
    DatabaseError
        If it cannot be reached, or is busy: worth another try.

    """
    is_sqlite = url.get_backend_name() == "sqlite"
    try:
        engine = create_engine(
            url,
            poolclass=NullPool,
            connect_args={"timeout": BUSY_SECONDS} if is_sqlite else {},
            hide_parameters=True,
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"{doing}: no driver for {url.drivername!r} is installed; PostgreSQL's comes with the extra "
            "'postgres' (pip install -e '.[postgres]'), others with the package that SQLAlchemy names"
        ) from error
    try:
        yield engine
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
        # Not chained: a driver's own traceback may repeat what it was given to connect with.
        raise _translated(error, engine, doing) from None
    finally:
        engine.dispose()


def must_exist(url: URL, doing: str) -> None:
    """Refuse a SQLite file that is not there; opening it would make an empty one.

    Raises
    ------
    ConfigurationError
        Naming the file.

    """
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise ConfigurationError(
            f"{doing}: there is no {describe_url(url)}; write sqlite:////absolute/path.db"
        )


def _given(given: str, where: str) -> URL:
    text = "{" + given.removeprefix("env:") + "}" if given.startswith("env:") else given
    return _parsed(fill(text, os.environ), where)


def _parsed(text: str, where: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text itself, and the errors about it, may hold a password.
        raise ConfigurationError(
            f"{where} is no SQLAlchemy URL; write driver://user:password@host:port/database or sqlite:////path.db"
        ) from None
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername == "postgresql+psycopg" and "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
    return url


def _block(name: str) -> str:
    from prefect.blocks.system import Secret

    try:
        held: Any = Secret.load(name)
    except ValueError as error:
        raise ConfigurationError(
            f"there is no Prefect Secret block {name!r}; make one in the UI under Blocks, with the URL as its value"
        ) from error
    return str(held.get())


def _translated(error: Any, engine: Engine, doing: str) -> Exception:
    driver = engine.dialect.loaded_dbapi
    cause = getattr(error, "orig", error)
    said = " ".join(str(cause).split())
    if engine.url.password:
        said = said.replace(str(engine.url.password), "***")
    passing = isinstance(cause, driver.OperationalError)
    if engine.dialect.name == "sqlite":
        passing = getattr(cause, "sqlite_errorcode", 0) & 0xFF in _PASSING_SQLITE
    if passing:
        return DatabaseError(
            f"{doing}: {describe_url(engine.url)} does not answer as it should: {said[:SHOWN]}"
        )
    return ConfigurationError(f"{doing}: {describe_url(engine.url)} refuses it: {said[:SHOWN]}")
