"""A Redis server: how it is opened, and errors that name it and never its password. Needs the extra ``redis``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy.engine import URL

from data_contracts.database_url import masked
from data_contracts.errors import ConfigurationError, DatabaseError
from data_contracts.extras import must_be_installed

SCHEMES: Final = ("redis", "rediss")
"""Of URLs; ``rediss`` is over TLS."""

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 20.0
"""How long the server may take to answer one batch; shorter than a load holds its lock."""

SHOWN = 400
"""Characters of the server's message that are repeated."""

_FULL = "must hold this publication beside the one it replaces: give it more maxmemory"


def is_redis(url: URL) -> bool:
    """Whether a URL is one of a Redis server."""
    return url.get_backend_name() in SCHEMES


def describe(url: URL) -> str:
    """Name a server for people: no user, no password, no options."""
    return f"Redis database {url.database or '0'} at {url.host or 'localhost'}:{url.port or 6379}"


def check(url: URL) -> None:
    """Refuse a URL that nothing can be loaded by, without asking the server.

    Raises
    ------
    ConfigurationError
        If the database is no number, an option is unknown, or the extra is not installed.

    """
    _client(url).close()


@contextmanager
def opened(url: URL, doing: str) -> Iterator[Any]:
    """Give a client of one connection, and translate what goes wrong inside the block.

    Parameters
    ----------
    url
        ``redis://`` or ``rediss://``; its options go to redis-py.
    doing
        What is being done, to begin an error with: ``"loading published/shop/2026-01-01/55b0db"``.

    Raises
    ------
    ConfigurationError
        If the server refuses the password or what it is asked, or the URL is wrong.
    DatabaseError
        If it cannot be reached, is busy or full: worth another try.

    """
    client = _client(url)
    from redis.exceptions import RedisError

    try:
        yield client
    except RedisError as error:
        # Not chained: the client's own traceback may repeat what it was given to connect with.
        raise _translated(error, url, doing) from None
    finally:
        client.close()


def _client(url: URL) -> Any:
    must_be_installed(describe(url), ["redis"], "redis")
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    if url.database and not url.database.isdecimal():
        # redis-py would take database 0 in silence.
        raise ConfigurationError(
            f"{url.database!r} is no database of the Redis server at {url.host}: write a number, redis://host:6379/0"
        )
    plain = url.set(username=None, password=None).render_as_string(hide_password=False)
    try:
        client = redis.Redis.from_url(
            plain,
            username=url.username or None,
            password=url.password or None,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            # What is tried again is the whole load, by whoever started it.
            retry=Retry(NoBackoff(), 0),
        )
        # Options are looked at when a connection is made, not when it is used.
        client.connection_pool.make_connection()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"the URL of the {describe(url)} has an option that redis-py refuses: {masked(str(error))[:SHOWN]}"
        ) from None
    return client


def _translated(error: Exception, url: URL, doing: str) -> Exception:
    from redis import exceptions

    said = masked(" ".join(str(error).split()))[:SHOWN]
    if url.password:
        said = said.replace(str(url.password), "***")
    begins = f"{doing}: {describe(url)}"
    if isinstance(
        error, exceptions.AuthenticationError | exceptions.AuthorizationError | exceptions.NoPermissionError
    ) or said.startswith(("NOAUTH", "WRONGPASS")):
        return ConfigurationError(f"{begins} refuses the user or password of the URL: {said}")
    if isinstance(error, exceptions.OutOfMemoryError):
        return DatabaseError(f"{begins} is out of memory ({said}); nothing was replaced. It {_FULL}")
    if isinstance(error, exceptions.MovedError):
        return ConfigurationError(f"{begins} is one of a cluster, which lists are not loaded into: {said}")
    passing = (
        exceptions.ConnectionError,
        exceptions.TimeoutError,
        exceptions.BusyLoadingError,
        exceptions.ReadOnlyError,
        exceptions.TryAgainError,
        exceptions.WatchError,
    )
    if isinstance(error, passing) or said.startswith("MISCONF"):
        return DatabaseError(f"{begins} does not answer as it should: {said}")
    return ConfigurationError(f"{begins} refuses it: {said}")
