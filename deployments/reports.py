"""`python -m deployments.reports`: serve the reports of runs on the loopback interface, and nothing else."""

import re
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from deployments.workspace import REPORTS_PORT
from flows.cli_common import exits, home_option
from flows.guarded_server import LOOPBACK, OWN_NAMES
from tasks.runtime import store

TYPES = {".html": "text/html; charset=utf-8", ".png": "image/png", ".svg": "image/svg+xml"}
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


class ReportHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD with a report or a picture of one."""

    server_version = "Shelftalker"
    sys_version = ""
    timeout = 30

    def __init__(self, home: Path, *args: Any) -> None:
        self.home = home
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer with the file."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer with the headers of the file."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        # A foreign name that resolves to this machine must not read reports through somebody's browser.
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        try:
            path = find(self.home, self.path) if host in OWN_NAMES else None
            content = path.read_bytes() if path else None
        except OSError:  # a name longer than a disk takes, a file that is gone by now or may not be read
            path = content = None
        if path is None or content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", TYPES[path.suffix])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def end_headers(self) -> None:
        """Send the safe headers with every answer, errors too."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()


def make_server(home: Path, port: int) -> ThreadingHTTPServer:
    """Bind to the loopback interface; the caller serves and closes."""
    return ThreadingHTTPServer((LOOPBACK, port), partial(ReportHandler, home))


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=REPORTS_PORT, show_default=True)
@home_option
@exits
def main(port: int, home: Path | None) -> None:
    """Serve the reports of runs on the loopback interface, and nothing else."""
    with make_server(home or store.home(), port) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
