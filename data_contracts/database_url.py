"""Database URLs with ``{NAME}`` where something secret stands: what they may hold, and how they are filled."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from data_contracts.errors import ConfigurationError

VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
"""Name of an environment variable."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PARTS = re.compile(r"([A-Za-z][\w+.-]*://)((?!/)[^?]*@)?([^?]*)(\?.*)?", re.DOTALL)
_SECRET_OPTION = re.compile(r"[?&](?:ssl)?(?:password|passwd|pwd)=([^&]*)", re.IGNORECASE)

_CREDENTIALS = re.compile(r"([A-Za-z][\w+.-]*://[^\s/@:'\"<>]*:)[^\s'\"<>]+(@)")
_OPTION = re.compile(r"([?&](?:ssl)?(?:password|passwd|pwd)=)[^&\s'\"<>]+", re.IGNORECASE)


def masked(text: str) -> str:
    """Replace the passwords of all URLs in a text by ``***``, wherever they came from."""
    return _OPTION.sub(r"\1***", _CREDENTIALS.sub(r"\1***\2", text))


def has_password(url: str) -> bool:
    """Whether a password is written out in a URL, where a placeholder should stand."""
    parts = _PARTS.fullmatch(url)
    if parts is None:
        return False
    _scheme, user, _place, options = parts.groups(default="")
    secrets = [user.removesuffix("@").partition(":")[2], *_SECRET_OPTION.findall(options)]
    return any(_PLACEHOLDER.sub("", secret) for secret in secrets)


def fill(url: str, environment: Mapping[str, str]) -> str:
    """Put the values of environment variables where a URL names them.

    Parameters
    ----------
    url
        Such as ``postgresql+psycopg://{SHOP_USER}:{SHOP_PASSWORD}@db/shop``, or ``{SHOP_DB_URL}`` alone.
        A value in front of the ``@`` or among the options may hold any character.
    environment
        Values by name.

    Raises
    ------
    ConfigurationError
        Naming the variable that is not set.

    """

    def plain(found: re.Match[str]) -> str:
        return variable(found[1], environment)

    def quoted(found: re.Match[str]) -> str:
        return quote(variable(found[1], environment), safe="")

    parts = _PARTS.fullmatch(url)
    if parts is None:
        return _PLACEHOLDER.sub(plain, url)
    scheme, user, place, options = parts.groups(default="")
    return (scheme + _PLACEHOLDER.sub(quoted, user) + _PLACEHOLDER.sub(plain, place)) + _PLACEHOLDER.sub(
        quoted, options
    )


def variable(name: str, environment: Mapping[str, str]) -> str:
    """Value of an environment variable that a database URL needs.

    Raises
    ------
    ConfigurationError
        If it is not set, or empty.

    """
    value = environment.get(name, "")
    if not value:
        raise ConfigurationError(
            f"environment variable {name} is not set; a database URL needs it: export it where the run starts"
        )
    return value
