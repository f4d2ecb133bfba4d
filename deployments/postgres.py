"""What a Prefect server needs of PostgreSQL, asked before it starts and dies of it."""

import asyncio

from sqlalchemy.engine import make_url

from data_contracts.errors import ConfigurationError

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


async def _check(url: str) -> None:
    import asyncpg

    shown = make_url(url).render_as_string()
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        connection = await asyncpg.connect(plain, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise ConfigurationError(
            f"cannot connect to {shown}: {error or 'no answer in 10 s'}; is it running, and are user, "
            "password and database right?"
        ) from error
    try:
        version = await connection.fetchval("SELECT current_setting('server_version_num')::int")
        if version < OLDEST:
            raise ConfigurationError(f"{shown} is PostgreSQL {version // 10_000}; Prefect needs 14.9 or newer")
        installed = await connection.fetchval("SELECT count(*) FROM pg_extension WHERE extname = $1", EXTENSION)
        if not installed:
            await _install(connection, shown)
    finally:
        await connection.close()


async def _install(connection: object, shown: str) -> None:
    import asyncpg

    assert isinstance(connection, asyncpg.Connection)
    try:
        await connection.execute(f"CREATE EXTENSION {EXTENSION}")
    except asyncpg.PostgresError as error:
        raise ConfigurationError(
            f"{shown} lacks the extension {EXTENSION} and this user may not add it ({error}); an administrator "
            f"does with `CREATE EXTENSION {EXTENSION};` in that database (on Debian it is in postgresql-contrib)"
        ) from error
