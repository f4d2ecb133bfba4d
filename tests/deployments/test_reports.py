"""The server of reports shows reports, and nothing else, to this machine only."""

import os
import socket

import httpx
import pytest
from running_api import running

from deployments.reports import make_app

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
    (home / "published/shop/folder").symlink_to(tmp_path)
    (home / "published/shop/up").symlink_to("../..")
    (home / "published/shop/loop.html").symlink_to("loop.html")
    (home / "published/shop/folder.html").mkdir()
    os.mkfifo(home / "published/shop/pipe.html")
    with running(make_app(home)) as client:
        yield str(client.base_url).rstrip("/")


@pytest.mark.parametrize(("name", "kind"), [(REPORT, "text/html; charset=utf-8"), (PICTURE, "image/svg+xml")])
def test_reports__shows_pages_and_pictures_with_safe_headers(served, name, kind):
    answer = httpx.get(f"{served}/{name}")

    assert (answer.status_code, answer.text) == (200, f"<p>{name}</p>")
    assert answer.headers["content-type"] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


def test_reports__shows_an_index_at_its_root(served):
    answer = httpx.get(served)

    assert answer.status_code == 200
    assert "No run has ended in this home yet" not in answer.text
    assert "<h2" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert httpx.get(served, headers={"Host": "evil.example:80"}).status_code == 404


def test_reports__says_that_it_is_well_and_answers_to_more_names_if_told(tmp_path):
    with running(make_app(tmp_path, ["reports"])) as client:
        named = {"Host": "reports:4280"}

        assert client.get("/health").text == "well"
        assert client.get("/", headers=named).status_code == 200
        assert client.get("/", headers={"Host": "evil.example:4280"}).status_code == 404


def test_reports__has_figures_for_prometheus(served):
    answer = httpx.get(f"{served}/metrics")

    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")
    assert "# TYPE shelftalker_live_age_days gauge" in answer.text
    assert httpx.get(f"{served}/metrics", headers={"Host": "evil.example:80"}).status_code == 404


def test_reports__answers_head_without_a_body(served):
    answer = httpx.head(f"{served}/{REPORT}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(f"<p>{REPORT}</p>")


@pytest.mark.parametrize(
    "path",
    [
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
        "published/shop/folder/secret.html",
        "published/shop/up/prefect/page.html",
        "published/shop/loop.html",
        "published/shop/folder.html",
        "published/shop/pipe.html",
        "published/shop/%00.html",
        "published/shop/%0a.html",
        "published/%252e%252e/prefect/page.html",
        "published/..;/prefect/page.html",
        "published/shop/" + 300 * "a" + ".html",
        "published/" + 3000 * "a/" + "a.html",
        "published/" + 9000 * "a" + ".html",
        "etc/passwd",
        "%2fetc%2fpasswd",
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


def said_to(served, request):
    """What the server answers to bytes that no client would send."""
    address = httpx.URL(served)
    with socket.create_connection((address.host, address.port), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "host", ["evil.example:80", "127.0.0.1.evil:80", "localhost", "", "evil:1, localhost:1"]
)
def test_reports__answers_under_its_own_names_only(served, host):
    assert httpx.get(f"{served}/{REPORT}", headers={"Host": host}).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "MOVE"])
def test_reports__takes_nothing(served, method):
    answer = said_to(served, f"{method} /{REPORT} HTTP/1.1\r\nHost: localhost:1\r\n\r\n".encode())

    assert answer.split()[1] in {b"400", b"404", b"405"}
    assert b"<p>" not in answer
    assert httpx.get(f"{served}/{REPORT}").status_code == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"\0",
        b"GET\r\n\r\n",
        f"GET /{REPORT}\r\n\r\n".encode(),
        f"GET /{REPORT} HTTP/1.1\r\n\r\n".encode(),
        f"GET /{REPORT} HTTP/9.9\r\nHost: localhost:1\r\n\r\n".encode(),
        f"GET /{REPORT}\0.html HTTP/1.1\r\nHost: localhost:1\r\n\r\n".encode(),
        b"GET /published/\xff\xfe HTTP/1.1\r\nHost: localhost:1\r\n\r\n",
        b"GET /" + 70_000 * b"a" + b" HTTP/1.1\r\nHost: localhost:1\r\n\r\n",
        f"GET /{REPORT} HTTP/1.1\r\n{''.join(f'A{n}: b{chr(13)}{chr(10)}' for n in range(200))}\r\n".encode(),
    ],
)
def test_reports__lives_on_after_what_is_no_request(served, request_, capfd):
    answer = said_to(served, request_)

    assert b" 200 " not in answer
    assert b"<p>" not in answer.partition(b"Error response")[0]
    assert httpx.get(f"{served}/{REPORT}").status_code == 200
    assert "Traceback" not in capfd.readouterr().err
