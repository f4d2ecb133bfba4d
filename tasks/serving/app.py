"""The look-up service: reads what is published, writes nothing, needs no database."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from data_contracts.errors import ConfigurationError, NotOfferedError, ShelftalkerError, UnknownItemError
from tasks.serving.figures import SWITCHES
from tasks.serving.guard import Guard
from tasks.serving.live import LiveDataset
from tasks.serving.routes import routes
from tasks.serving.settings import ApiSettings, keys_of

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")


def from_environment() -> FastAPI:
    """Make the application of one worker."""
    return create_app(ApiSettings.from_environment(), keys_of(os.environ, None))


def create_app(settings: ApiSettings, keys: tuple[str, ...] = ()) -> FastAPI:
    """Make the application.

    Raises
    ------
    ConfigurationError
        If a dataset file is wrong.

    """
    datasets = {each.name: each for each in map(LiveDataset, settings.datasets)}

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(_follow, datasets)
        again = asyncio.Event()
        task = asyncio.create_task(_keep_following(datasets, settings.poll_seconds, again))
        with contextlib.suppress(RuntimeError, ValueError):  # only the main thread may listen to signals
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, again.set)
        yield
        task.cancel()

    app = FastAPI(
        title="Shelftalker",
        version=version("shelftalker"),
        description="Who may see what, now: look-ups in what is published.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.datasets = datasets
    app.include_router(routes)
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.add_middleware(Guard, keys=keys)
    if settings.allowed_origins:  # outside the guard: a browser asks without a key whether it may ask
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_headers=["authorization", "x-api-key"],
        )
    if settings.is_local:
        # A foreign name that resolves to this machine must not get in through somebody's browser.
        names = [*LOOPBACK_NAMES, *settings.allowed_hosts]
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False)
    return app


def _follow(datasets: dict[str, LiveDataset], *, again: bool = False) -> None:
    for each in datasets.values():
        if each.follow(again=again):
            SWITCHES.labels(each.name).inc()


async def _keep_following(datasets: dict[str, LiveDataset], seconds: float, again: asyncio.Event) -> None:
    """Look every few seconds what is live; once `again` is set, read all of it at once."""
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(again.wait(), seconds)
        asked = again.is_set()
        again.clear()
        await run_in_threadpool(_follow, datasets, again=asked)


# What goes wrong


def _problem(status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status)


async def _refused(_request: Request, error: Exception) -> Response:
    if isinstance(error, UnknownItemError | NotOfferedError):
        return _problem(404, str(error))
    return _problem(400 if isinstance(error, ConfigurationError) else 503, str(error))


async def _not_understood(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    said = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5]]
    return _problem(422, "; ".join(said))


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)


HANDLERS: Final[dict[Any, Any]] = {
    ShelftalkerError: _refused,
    RequestValidationError: _not_understood,
    HTTPException: _http,
}
