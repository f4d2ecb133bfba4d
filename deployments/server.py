"""`python -m deployments.server`: Prefect's server with a password, answering under its own names only."""

import os
from typing import Any

import click

from data_contracts.errors import ConfigurationError
from deployments.workspace import HOSTS
from flows import guarded_server
from flows.cli_common import exits

KEEP_ALIVE_SECONDS = 5


def create_app() -> Any:
    """Prefect's application, answering under its own names and those of SHELFTALKER_SERVER_HOSTS.

    More names, such as that of a proxy, stand in that environment variable, with commas between.

    Raises
    ------
    ConfigurationError
        If a name is a pattern.

    """
    more = [name.strip() for name in os.environ.get(HOSTS, "").split(",") if name.strip()]
    if any("*" in name for name in more):
        raise ConfigurationError(f"{HOSTS} = {','.join(more)!r}: write whole names, no *")
    return guarded_server.create_app(more)


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
