"""The server of reports shows reports, and nothing else, to this machine only."""

import threading

import httpx
import pytest

from deployments.reports import make_server
from flows.guarded_server import LOOPBACK

REPORT = "published/shop/2026-01-01/abc123/report.html"
PICTURE = "rejected/shop/2026-01-01/abc123.svg"


@pytest.fixture
def served(tmp_path):
    home = tmp_path / "home"
    for name in (
        REPORT,
        PICTURE,
        "published/shop/2026-01-01/abc123/predictions.parquet",
        "prefect/page.html",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"<p>{name}</p>")
    (tmp_path / "secret.html").write_text("secret")
    (home / "published/shop/link.html").symlink_to(tmp_path / "secret.html")
    (home / "published/shop/.hidden.html").write_text("hidden")
    with make_server(home, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("name", "kind"), [(REPORT, "text/html; charset=utf-8"), (PICTURE, "image/svg+xml")])
def test_reports__shows_pages_and_pictures_with_safe_headers(served, name, kind):
    answer = httpx.get(f"{served}/{name}")

    assert (answer.status_code, answer.text) == (200, f"<p>{name}</p>")
    assert answer.headers["content-type"] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


def test_reports__answers_head_without_a_body(served):
    answer = httpx.head(f"{served}/{REPORT}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(f"<p>{REPORT}</p>")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "published",
        "published/",
        "published/shop/2026-01-01/abc123/",
        "published/shop/2026-01-01/abc123/predictions.parquet",
        "prefect/page.html",
        "published/../prefect/page.html",
        "published/%2e%2e/prefect/page.html",
        "published/%2e%2e%2fprefect%2fpage.html",
        "published/shop/%2e%2e/%2e%2e/%2e%2e/secret.html",
        "published//shop/2026-01-01/abc123/report.html",
        "published/shop/link.html",
        "published/shop/.hidden.html",
        "published/shop/2026-01-01/abc123/report.html%00.png",
        "published\\..\\prefect\\page.html",
    ],
)
def test_reports__shows_nothing_else(served, path):
    # As raw bytes: a client would tidy the path up before it sends it.
    with httpx.Client(base_url=served) as client:
        request = client.build_request("GET", "/")
        request.url = request.url.copy_with(raw_path=f"/{path}".encode())
        answer = client.send(request)

    assert answer.status_code == 404
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in answer.text


def test_reports__refuses_a_foreign_host_name_and_other_methods(served):
    assert httpx.get(f"{served}/{REPORT}", headers={"Host": "evil.example:80"}).status_code == 404
    assert httpx.post(f"{served}/{REPORT}").status_code == 501
