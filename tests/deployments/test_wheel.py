"""A wheel has all that a run, a look-up and a server need, and none of it is found in the checkout."""

import json
import os
import signal
import subprocess
import zipfile
from email.parser import Parser

import httpx
import pytest
from installed_wheel import ROOT, build, install

from deployments.drill_checks import wait_until
from deployments.processes import descendants, lives
from deployments.workspace import free_port
from flows.guarded_server import LOOPBACK
from tasks.runtime.code_hash import code_hash

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # every kernel is compiled anew

READ_BY_PROGRAMS = (".css", ".example", ".html", ".j2", ".js", ".json", ".service", ".svg", ".toml", ".yaml")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    return install(wheel, tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def published(installed):
    """The folder of a run on the sample."""
    words = ("--dataset", "sample", "--models", "popularity", "--json")
    return json.loads(installed.call("shelftalker", "run", *words))["path"]


def test_wheel__has_every_file_that_the_packages_read_and_no_test(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = ("data_contracts", "tasks", "flows", "deployments")
    listed = subprocess.run(
        ["git", "ls-files", *packages], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    tops = {name.split("/")[0] for name in names}

    assert {name for name in listed if name.endswith(READ_BY_PROGRAMS)} <= names
    assert {"data_contracts/datasets/sample.toml", "tasks/report/templates/report.html.j2"} <= names
    assert tops == {*packages, *(top for top in tops if top.endswith(".dist-info"))}
    assert not [
        name for name in names if "torture" in name or "test" in name.lower() or name.endswith(".pyc")
    ]


def test_wheel__says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = Parser().parsestr(archive.read(path).decode())

    assert metadata["License-Expression"] == "MIT"
    assert "neural" in metadata.get_all("Provides-Extra")


def test_installed__says_its_version(installed, wheel):
    said = installed.call("shelftalker", "--version")

    assert said == f"shelftalker, version {wheel.name.split('-')[1]}\n"


def test_installed__knows_code_by_the_same_hash_as_a_checkout(installed):
    modules = ("flows.nightly", "tasks.models.wals", "tasks.report.task")
    program = f"from tasks.runtime.code_hash import code_hash; print(code_hash(*{modules!r}))"

    assert installed.call("python", "-c", program).strip() == code_hash(*modules)


def test_installed__publishes_and_looks_up(installed, published):
    program = """
import tasks
from tasks.lookup import open_publication
shop = open_publication("sample")
user = shop.columns.users[0]
print(tasks.__file__, user, len(shop.recommend(user, 3).items))
"""
    where, user, n = installed.call("python", "-c", program).split()
    listed = installed.call(
        "shelftalker", "recommend", "--dataset", "sample", "--user", user, "-k", 3, "--json"
    )
    checked = installed.call("shelftalker", "check", "sample", "--json")

    assert where.startswith(str(installed.environment))
    assert published.startswith(str(installed.folder))
    assert int(n) == len(json.loads(listed)) == 3
    assert json.loads(checked)["dataset"] == "sample"


def test_installed__serves(installed, tmp_path):
    log, ports = tmp_path / "serve.log", (free_port(), free_port())
    words = ["--port", str(ports[0]), "--reports-port", str(ports[1])]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [installed.python, "-m", "deployments.serve", *words],
            cwd=installed.folder,
            env=installed.variables,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until("the server", lambda: ("Ctrl-C" in log.read_text() or process.poll() is not None) or None)
        assert process.poll() is None, log.read_text()
        family = descendants(process.pid)
        assert "deployed sample-nightly, sample-tune, sample-backfill, home" in log.read_text()
        assert "sample" in wait_until("the reports", lambda: _page(ports[1]))
    finally:
        os.killpg(process.pid, signal.SIGINT)
        ended = process.wait(60)

    assert ended == 0
    assert not any(map(lives, family))


def _page(port):
    """Text of the first page of the report server; None until it answers."""
    try:
        return httpx.get(f"http://{LOOPBACK}:{port}/").text
    except httpx.TransportError:
        return None
