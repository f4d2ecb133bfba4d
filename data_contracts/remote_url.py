"""URLs of files that lie elsewhere: which are understood, and what must be installed for them."""

import re
from typing import Final, NamedTuple

from data_contracts.database_url import has_password, masked
from data_contracts.errors import ConfigurationError
from data_contracts.extras import must_be_installed


class Store(NamedTuple):
    """A kind of object store."""

    module: str
    """Module that fsspec reads it with; nothing for what it brings along."""
    extra: str
    """Optional dependency group of this project that brings the module."""


STORES: Final = {
    "s3": Store("s3fs", "s3"),
    "gs": Store("gcsfs", "gcs"),
    "gcs": Store("gcsfs", "gcs"),
    "az": Store("adlfs", "azure"),
    "abfs": Store("adlfs", "azure"),
    "abfss": Store("adlfs", "azure"),
    "memory": Store("", ""),
}
"""Object stores by the scheme of their URLs."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def is_remote(place: str) -> bool:
    """Whether a path is a URL."""
    return _URL.match(place) is not None


def check_remote(url: str) -> None:
    """Refuse a URL that no file can be read from or written to, without asking anybody.

    Raises
    ------
    ConfigurationError
        If its scheme is not understood, its extra is not installed, it holds a password, or names no place.

    """
    scheme, _, rest = url.partition("://")
    if scheme not in STORES:
        raise ConfigurationError(
            f"{masked(url)} is an address that nothing is read from or written to: files lie on this machine or at "
            f"{', '.join(f'{each}://' for each in STORES if STORES[each].module)}; copy it here first (curl -O). A database is given as url "
            "or url_env, and query, under [source]"
        )
    if has_password(url):
        raise ConfigurationError(
            f"{masked(url)} holds a password: leave it out, credentials come from the environment of whoever runs this"
        )
    if not rest.strip("/"):
        raise ConfigurationError(
            f"{url} names no place; write {scheme}://bucket/folder or {scheme}://bucket/file"
        )
    if STORES[scheme].module:
        must_be_installed(url, [STORES[scheme].module], STORES[scheme].extra)
