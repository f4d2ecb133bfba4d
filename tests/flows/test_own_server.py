"""The server of a command is begun where no other is configured, and nowhere else."""

from threading import Event

import pytest
from prefect.client.base import ServerType

from flows import own_server


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
        monkeypatch.setattr("prefect.client.base.determine_server_type", lambda: kind)
        monkeypatch.setattr("prefect.server.api.server.SubprocessASGIServer", server)
        own_server.begin()

    return begin


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
