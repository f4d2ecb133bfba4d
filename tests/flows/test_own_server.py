"""The server of a command is begun where no other is configured, and nowhere else."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Event

import httpx
import pytest
import websockets.sync.client
from prefect.client.base import ServerType
from prefect.settings import temporary_settings
from small_shop import write_dataset

from data_contracts.errors import DamagedError, ShelftalkerError
from deployments.processes import descendants, lives
from flows import own_server, sqlite_check


class Server:
    """Stands for Prefect's: starts when it is let, or breaks."""

    def __init__(self, error=None):
        self.error, self.let, self.started = error, Event(), False

    def __call__(self):
        return self

    def start(self):
        assert self.let.wait(10)
        if self.error:
            raise self.error
        self.started = True


@pytest.fixture
def begun(monkeypatch):
    """Begin under some kind of API, with a server that stands for Prefect's."""

    def begin(kind, server):
        monkeypatch.setattr(own_server, "_starting", [])
        monkeypatch.setattr(own_server, "_refused", [])
        monkeypatch.setattr("prefect.client.base.determine_server_type", lambda: kind)
        monkeypatch.setattr("prefect.server.api.server.SubprocessASGIServer", server)
        own_server.begin()

    with temporary_settings():  # the password ends with it
        yield begin


def test_own_server__starts_while_the_command_goes_on(begun):
    server = Server()
    begun(ServerType.EPHEMERAL, server)
    assert not server.started

    server.let.set()
    own_server.wait()
    assert server.started


@pytest.mark.parametrize("kind", [ServerType.SERVER, ServerType.CLOUD, ServerType.UNCONFIGURED])
def test_own_server__is_not_begun_beside_another(begun, kind):
    server = Server()
    server.let.set()
    begun(kind, server)
    own_server.wait()

    assert not server.started


def test_own_server__leaves_it_to_the_flow_to_say_what_is_wrong(begun):
    server = Server(RuntimeError("no port"))
    begun(ServerType.EPHEMERAL, server)
    server.let.set()
    own_server.wait()  # raises nothing


def test_own_server__that_ends_again_and_again_is_given_up(begun, monkeypatch, home):
    class Ending(Server):
        def start(self):
            while True:
                self._run_uvicorn_command()

    monkeypatch.setattr(own_server, "_run_uvicorn", lambda _server, _secret: None)
    begun(ServerType.EPHEMERAL, Ending())

    with pytest.raises(ShelftalkerError, match=r"ended 3 times while it started.*PREFECT_HOME"):
        own_server.wait()


@pytest.fixture
def database(tmp_path):
    """A SQLite file of some pages."""
    path = tmp_path / "prefect.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (name TEXT)")
        connection.executemany("INSERT INTO runs VALUES (?)", [(f"run {n}" * 50,) for n in range(1000)])
        connection.commit()
    return path


def test_sqlite_check__passes_what_is_whole_at_work_or_not_there(database, tmp_path):
    for path in (database, tmp_path / "none.db"):
        sqlite_check.check_url(f"sqlite+aiosqlite:///{path}")
    sqlite_check.check_url("postgresql+asyncpg://nobody@nowhere/none")
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        sqlite_check.check(database)


