"""`shelftalker api` as a process: it is ready soon, loses no question when what is live changes, and stops cleanly."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
from click.testing import CliRunner
from lookup_shop import publish_shop

from data_contracts.errors import ConfigurationError
from flows.cli import main
from tasks.publication.registry import roll_back


@contextmanager
def service(*more):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from flows.cli import main; main()", "api", "--dataset", "shop"]
    child = subprocess.Popen(
        [*command, "--port", str(port), *more], env=os.environ, stderr=subprocess.PIPE, text=True
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            while child.poll() is None:
                try:
                    if client.get("/health/ready").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.02)
            yield child, client
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_api__answers_every_question_while_what_is_live_changes(home, tmp_path, workers):
    publish_shop(tmp_path, "first")
    publish_shop(tmp_path, "second", day=2, reverse=True)
    with service("--workers", workers) as (child, client):
        stop, statuses, seen = threading.Event(), [], set()

        def ask():
            while not stop.is_set():
                answer = client.get("/v1/popular")
                statuses.append(answer.status_code)
                seen.add(answer.json()["publication"])

        asking = threading.Thread(target=ask)
        asking.start()
        for run in ("first", "second", "first"):
            roll_back("shop", run)
            time.sleep(0.7)
        if workers == "1":
            child.send_signal(signal.SIGHUP)
            time.sleep(0.3)
        stop.set()
        asking.join()
        child.send_signal(signal.SIGTERM)

        assert child.wait(20) == 0
        assert set(statuses) == {200}
        assert seen == {"first", "second"}


def test_api__says_where_it_is_and_nothing_else(home, tmp_path):
    publish_shop(tmp_path)
    with service() as (child, _):
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=20)[1]

    assert child.returncode == 0
    assert "answers from published/shop/2026-01-01/first" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "SHELFTALKER_API_KEYS"),
        (["--host", "no.such.host.invalid"], "callers need a key"),
        (["--dataset", "nothing.toml"], "nothing.toml does not exist"),
    ],
)
def test_api__refuses_to_start_unsafely(home, words, said):
    done = CliRunner().invoke(main, ["api", "--dataset", "shop", *words])

    assert done.exit_code == ConfigurationError.exit_code
    assert said in done.stderr


def test_api__says_that_a_port_is_taken(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = CliRunner().invoke(main, ["api", "--dataset", "shop", "--port", str(taken.getsockname()[1])])

    assert done.exit_code == ConfigurationError.exit_code
    assert "choose another --host or --port" in done.stderr
