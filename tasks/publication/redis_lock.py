"""A lock in Redis: one load at a time per dataset, and none for long after a load was killed."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from data_contracts.errors import DatabaseError
from tasks.publication.loading import wait_for

WAIT_SECONDS = 60.0
"""Seconds that a load waits for another one."""
LOCK_SECONDS = 30
"""Seconds that a load may be silent before another one may begin; each batch begins them anew."""

_RENEW = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2])"
_RELEASE = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1])"


class Held:
    """A client whose commands are sent only by whoever holds a lock.

    Parameters
    ----------
    client
        Of redis-py.
    key
        Of the lock.
    token
        Its value while it is ours.
    where
        The server, for errors.

    """

    def __init__(self, client: Any, key: str, token: str, where: str) -> None:
        self.client, self.key, self.token, self.where = client, key, token, where

    def send(self, fill: Callable[[Any], object]) -> list[Any]:
        """Send the commands that `fill` adds in one go, and hold the lock for longer; returns their answers.

        Raises
        ------
        DatabaseError
            If another load has the lock by now; it knows the runs that have keys, and removes what was written.

        """
        with self.client.pipeline(transaction=False) as pipe:
            pipe.eval(_RENEW, 1, self.key, self.token, LOCK_SECONDS * 1000)
            fill(pipe)
            answers: list[Any] = pipe.execute()
        self._must_hold(answers[0])
        return answers[1:]

    def send_at_once(self, fill: Callable[[Any], object]) -> None:
        """Send commands of which either all are executed or none; none if another load takes the lock meanwhile."""
        with self.client.pipeline(transaction=True) as pipe:
            pipe.watch(self.key)
            self._must_hold(pipe.get(self.key) == self.token.encode())
            pipe.multi()
            fill(pipe)
            pipe.execute()

    def _must_hold(self, held: object) -> None:
        if not held:
            raise DatabaseError(
                f"another load may have begun in {self.where}, as this one was silent for {LOCK_SECONDS} s; "
                "load again"
            )


@contextmanager
def alone(client: Any, key: str, where: str) -> Iterator[Held]:
    """Hold a lock, which ends by itself some seconds after its load was killed.

    Raises
    ------
    DatabaseError
        If another load holds it for too long.

    """
    token = secrets.token_hex(16)

    def locked() -> bool:
        return bool(client.set(key, token, nx=True, px=LOCK_SECONDS * 1000))

    wait_for(locked, f"{key} in {where}", WAIT_SECONDS)
    try:
        yield Held(client, key, token, where)
    finally:
        with suppress(Exception):
            client.eval(_RELEASE, 1, key, token)