@pytest.mark.parametrize(
    "harm",
    [
        lambda content: b"no database at all, but long enough to be one" * 99,
        lambda content: content[: len(content) // 2],
        lambda content: content[:4096] + os.urandom(4096) + content[8192:],
    ],
    ids=["other", "cut", "overwritten"],
)
def test_sqlite_check__names_a_damaged_file_and_what_to_do(database, harm):
    database.write_bytes(harm(database.read_bytes()))

    with pytest.raises(DamagedError, match=r"Move it away, with prefect.db-wal") as caught:
        sqlite_check.check_url(f"sqlite+aiosqlite:///{database}")
    assert str(database) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.fixture
def command(tmp_path, small_log):
    """A run of the small shop with Prefect's files of its own; where no server is configured, it starts one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment |= {"PREFECT_HOME": str(tmp_path / "prefect"), "SHELFTALKER_HOME": str(tmp_path / "home")}
    words = ["run", "--dataset", write_dataset(tmp_path), "--source", small_log]
    script = Path(sys.executable).with_name("shelftalker")

    def start():
        return subprocess.Popen([script, *words], env=environment, stderr=subprocess.PIPE, text=True)

    return start


ASKING = """
import json, sys
from flows import own_server
own_server.begin()
own_server.wait()
from prefect import get_client
from prefect.server.api.server import SubprocessASGIServer
with get_client(sync_client=True) as client:
    print(json.dumps([str(client.api_url), len(client.read_flows()), SubprocessASGIServer().server_process.pid]), flush=True)
sys.stdin.read()
"""
"""A command that asks its server, says where it is, and waits until it is told to end."""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Address and process id of a command's real server."""
    folder = tmp_path_factory.mktemp("own")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    # Secrets of somebody's other server, which must not become those of this one.
    others = {"PREFECT_SERVER_API_AUTH_STRING": "me:known", "PREFECT_API_AUTH_STRING": "me:known"}
    where = {"PREFECT_HOME": str(folder / "prefect"), "SHELFTALKER_HOME": str(folder / "home")}
    process = subprocess.Popen(
        [sys.executable, "-c", ASKING],
        env={**kept, **others, **where, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    api, n_flows, pid = json.loads(process.stdout.readline())
    assert n_flows == 0
    yield api.rstrip("/"), pid
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("secret", [None, ("me", "known"), ("operator", ""), ("", "")])
def test_own_server__answers_nobody_without_its_password(own, secret):
    for method, path in [("POST", "/flow_runs/filter"), ("GET", "/admin/version"), ("POST", "/flows/")]:
        assert httpx.request(method, f"{own[0]}{path}", auth=secret).status_code == 401
    assert httpx.get(f"{own[0]}/health").json() is True


@pytest.mark.slow
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", ""])
def test_own_server__answers_under_its_own_names_only(own, host):
    for path in ("/health", "/flow_runs/filter"):
        assert httpx.post(f"{own[0]}{path}", headers={"Host": host}).status_code == 400


@pytest.mark.slow
def test_own_server__takes_no_events_without_its_password(own):
    address = f"{own[0].replace('http', 'ws')}/events/in"
    with websockets.sync.client.connect(address, subprotocols=["prefect"]) as socket:
        socket.send(json.dumps({"type": "auth", "token": "me:known"}))
        with pytest.raises(websockets.exceptions.ConnectionClosed, match="1008"):
            socket.recv(timeout=20)


@pytest.mark.slow
def test_own_server__shows_its_password_to_nobody_who_lists_processes(own):
    words = Path(f"/proc/{own[1]}/cmdline").read_bytes().decode()
    variables = Path(f"/proc/{own[1]}/environ").read_bytes().decode().split("\0")
    secret = next(text for text in variables if text.startswith("PREFECT_SERVER_API_AUTH_STRING="))

    assert secret.partition("=")[2] not in words
    assert len(secret) > 60
    assert Path(f"/proc/{own[1]}/environ").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_run__with_a_damaged_database_ends_at_once_with_one_line(command, tmp_path):
    (tmp_path / "prefect").mkdir()
    (tmp_path / "prefect" / "prefect.db").write_text("no database at all" * 999)
    process = command()
    _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert said.startswith(f"Damaged: Prefect's database {tmp_path / 'prefect' / 'prefect.db'} is damaged")
    assert len(said.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_run__ended_by_a_signal_leaves_no_server_behind(command, number):
    process = command()
    until = time.monotonic() + 60
    while not (family := descendants(process.pid)) or time.monotonic() < until - 55:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    until = time.monotonic() + 20
    while any(map(lives, family)):
        assert time.monotonic() < until, family
        time.sleep(0.05)
    assert process.returncode != 0
    assert "Traceback" not in said
