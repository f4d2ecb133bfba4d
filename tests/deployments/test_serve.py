"""`make serve` refuses what cannot work before anything starts, and ends without leaving anything behind."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.drill_checks import wait_until
from deployments.processes import descendants, lives
from deployments.serve import DATABASE
from deployments.workspace import ROOT, Workspace, async_url, free_port
from flows.guarded_server import LOOPBACK

DROPPED_IN = 'name = "orders"\n[source]\npath = "log.csv"\n[columns]\nuser = "u"\nitem = "i"\ntime = "t"\n'
COMMAND = [sys.executable, "-m", "deployments.serve"]


def serve(home, *options):
    return [*COMMAND, "--home", str(home), "--reports-port", str(free_port()), *options]


def refused(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    return done.stderr


def test_serve__refuses_a_busy_port(tmp_path):
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(serve(tmp_path / "home", "--port", str(port)))

    assert f"port {port} of {LOOPBACK} is taken" in said
    assert not (tmp_path / "home").exists()


def test_serve__refuses_a_database_that_does_not_answer(tmp_path, monkeypatch):
    url = f"postgresql://operator:hidden@{LOOPBACK}:{free_port()}/none"
    monkeypatch.setenv(DATABASE, url)
    said = refused(serve(tmp_path / "home", "--port", str(free_port())))

    assert "cannot connect to postgresql+asyncpg://operator:***@" in said
    assert "hidden" not in said


def test_serve__refuses_a_password_that_everybody_could_read(tmp_path):
    url = "postgresql://operator:hidden@localhost/none"
    said = refused(serve(tmp_path / "home", "--db", url))
    made = subprocess.run(
        ["make", "--dry-run", "serve", f"DB={url}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    fine = subprocess.run(
        ["make", "--dry-run", "--assume-old=.venv/.installed", "serve", "PORT=4300"],
        cwd=ROOT,
        env={**os.environ, "DB": url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert f"put the URL into the environment variable {DATABASE}" in said
    assert (made.returncode, "write DB=... before make" in made.stderr) == (2, True)
    assert (fine.returncode, "--port 4300" in fine.stdout) == (0, True), fine.stderr
    assert "hidden" not in said + made.stderr + fine.stdout


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("sqlite:////srv/prefect.db", "sqlite+aiosqlite:////srv/prefect.db"),
    ],
)
def test_async_url__takes_the_driver_that_the_server_needs(given, wanted):
    assert async_url(given) == wanted


def test_place__keeps_away_from_the_settings_of_another_prefect(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_API_KEY", "of the cloud")
    monkeypatch.setenv("PREFECT_API_URL", "https://elsewhere.example/api")
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "sqlite:////elsewhere.db")
    found = Workspace(home=tmp_path).environment()

    assert found["PREFECT_API_URL"] == "http://127.0.0.1:4200/api"
    assert {"PREFECT_API_KEY", "PREFECT_SERVER_DATABASE_CONNECTION_URL"}.isdisjoint(found)


@pytest.fixture(scope="module")
def served_home(tmp_path_factory):
    """A home that is served again and again: only the first time its database is made."""
    home = tmp_path_factory.mktemp("served") / "home"
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "orders.toml").write_text(DROPPED_IN)
    (home / "datasets" / "bad.toml").write_text('name = "bad"')
    return home


@pytest.fixture
def serving(tmp_path, served_home):
    """A running `make serve`, in a process group of its own as a terminal would have it."""
    log = tmp_path / "serve.log"
    with log.open("wb") as file:
        command = serve(served_home, "--port", str(free_port()))
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        wait_until("the server", lambda: ("Ctrl-C" in log.read_text() or process.poll() is not None) or None)
        assert process.poll() is None, log.read_text()
        yield process, log, served_home
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve__ends_whole_and_quietly(serving, number):
    process, log, home = serving
    family = descendants(process.pid)
    assert len(family) == 3
    said = refused(serve(home, "--port", str(free_port())))
    assert "is being served already" in said
    assert any(str(pid) in said for pid in family)

    os.killpg(process.pid, number)

    assert process.wait(30) == 0
    assert not any(map(lives, family))
    logs = [log, *Path(home, "prefect", "logs").glob("*.log")]
    assert not [each for each in logs if "Traceback" in each.read_text()]


@pytest.mark.slow
def test_serve__deploys_what_lies_in_the_home_and_takes_back_what_left(serving):
    _process, log, home = serving
    said = log.read_text()
    assert "sample-backfill, home, orders-nightly, orders-tune, orders-backfill" in said
    assert "bad.toml is not served" in said

    (home / "datasets" / "orders.toml").unlink()
    port = int(re.search(r"API +http://127\.0\.0\.1:(\d+)", said)[1])
    for removed in (3, 0):
        done = subprocess.run(
            [sys.executable, "-m", "deployments.apply"],
            cwd=ROOT,
            env=Workspace(home, port).environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.count("removed ") == removed, done.stdout


@pytest.mark.slow
def test_serve__keeps_its_password_from_others_and_shows_it_once(tmp_path_factory, serving):
    process, log, home = serving
    path = home / "prefect" / "password"
    secret = path.read_text().strip()

    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]
    shown = [each for each in log.parent.parent.rglob("serve.log") if secret in each.read_text()]
    assert len(shown) <= 1  # the first time; the home is served again and again
    assert str(path) in log.read_text()
    for pid in (process.pid, *descendants(process.pid)):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        assert secret.partition(":")[2] not in line


@pytest.mark.slow
def test_serve__ends_with_an_error_where_a_child_dies(serving):
    process, log, _home = serving
    family = descendants(process.pid)
    # Not by their order: numbers of processes begin anew when they are used up.
    (worker,) = (pid for pid in family if b"worker\0start" in Path(f"/proc/{pid}/cmdline").read_bytes())

    os.kill(worker, signal.SIGKILL)

    assert process.wait(30) == 1
    assert "worker ended with signal SIGKILL" in log.read_text()
    assert not any(map(lives, family))
