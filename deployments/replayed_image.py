"""The Dockerfile's steps, carried out in a Debian root that debootstrap makes in the place of the base image."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import click

from data_contracts.errors import ConfigurationError, ShelftalkerError
from deployments.image_files import Instruction, dockerfile, image_environment
from deployments.workspace import ROOT

MIRROR = "http://deb.debian.org/debian"
BASE = re.compile(r"python:(3\.\d+)-slim-([a-z]+)")


class Image(NamedTuple):
    """What a Dockerfile made."""

    root: Path
    environment: dict[str, str]
    folder: str
    user: str


def build(folder: Path) -> Image:
    """Carry out a Dockerfile's steps in a root below `folder`; says what each took."""
    instructions, root = dockerfile(), folder / "root"
    environment: dict[str, str] = {}
    arguments: dict[str, str] = {}
    where, user = "/", "root"
    for each in instructions:
        began = time.monotonic()
        match each.name:
            case "FROM":
                _base(each.text, root)
            case "ARG":
                arguments |= each.pairs
            case "ENV":
                environment |= each.pairs
            case "WORKDIR":
                where = each.text
                (root / where.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                user = each.text
            case "COPY":
                _copy(each, root / where.lstrip("/"))
            case "RUN":
                command = ["chroot", str(root), "/usr/bin/env", "-C", where, "/bin/sh", "-c", each.text]
                must(command, _pip_settings() | arguments | environment)
        if each.name in {"FROM", "RUN", "COPY"}:
            size = f"; {megabytes(root)} MB" if each.name == "FROM" else ""
            say(f"{time.monotonic() - began:6.1f} s  {each.name} {each.text[:90]}{size}")
    identity = must(["chroot", str(root), "/usr/bin/id", "--user", user], environment).strip()
    return Image(root, image_environment(instructions), where, identity)


def _base(name: str, root: Path) -> None:
    """Make what a base image has: Debian with a Python."""
    match = BASE.fullmatch(name)
    if match is None:
        raise ConfigurationError(f"FROM {name}: only python:3.X-slim-SUITE can be stood in for")
    version, suite = match.groups()
    # It mounts /proc and /sys in the root: killed, it would leave them there, to be met by whoever removes the root.
    must(["unshare", "--mount", "debootstrap", "--variant=minbase", suite, str(root), MIRROR], {})
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    plain = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        "update -q",
        "install -q --yes --no-install-recommends python3 python3-venv ca-certificates",
    ):
        must(["chroot", str(root), "/usr/bin/apt-get", *words.split()], plain)
    found = must(["chroot", str(root), "/usr/bin/python3", "--version"], plain)
    if not found.startswith(f"Python {version}."):
        raise ShelftalkerError(f"Debian {suite} has {found.strip()}, the image is {name}")
    own = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    if own:  # a machine behind a proxy has certificates of its own
        shutil.copy(own, root / "etc/ssl/certs/ca-certificates.crt")


def _pip_settings() -> dict[str, str]:
    """How this machine reaches a package index."""
    names = ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    found = {name: os.environ[name] for name in names if name in os.environ}
    return {"DEBIAN_FRONTEND": "noninteractive", "PIP_CERT": "/etc/ssl/certs/ca-certificates.crt", **found}


def _copy(instruction: Instruction, here: Path) -> None:
    *sources, target = instruction.text.split()
    for name in sources:
        source, goal = ROOT / name, here / target
        if source.is_dir():
            shutil.copytree(source, goal, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(source, goal / name if target.endswith("/") else goal)


def must(command: list[str], environment: dict[str, str]) -> str:
    """Run a command to its end, and return its output.

    Raises
    ------
    ShelftalkerError
        With what it printed, if it failed.

    """
    environment = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run(
        [shutil.which(command[0]) or command[0], *command[1:]],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ShelftalkerError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def megabytes(folder: Path) -> int:
    """Size of all files of a folder."""
    return int(must(["du", "-sm", str(folder)], {}).split()[0])


def say(line: str) -> None:
    """Print a line at once."""
    click.echo(line)
    sys.stdout.flush()
