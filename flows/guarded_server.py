"""Prefect's server as whoever starts it locks it: a password, and answers under its own names only."""

import secrets
from collections.abc import Sequence
from typing import Any

LOOPBACK = "127.0.0.1"
OWN_NAMES = (LOOPBACK, "localhost")
SERVER_VARIABLE = "PREFECT_SERVER_API_AUTH_STRING"
"""What the server asks for."""
CLIENT_VARIABLE = "PREFECT_API_AUTH_STRING"
"""What its clients send."""
USER = "operator"
N_BYTES = 24


def fresh_secret() -> str:
    """Make ``user:password`` that nobody can guess."""
    return f"{USER}:{secrets.token_urlsafe(N_BYTES)}"


def create_app(more_names: Sequence[str] = ()) -> Any:
    """Prefect's application behind a check of the ``Host`` header.

    A foreign name that resolves to this machine must not reach the API through somebody's browser.

    Parameters
    ----------
    more_names
        Names that it answers to beside the loopback's own.

    """
    from prefect.server.api.server import create_app as prefect_app
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    return TrustedHostMiddleware(
        prefect_app(final=True), allowed_hosts=[*OWN_NAMES, *more_names], www_redirect=False
    )
