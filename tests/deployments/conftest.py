"""A real server with the small shop's deployments, for the tests that need one."""

import pytest

from deployments import rehearsal
from deployments.observer import Observer
from deployments.stack import Stack
from deployments.workspace import Workspace, free_port

EVERY_SECONDS = 3600.0


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Parameters of the small shop, and the file that deploys it."""
    folder = tmp_path_factory.mktemp("shop")
    given = {"dataset": str(rehearsal.write_dataset(folder)), "source": str(rehearsal.write_log(folder))}
    return given, rehearsal.write_deployments(folder, given, "2025-07-01", EVERY_SECONDS)


@pytest.fixture(scope="module")
def stack(shop, tmp_path_factory):
    """A server with the shop deployed; tests start and stop workers."""
    workspace = Workspace(tmp_path_factory.mktemp("stack") / "home", free_port(), free_port())
    with pytest.MonkeyPatch.context() as patch:
        # For the processes of this server only: the tests of flows share another one.
        patch.delenv("PREFECT_LOGGING_TO_API_ENABLED", raising=False)
        patch.setenv("PREFECT_WORKER_QUERY_SECONDS", "2")
        patch.setenv("PREFECT_SERVER_API_AUTH_STRING", "operator:secret of the tests")
        with Stack(workspace) as started:
            started.start_server()
            started.apply(shop[1])
            yield started


@pytest.fixture
def observer(stack):
    with Observer.of(stack.workspace) as found:
        yield found


@pytest.fixture
def worker(stack):
    started = stack.start_worker()
    yield started
    if started in stack.children:
        stack.stop_worker(started)
