"""What all tests share: a home of their own, a seeded generator, and where real data may lie.

A test that uses one of the fixtures :data:`SERVERS` gets the marker `server`; `make check` leaves those out.
"""

import os
import shutil
import socket
import subprocess
import uuid
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# LightGBM's threads would spin while they wait, three times the CPU where another process is at work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Before anything imports Prefect: nothing leaves this machine, nothing touches the user's own Prefect.
os.environ.update(
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    DO_NOT_TRACK="1",
    PREFECT_LOGGING_TO_API_ENABLED="false",
    # A test that needs a server asks for one; without it, Prefect says so instead of starting its own unseen.
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="false",
    GX_ANALYTICS_ENABLED="false",
)

# Models of the tests' own, found as anybody's would be who keeps models outside this project.
_OWN = str(Path(__file__).parent / "models")
os.environ["SHELFTALKER_MODELS"] = os.pathsep.join(filter(None, [os.environ.get("SHELFTALKER_MODELS"), _OWN]))

# The first example of a property may compile a kernel: no deadline. The same examples every time.
settings.register_profile("shelftalker", deadline=None, derandomize=True)
settings.load_profile("shelftalker")

ROOT = Path(__file__).parents[1]

SERVERS = {"prefect_server", "stack", "serving"}
"""Fixtures that start a Prefect server."""


def pytest_collection_modifyitems(items):
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)


# What a server does besides: nothing here is scheduled, nothing reacts to events, no block is looked up before it is made.
IDLE = (
    "API_BLOCKS_REGISTER_ON_START",
    *(
        f"SERVER_SERVICES_{service}_ENABLED"
        for service in (
            "CANCELLATION_CLEANUP",
            "CLEANUP_RECONCILER",
            "EVENT_PERSISTER",
            "FOREMAN",
            "LATE_RUNS",
            "PAUSE_EXPIRATIONS",
            "REPOSSESSOR",
            "SCHEDULER",
            "TRIGGERS",
        )
    ),
)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory):
    """One server for all flow tests of a process; results go to a folder of the session, not to the user's."""
    from prefect.settings import PREFECT_API_URL, PREFECT_RESULTS_LOCAL_STORAGE_PATH, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    results = {PREFECT_RESULTS_LOCAL_STORAGE_PATH: tmp_path_factory.mktemp("results")}
    with temporary_settings(results), ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:  # read by the server when it starts, and by no other
            for name in IDLE:
                patch.setenv(f"PREFECT_{name}", "false")
            stack.enter_context(prefect_test_harness(server_startup_timeout=120))
        yield PREFECT_API_URL.value()


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty artifact store."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SHELFTALKER_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def real_data():
    """The folder of real files; tests that ask for it skip where there is none."""
    folder = Path(os.environ.get("SHELFTALKER_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "online_retail.parquet").exists():
        pytest.skip(f"no real data at {folder}; set SHELFTALKER_TEST_DATA")
    return folder


@pytest.fixture
def postgres():
    """URL of a PostgreSQL database whose first schema is this test's own, and empty."""
    base = os.environ.get("SHELFTALKER_TEST_POSTGRES")
    if not base:
        pytest.skip("no PostgreSQL; set SHELFTALKER_TEST_POSTGRES to its URL")
    import sqlalchemy

    schema = f"test_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(base, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.schema.CreateSchema(schema))
        yield engine.url.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(False)
        connection.execute(sqlalchemy.schema.DropSchema(schema, cascade=True))


@pytest.fixture
def closed_port():
    """A port of this machine that nobody listens at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def start_redis(tmp_path):
    """Starts Redis servers of this test's own, with more settings if given; returns the URL of each."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server; apt-get install redis-server")
    pytest.importorskip("redis")
    with ExitStack() as stack:

        def start(*settings):
            with socket.socket() as held:
                held.bind(("127.0.0.1", 0))
                port = str(held.getsockname()[1])
            words = ("--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", str(tmp_path), *settings)
            server = stack.enter_context(
                subprocess.Popen([binary, *words], stdout=subprocess.PIPE, text=True)
            )
            stack.callback(server.kill)
            said = next((line for line in server.stdout if "Ready to accept connections" in line), "")
            assert said, f"redis-server on port {port} did not start"
            return f"redis://127.0.0.1:{port}/0"

        yield start


@pytest.fixture
def redis_url(start_redis):
    """URL of an empty Redis."""
    return start_redis()


@pytest.fixture(scope="session")
def s3_server():
    """Address of an S3 on this machine."""
    pytest.importorskip("s3fs")
    pytest.importorskip("flask_cors")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server, monkeypatch):
    """URL of an empty bucket, with credentials in the environment."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    import fsspec

    name = f"bucket-{uuid.uuid4().hex}"
    fsspec.filesystem("s3", skip_instance_cache=True).mkdir(name)
    return f"s3://{name}"


@pytest.fixture
def memory():
    """URL of an empty place in memory."""
    import fsspec

    fsspec.filesystem("memory").store.clear()
    return "memory://shop"


@pytest.fixture(params=["memory", "bucket"])
def remote(request):
    """URL of an empty place of each kind of object store that is tested."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request, tmp_path):
    """URL of an empty database of each kind that tables are loaded into."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    return request.getfixturevalue("postgres")
