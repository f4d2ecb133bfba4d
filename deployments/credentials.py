"""The password of a server: taken from the environment, or made once and kept in a file of its owner's."""

import os
import stat
from pathlib import Path

from data_contracts.errors import ConfigurationError
from flows.guarded_server import SERVER_VARIABLE, fresh_secret


def stored(path: Path) -> str | None:
    """Return ``user:password`` as a file holds it; None where there is no file.

    Raises
    ------
    ConfigurationError
        If it holds something else, or if others could have read it.

    """
    try:
        text = path.read_text("utf-8").strip()
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        text, mode = "", 0
    user, colon, password = text.partition(":")
    if not (user and colon and password) or not text.isprintable():
        raise ConfigurationError(
            f"{path} holds no user:password; remove it, and the next start makes another"
        )
    if mode & 0o077:
        raise ConfigurationError(
            f"others may read the password in {path} (mode {mode:04o}); remove it, and the next start makes another"
        )
    return text


def ensure(path: Path) -> str | None:
    """Make a password where neither the environment nor a file has one; gives it if it is new."""
    if os.environ.get(SERVER_VARIABLE) or stored(path) is not None:
        return None
    fresh = fresh_secret()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    temporary.unlink(missing_ok=True)
    # From its first byte on nobody else may read it.
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(f"{fresh}\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    return fresh
