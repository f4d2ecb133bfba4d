"""What Dockerfile and compose.yaml say, for those who check or replay them without Docker."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from data_contracts.errors import ConfigurationError
from deployments.workspace import ROOT

DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "compose.yaml"
UNDERSTOOD = frozenset({"FROM", "ARG", "ENV", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "CMD"})
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}")
_PAIR = re.compile(r"([A-Z][A-Z0-9_]*)=(\S*)")


class Instruction(NamedTuple):
    """One instruction of a Dockerfile."""

    name: str
    """Such as ``RUN``."""
    text: str
    """All that follows, on one line."""

    @property
    def pairs(self) -> dict[str, str]:
        """Names and values of an ``ENV`` or ``ARG``."""
        return dict(_PAIR.findall(self.text))


def dockerfile(path: Path = DOCKERFILE) -> list[Instruction]:
    """Read a Dockerfile.

    Raises
    ------
    ConfigurationError
        If it holds an instruction that is not understood here, or not the one ``FROM`` first.

    """
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = [
        Instruction(name, text.strip())
        for name, _, text in (line.partition(" ") for line in joined.splitlines() if line.strip())
    ]
    for each in found:
        if each.name not in UNDERSTOOD:
            raise ConfigurationError(f"{path}: {each.name} is not among {', '.join(sorted(UNDERSTOOD))}")
    if [each.name for each in found].count("FROM") != 1 or found[0].name != "FROM":
        raise ConfigurationError(f"{path}: there must be one FROM, and it must stand first")
    return found


def image_environment(instructions: list[Instruction]) -> dict[str, str]:
    """Environment that an image gives to what runs in it."""
    return {name: value for each in instructions if each.name == "ENV" for name, value in each.pairs.items()}


class Service(NamedTuple):
    """One service of compose.yaml."""

    name: str
    image: str
    command: list[str]
    """Program and arguments; empty for the image's own."""
    healthcheck: list[str]
    environment: dict[str, str]
    ports: list[str]
    """As ``HOST:PORT:PORT``."""
    hostname: str
    needs: list[str]
    """Services that must be well before it starts."""
    raw: dict[str, Any]
    """All of it, as the file says."""


def compose(given: Mapping[str, str], path: Path = COMPOSE) -> dict[str, Service]:
    """Read the services of a compose file; `given` are the variables of its ``.env``.

    Raises
    ------
    ConfigurationError
        Naming a variable that must be given.

    """
    document: dict[str, Any] = _filled(yaml.safe_load(path.read_text("utf-8")), given)
    return {name: _service(name, raw) for name, raw in document["services"].items()}


def _service(name: str, raw: dict[str, Any]) -> Service:
    kind, *check = raw["healthcheck"]["test"]
    if kind != "CMD":
        raise ConfigurationError(f"healthcheck of {name}: write [CMD, program, ...], which needs no shell")
    return Service(
        name=name,
        image=raw["image"],
        command=[str(word) for word in raw.get("command", [])],
        healthcheck=check,
        environment={key: str(value) for key, value in raw.get("environment", {}).items()},
        ports=[str(port) for port in raw.get("ports", [])],
        hostname=raw.get("hostname", name),
        needs=list(raw.get("depends_on", {})),
        raw=raw,
    )


def _filled(part: Any, given: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: _filled(value, given) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, given) for value in part]
    return _VARIABLE.sub(lambda match: _value(match, given), part) if isinstance(part, str) else part


def _value(match: re.Match[str], given: Mapping[str, str]) -> str:
    name, kind, rest = match.groups()
    if given.get(name):
        return given[name]
    if kind == "-":
        return str(rest)
    raise ConfigurationError(f"${name}: {rest or 'it is not set'}")
