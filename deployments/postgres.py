"""What a Prefect server needs of PostgreSQL, asked before it starts and dies of it."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.engine import make_url

from data_contracts.errors import ConfigurationError
from deployments.workspace import async_url

EXTENSION = "pg_trgm"
OLDEST = 140_009
"""14.9, as PostgreSQL counts versions."""


def check(url: str) -> None:
    """Refuse a PostgreSQL that cannot be reached, is too old, or lacks the extension.

    Raises
    ------
    ConfigurationError
        Naming the database and what its administrator has to do.

    """
    if make_url(url).get_backend_name() == "postgresql":
        asyncio.run(_check(url))


async def _connect(url: str) -> Any:
    import asyncpg

    shown = make_url(url).render_as_string()
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        return await asyncpg.connect(plain, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise ConfigurationError(
            f"cannot connect to {shown}: {error or 'no answer in 10 s'}; is it running, and are user, "
            "password and database right?"
        ) from error


async def _check(url: str) -> None:
    shown = make_url(url).render_as_string()
    connection = await _connect(url)
    try:
        version = await connection.fetchval("SELECT current_setting('server_version_num')::int")
        if version < OLDEST:
            raise ConfigurationError(
                f"{shown} is PostgreSQL {version // 10_000}; Prefect needs 14.9 or newer"
            )
        installed = await connection.fetchval(
            "SELECT count(*) FROM pg_extension WHERE extname = $1", EXTENSION
        )
        if not installed:
            await _install(connection, shown)
    finally:
        await connection.close()


async def _install(connection: Any, shown: str) -> None:
    import asyncpg

    try:
        await connection.execute(f"CREATE EXTENSION {EXTENSION}")
    except asyncpg.PostgresError as error:
        raise ConfigurationError(
            f"{shown} lacks the extension {EXTENSION} and this user may not add it ({error}); an administrator "
            f"does with `CREATE EXTENSION {EXTENSION};` in that database (on Debian it is in postgresql-contrib)"
        ) from error


@contextmanager
def scratch_database(url: str | None) -> Iterator[tuple[str | None, str]]:
    """Make a database for a short while on the server of `url`; gives its URL, or None and why there is none."""
    if url is None:
        yield None, ""
        return
    name = f"shelftalker_scratch_{os.getpid()}"
    try:
        asyncio.run(_execute(async_url(url), f"CREATE DATABASE {name}"))
    except ConfigurationError as error:
        yield None, str(error)
        return
    try:
        yield make_url(async_url(url)).set(database=name).render_as_string(hide_password=False), ""
    finally:
        asyncio.run(_execute(async_url(url), f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    import asyncpg

    connection = await _connect(url)
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as error:
        raise ConfigurationError(
            f"{make_url(url).render_as_string()} refused `{statement}`: {error}"
        ) from error
    finally:
        await connection.close()
