"""What stands before every question: keys, the size of bodies, and the time it takes."""

import hmac
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from tasks.serving.figures import LATENCY, REQUESTS
from tasks.serving.questions import MAX_BODY

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

OPEN_PATHS: Final = frozenset({"/health/live", "/health/ready"})
"""Answered without a key: who starts and stops the service asks them."""


class Guard:
    """Refuse who has no key and what is too large; count and time the rest. A plain ASGI middleware.

    Parameters
    ----------
    app
        What answers.
    keys
        Keys that callers may use; without any, nobody needs one.

    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], keys: tuple[str, ...]) -> None:
        self.app = app
        self._keys = tuple(key.encode() for key in keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            await send(message)

        try:
            await self._answer(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            REQUESTS.labels(route, status).inc()
            LATENCY.labels(route).observe(time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if self._keys and scope["path"] not in OPEN_PATHS and not self._knows(headers):
            await refuse(
                send,
                401,
                "a key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
                (b"www-authenticate", b"Bearer"),
            )
            return
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MAX_BODY:
            await refuse(send, 413, f"a body may have {MAX_BODY:,} bytes; ask in several requests")
            return
        await self.app(scope, _limited(receive), send)

    def _knows(self, headers: dict[bytes, bytes]) -> bool:
        given = headers.get(b"x-api-key", b"")
        kind, _, token = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() == b"bearer":
            given = token.strip()
        # All are compared, so that the time says nothing of which one is near.
        return sum(hmac.compare_digest(given, key) for key in self._keys) > 0


def _limited(receive: Receive) -> Receive:
    """End a body that is sent in parts, without its length, where it becomes too long."""
    got = 0

    async def part() -> MutableMapping[str, Any]:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > MAX_BODY:
            return {"type": "http.disconnect"}
        return message

    return part


async def refuse(send: Send, status: int, error: str, *headers: tuple[bytes, bytes]) -> None:
    """Answer with a problem."""
    body = json.dumps({"error": error}).encode()
    given = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": given})
    await send({"type": "http.response.body", "body": body})
