"""The server's password is made once, and nobody but its owner may read it."""

import stat

import pytest

from data_contracts.errors import ConfigurationError
from deployments import credentials
from deployments.workspace import Workspace
from flows.guarded_server import SERVER_VARIABLE


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)
    return Workspace(home=tmp_path)


def test_ensure__makes_a_password_once_and_every_process_gets_it(workspace):
    fresh = credentials.ensure(workspace.password_file)
    environment = workspace.environment()

    assert fresh is not None
    assert len(fresh) > 32
    assert stat.S_IMODE(workspace.password_file.stat().st_mode) == 0o600
    assert [path.name for path in workspace.password_file.parent.iterdir()] == ["password"]
    assert environment["PREFECT_API_AUTH_STRING"] == environment[SERVER_VARIABLE] == fresh
    assert credentials.ensure(workspace.password_file) is None
    assert workspace.environment() == environment


def test_ensure__the_environment_goes_first(workspace, monkeypatch):
    monkeypatch.setenv(SERVER_VARIABLE, "me:mine")

    assert credentials.ensure(workspace.password_file) is None
    assert not workspace.password_file.exists()
    assert workspace.environment()["PREFECT_API_AUTH_STRING"] == "me:mine"


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"", 0o600, "holds no user:password"),
        (b"secret", 0o600, "holds no user:password"),
        (b"\xff", 0o600, "holds no user:password"),
        (b"me:mine", 0o644, "others may read"),
    ],
)
def test_stored__refuses_what_is_no_password_or_no_secret(workspace, content, mode, said):
    path = workspace.password_file
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(mode)

    with pytest.raises(ConfigurationError, match=said) as caught:
        credentials.ensure(path)
    assert "mine" not in str(caught.value)
