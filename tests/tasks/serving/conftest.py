import pytest
from lookup_shop import publish_shop
from running_api import running

from tasks.serving.app import create_app
from tasks.serving.settings import ApiSettings


@pytest.fixture
def app(home, tmp_path):
    """The service of one small shop."""
    publish_shop(tmp_path)
    return create_app(ApiSettings(datasets=("shop",), poll_seconds=0.02))


@pytest.fixture
def client(app):
    """A client of the service."""
    with running(app) as it:
        yield it
