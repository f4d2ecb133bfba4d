"""`python -m deployments.reports`: an index of all nights and the reports of runs, on the loopback interface, and nothing else."""

import re
from collections.abc import Container, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.workspace import REPORTS_PORT, must_be_free
from flows.cli_common import exits, home_option
from flows.guarded_server import LOOPBACK, OWN_NAMES
from tasks.report.index_page import index_page
from tasks.report.nights import shops
from tasks.report.run_metrics import exposition
from tasks.runtime import store

TYPES = {".html": "text/html", ".png": "image/png", ".svg": "image/svg+xml"}
FOLDERS = ("published", "rejected")
PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # A report brings its style and pictures along and needs no script and no other server.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def find(home: Path, url: str) -> Path | None:
    """Return the file that a URL's path names, or None where there is nothing to be shown.

    Only plain names below ``published`` and ``rejected`` are looked at, and only pages and pictures; a link
    that leads out of the home is not followed.
    """
    parts = unquote(urlsplit(url).path).removeprefix("/").split("/")
    if parts[0] not in FOLDERS or not all(PLAIN.fullmatch(part) for part in parts):
        return None
    path = home.joinpath(*parts)
    if path.suffix not in TYPES or not path.is_file():
        return None
    return path if path.resolve().is_relative_to((home / parts[0]).resolve()) else None


class Safe:
    """Sends the safe headers with every answer, errors too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, with_headers)


HEALTH = "/health"
"""Path that says that the process answers, and nothing else."""


def make_app(home: Path, more_names: Sequence[str] = ()) -> ASGIApp:
    """Make the application: an index of all nights at its root, figures at /metrics, and reports and their pictures.

    Parameters
    ----------
    home
        Whose publications are shown.
    more_names
        Names that it answers to beside the loopback's own.

    """
    names = frozenset((*OWN_NAMES, *more_names))

    def health(_request: Request) -> Response:
        return PlainTextResponse("well")

    def index(request: Request) -> Response:
        known = _is_own(request, names)
        return HTMLResponse(index_page(shops(home, datetime.now(UTC).date()))) if known else _nothing()

    def metrics(request: Request) -> Response:
        if not _is_own(request, names):
            return _nothing()
        return Response(exposition(shops(home, datetime.now(UTC).date())), media_type=CONTENT_TYPE_LATEST)

    def file(request: Request) -> Response:
        try:
            path = find(home, request.scope["raw_path"].decode("ascii")) if _is_own(request, names) else None
            content = path.read_bytes() if path else None
        except (
            OSError,
            ValueError,
        ):  # a name longer than a disk takes, a file that is gone by now or may not be read
            path = content = None
        if path is None or content is None:
            return _nothing()
        return Response(content, media_type=TYPES[path.suffix])

    paths = {"/": index, HEALTH: health, "/metrics": metrics, "/{path:path}": file}
    return Safe(Starlette(routes=[Route(path, answer) for path, answer in paths.items()]))


def _is_own(request: Request, names: Container[str]) -> bool:
    """Whether this machine is asked by one of its own names.

    A foreign name that resolves to it must not read reports through somebody's browser.
    """
    return request.headers.get("host", "").rpartition(":")[0] in names


def _nothing() -> Response:
    return PlainTextResponse("Not Found", status_code=404)


def make_server(
    home: Path, port: int, host: str = LOOPBACK, more_names: Sequence[str] = ()
) -> uvicorn.Server:
    """A server, by default on the loopback interface; the caller runs it."""
    config = uvicorn.Config(
        make_app(home, more_names),
        host=host,
        port=port,
        log_level="critical",
        access_log=False,
        server_header=False,
        lifespan="off",
    )
    return uvicorn.Server(config)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=REPORTS_PORT, show_default=True)
@click.option(
    "--host",
    default=LOOPBACK,
    show_default=True,
    help="Address to listen at. There is no password: another one is for a container whose port the host publishes on its loopback.",
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    help="A name that it answers to, beside localhost; may be repeated.",
)
@home_option
@exits
def main(port: int, host: str, names: tuple[str, ...], home: Path | None) -> None:
    """Serve the reports of runs, by default on the loopback interface, and nothing else."""
    must_be_free(port, "--port")
    make_server(home or store.home(), port, host, names).run()


if __name__ == "__main__":
    main()
