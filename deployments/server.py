"""`python -m deployments.server`: Prefect's server with a password, answering under its own names only."""

import os
from typing import Any

import click

from data_contracts.errors import ConfigurationError
from deployments.workspace import HOSTS, LOOPBACK
from flows.cli_common import exits

OWN_NAMES = (LOOPBACK, "localhost")
KEEP_ALIVE_SECONDS = 5


def create_app() -> Any:
    """Prefect's application behind a check of the ``Host`` header.

    A foreign name that resolves to this machine must not reach the API through somebody's browser. More names,
    such as that of a proxy, stand in the environment variable SHELFTALKER_SERVER_HOSTS, with commas between.
    """
    from prefect.server.api.server import create_app as prefect_app
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    more = [name.strip() for name in os.environ.get(HOSTS, "").split(",") if name.strip()]
    if any("*" in name for name in more):
        raise ConfigurationError(f"{HOSTS} = {','.join(more)!r}: write whole names, no *")
    return TrustedHostMiddleware(
        prefect_app(final=True), allowed_hosts=[*OWN_NAMES, *more], www_redirect=False
    )


@click.command()
@exits
def main() -> None:
    """Serve until a signal ends it, at PREFECT_SERVER_API_HOST and PREFECT_SERVER_API_PORT."""
    import uvicorn
    from prefect.settings import get_current_settings

    server = get_current_settings().server
    if server.api.auth_string is None:
        raise ConfigurationError(
            "whoever can write to the API can run code as the worker: set PREFECT_SERVER_API_AUTH_STRING=operator:PASSWORD"
        )
    uvicorn.run(
        create_app(),
        host=server.api.host,
        port=server.api.port,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        log_level=server.logging_level.lower(),
        server_header=False,
    )


if __name__ == "__main__":
    main()
