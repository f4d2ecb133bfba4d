"""The example page of the documentation, in a browser, on a real service."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from chromium import dumped_page
from lookup_shop import publish_shop
from running_api import running

from tasks.serving.app import create_app
from tasks.serving.settings import ApiSettings

DOCS = Path(__file__).parents[3] / "docs"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.mark.browser
@pytest.mark.parametrize(
    ("user", "heading", "shown"),
    [("a/b", "For you", ["Item 0", "Item 1"]), ("nobody", "Popular now", ["i4", "Item 3"])],
)
def test_shelf__shows_what_the_service_answers(home, tmp_path, user, heading, shown):
    publish_shop(tmp_path)
    pages = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(DOCS)))
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{pages.server_port}"
    try:
        with running(create_app(ApiSettings(datasets=("shop",), allowed_origins=(origin,)))) as client:
            api = str(client.base_url).rstrip("/")
            html = dumped_page(f"{origin}/shelf.html?api={quote(api)}&user={quote(user, safe='')}", tmp_path)
    finally:
        pages.shutdown()
        pages.server_close()

    assert f">{heading}</h1>" in html
    places = [html.index(f">{title}</li>") for title in shown]
    assert places == sorted(places)
