"""Dockerfile and compose.yaml say what is there, agree with the rest of the project, and hold no secret."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tomllib
from http import HTTPStatus
from importlib.util import find_spec
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from starlette.applications import Starlette
from starlette.routing import Mount

from data_contracts.errors import ConfigurationError
from deployments import container_replay
from deployments.healthy import problem
from deployments.image_files import COMPOSE, DOCKERFILE, compose, dockerfile, image_environment
from deployments.reports import make_app
from deployments.workspace import ROOT
from flows.cli import main as command_line
from tasks.serving.app import create_app
from tasks.serving.settings import ApiSettings

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SECRETS = ("POSTGRES_PASSWORD", "SHELFTALKER_OPERATOR_PASSWORD", "SHELFTALKER_API_KEYS")
ASKED_FOR = "SHELFTALKER_TEST_CONTAINERS"
OURS = ("server", "worker", "reports", "lookups")


@pytest.fixture(scope="module")
def services():
    return compose(dict.fromkeys(SECRETS, "x" * 20))


def test_compose__has_every_process_and_the_database(services):
    assert set(services) == {*OURS, "postgres"}
    assert all(services[name].image == f"shelftalker:{PROJECT['version']}" for name in OURS)


@pytest.mark.parametrize("name", OURS)
def test_compose__every_command_is_there(services, name):
    for words in (services[name].command, services[name].healthcheck):
        if words[0] == "python":
            assert words[1] == "-m"
            assert find_spec(words[2]) is not None
        else:
            assert words[0] in PROJECT["scripts"]
            assert words[1] in command_line.commands
    program, *words = services[name].command
    given = {word for word in words if word.startswith("--")}
    if program == "shelftalker":
        assert given <= {option for each in command_line.commands[words[0]].params for option in each.opts}


def app_of(name, home):
    if name == "server":
        from prefect.server.api.server import create_api_app

        return Starlette(routes=[Mount("/api", create_api_app())])
    if name == "worker":
        from prefect.workers.server import _build_healthcheck_server

        return _build_healthcheck_server(lambda: True).config.app
    return make_app(home).app if name == "reports" else create_app(ApiSettings(datasets=("sample",)))


async def status_of(app, path):
    """Status of a GET."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        return (await client.get(path)).status_code


@pytest.mark.parametrize("name", OURS)
def test_compose__every_healthcheck_asks_a_route_that_is_there_at_the_port_that_is_listened_on(
    services, name, tmp_path
):
    service = services[name]
    url = urlsplit(service.healthcheck[-1])

    assert asyncio.run(status_of(app_of(name, tmp_path), url.path)) == HTTPStatus.OK
    assert url.hostname == "127.0.0.1"
    for port in service.ports:
        assert port == f"127.0.0.1:{url.port}:{url.port}", "published on the host's loopback alone"


@pytest.mark.parametrize("name", OURS)
def test_compose__nothing_may_do_more_than_it_must(services, name):
    raw = services[name].raw

    assert (raw["read_only"], raw["cap_drop"]) == (True, ["ALL"])
    assert raw["security_opt"] == ["no-new-privileges:true"]
    assert raw["volumes"][0] == "home:/var/lib/shelftalker"


def test_compose__two_volumes_are_named_and_each_is_used(services):
    document = yaml.safe_load(COMPOSE.read_text("utf-8"))
    used = {each.partition(":")[0] for service in services.values() for each in service.raw["volumes"]}

    assert set(document["volumes"]) == {"home", "database"} <= used


def test_dockerfile__python_and_pins_are_those_of_the_project():
    base = re.fullmatch(r"python:(\d+)\.(\d+)-slim-\w+", dockerfile()[0].text)
    least = re.search(r"(\d+)\.(\d+)", PROJECT["requires-python"])
    (extras,) = (each.pairs["EXTRAS"] for each in dockerfile() if each.name == "ARG")

    assert tuple(map(int, base.groups())) >= tuple(map(int, least.groups()))
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    for each in dockerfile():
        if "pip install" in each.text:
            assert "--constraint constraints.txt" in each.text


def test_dockerfile__copies_what_is_there_and_ends_as_a_user_without_rights():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for each in dockerfile():
        if each.name == "COPY":
            *sources, _ = each.text.split()
            assert set(sources) <= allowed
            assert all((ROOT / source).exists() for source in sources)
    (user,) = (each.text for each in dockerfile() if each.name == "USER")
    assert user == "shelftalker"
    assert image_environment(dockerfile())["SHELFTALKER_HOME"] == "/var/lib/shelftalker"


def test_files__hold_no_secret():
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert example == dict.fromkeys(SECRETS, "")
    for line in f"{COMPOSE.read_text('utf-8')}\n{DOCKERFILE.read_text('utf-8')}".splitlines():
        if re.search(r"PASSWORD|AUTH_STRING|KEYS", line) and not line.lstrip().startswith("#"):
            assert re.search(r"\$\{(POSTGRES_PASSWORD|SHELFTALKER_\w+):\?", line), line
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    assert {".env", "worker.env"} <= set(ignored)


def test_compose__refuses_to_start_without_a_secret():
    with pytest.raises(ConfigurationError, match=r"copy \.env\.example"):
        compose(dict.fromkeys(SECRETS[1:], "x" * 20))


def test_dockerfile__what_is_not_understood_is_refused(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM a\n# RUN b\nHEALTHCHECK NONE\n")
    with pytest.raises(ConfigurationError, match="HEALTHCHECK is not among"):
        dockerfile(tmp_path / "Dockerfile")


def test_healthy__says_what_is_wrong(tmp_path):
    assert "refused" in problem("http://127.0.0.1:1/health")
    assert problem("127.0.0.1") is not None


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_replay__an_image_is_made_and_its_services_do_their_work(tmp_path):
    if not os.environ.get(ASKED_FOR):
        pytest.skip(
            f"takes minutes and a network: set {ASKED_FOR}=1, or run `python -m deployments.container_replay`"
        )
    if (reason := container_replay.lacking()) is not None:
        pytest.skip(reason)
    command = [sys.executable, "-m", "deployments.container_replay", "--folder", str(tmp_path / "image")]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(tmp_path / "image", ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
    # Which bytes is a matter of the image's Python and system libraries: docs/containers.md.
    assert re.search(r"shelftalker run: blend, predictions [0-9a-f]{8}", done.stdout)
