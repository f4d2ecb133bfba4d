"""What the look-up service is told when it starts; its workers are told by the environment."""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field

from data_contracts.errors import ConfigurationError

VARIABLE: Final = "SHELFTALKER_API"
"""Environment variable that hands the settings to workers."""
KEYS_VARIABLE: Final = "SHELFTALKER_API_KEYS"
"""Environment variable with the keys that callers may use, with commas between."""
SHORTEST_KEY: Final = 16


class ApiSettings(BaseModel):
    """Settings of the service; keys are not among them, as everybody may read an environment that is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    datasets: tuple[str, ...] = Field(min_length=1)
    """Names, or paths of dataset files; the first one answers where a question names none."""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = Field(default=1, ge=1, le=64)
    allowed_hosts: tuple[str, ...] = ()
    """Names that it answers to beside the loopback's own."""
    allowed_origins: tuple[str, ...] = ()
    """Web pages, by their origin, that may ask from a browser."""
    poll_seconds: float = Field(default=0.5, gt=0, le=60)
    """How often it is looked up what is live."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def to_environment(self) -> dict[str, str]:
        """Environment variables for workers."""
        return {VARIABLE: self.model_dump_json()}

    @classmethod
    def from_environment(cls) -> Self:
        """What :meth:`to_environment` wrote."""
        return cls.model_validate_json(os.environ[VARIABLE])


def keys_of(environment: Mapping[str, str], key_file: Path | None) -> tuple[str, ...]:
    """Keys that callers may use, from the environment or a file with one a line.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or others can, or a key is so short that it can be guessed.

    """
    text = environment.get(KEYS_VARIABLE, "")
    if key_file is not None:
        try:
            if key_file.stat().st_mode & 0o077:
                raise ConfigurationError(f"key file {key_file} can be read by others: chmod 600 {key_file}")
            text += "," + key_file.read_text("utf-8").replace("\n", ",")
        except OSError as error:
            raise ConfigurationError(f"key file {key_file} cannot be read: {error.strerror}") from error
    keys = tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
    if any(len(key) < SHORTEST_KEY for key in keys):
        raise ConfigurationError(
            f"a key in {KEYS_VARIABLE} or the key file has fewer than {SHORTEST_KEY} characters; "
            "`python -c 'import secrets; print(secrets.token_urlsafe(32))'` makes one"
        )
    return keys


def check_reach(settings: ApiSettings, keys: tuple[str, ...]) -> None:
    """Refuse to answer other machines without a key.

    Raises
    ------
    ConfigurationError
        Saying how to give one.

    """
    if not settings.is_local and not keys:
        raise ConfigurationError(
            f"--host {settings.host} can be reached by other machines, so callers need a key: put one of "
            f"{SHORTEST_KEY} characters or more into {KEYS_VARIABLE}, or into a file for --key-file"
        )
