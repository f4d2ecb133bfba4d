"""`python -m deployments.container_replay`: the Dockerfile's steps and compose.yaml's services without Docker; root only.

A Debian root is made by debootstrap in the place of the base image, the Dockerfile's own steps are carried out in it,
and the services of compose.yaml are started from it: each with processes, mounts and a host name of its own, as the
image's user, without capabilities, its root read-only, all with one network that nothing else is in. PostgreSQL is this
machine's own, of which a server is started for them.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from data_contracts.errors import ConfigurationError, ShelftalkerError
from deployments.image_files import compose
from deployments.replayed_image import Image, build, megabytes, must, say
from deployments.replayed_services import HEALTHY_SECONDS, VOLUME, Services, postgres
from deployments.workspace import ROOT
from flows.cli_common import exits

DAY = "2025-06-01"
"""Day of a run that is cut off."""
OWN_NETWORK = "SHELFTALKER_REPLAY_INSIDE"
"""Environment variable: set where this program runs again with a network of its own."""

ASK = """
import sys
from urllib.request import Request, urlopen
print(urlopen(Request(sys.argv[1], headers={"X-API-Key": sys.argv[2]}), timeout=10).read().decode())
"""
"""Prints what an address answers to the owner of a key."""


def lacking() -> str | None:
    """Why nothing can be replayed here; None if it can."""
    if os.geteuid() != 0:
        return "only root can change the root of a process"
    missing = [name for name in ("debootstrap", "unshare", "setpriv", "ip") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is not installed"
    probe = ["unshare", "--mount", "--pid", "--net", "--uts", "--fork", "true"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    return f"no namespaces can be made: {done.stderr.strip()}" if done.returncode else None


def use(image: Image, folder: Path) -> None:
    """Start the services one after the other and use them."""
    secret = {name: secrets.token_hex(24) for name in ("POSTGRES_PASSWORD", "SHELFTALKER_OPERATOR_PASSWORD")}
    key = secrets.token_hex(24)
    services = compose({**secret, "SHELFTALKER_API_KEYS": key})
    with ExitStack() as stack:
        if not stack.enter_context(postgres(services["postgres"], folder)):
            say("! no PostgreSQL on this machine: the server keeps its data in SQLite")
            for name in [each for each in services["server"].environment if "_DATABASE_" in each]:
                del services["server"].environment[name]
        running = stack.enter_context(Services(image, folder, services))
        for name in ("server", "worker", "reports", "lookups"):
            running.start(name)
        _run_there(running, key)
        _kill_the_worker(running)


def _run_there(running: Services, key: str) -> None:
    began = time.monotonic()
    words = ["shelftalker", "run", "--dataset", "sample", "--json"]
    summary: dict[str, Any] = json.loads(running.run("worker", words).stdout)
    published = running.home / Path(summary["path"]).relative_to("/" + str(VOLUME))
    digest = must(["sha256sum", str(published / "predictions.parquet")], dict(os.environ))[:8]
    say(
        f"{time.monotonic() - began:6.1f} s  shelftalker run: {summary['gate']['winner']}, predictions {digest}"
    )
    began = time.monotonic()
    running.run("worker", ["prefect", "deployment", "run", "nightly/sample-nightly", "--watch"])
    say(f"{time.monotonic() - began:6.1f} s  the same as a deployment, by the worker")
    for name, url, header, holds in (
        ("server", "http://server:4200/", "", "<html"),
        ("reports", "http://reports:4280/", "", "sample"),
        ("lookups", "http://lookups:8000/v1/popular", key, "item_id"),
    ):
        if holds not in running.run("worker", ["python", "-c", ASK, url, header]).stdout.lower():
            raise ShelftalkerError(f"{url} answers without {holds!r}: see {running.folder / name}.log")
        say(f"          {url} answers")
    owners = {path.stat().st_uid for path in running.home.rglob("*")}
    if owners != {int(running.image.user)}:
        raise ShelftalkerError(
            f"files of the home belong to {owners}, not to user {running.image.user} alone"
        )


def _kill_the_worker(running: Services) -> None:
    """Take the worker away in the middle of a run: the next one, in a container of its own, must end that run."""
    given = json.dumps({"dataset": "sample", "as_of": DAY})
    begin = ["prefect", "deployment", "run", "nightly/sample-nightly", "--param", f"parameters={given}"]
    running.run("worker", begin)
    until = time.monotonic() + HEALTHY_SECONDS
    log = running.folder / "worker.log"
    while f"sample as of {DAY}" not in log.read_text("utf-8"):
        if time.monotonic() > until:
            raise ShelftalkerError("the worker took no run")
        time.sleep(0.2)
    running.kill("worker")
    running.start("worker")
    said = log.read_text("utf-8")
    if "and has no process: ended" not in said:
        raise ShelftalkerError(f"the second worker did not end the run of the first:\n{said[-3000:]}")
    say("          the next worker ended the run of one that was killed")


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Keep everything here.")
@exits
def main(folder: Path | None) -> None:
    """Replay Dockerfile and compose.yaml in a Debian root; takes some minutes and a network."""
    reason = lacking()
    if reason is not None:
        raise ConfigurationError(f"nothing can be replayed here: {reason}")
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shelftalker-image-")))
        place.mkdir(parents=True, exist_ok=True)
        if os.environ.get(OWN_NETWORK):
            must(["ip", "link", "set", "lo", "up"], {})
            root, *rest = json.loads(os.environ[OWN_NETWORK])
            use(Image(Path(root), *rest), place)
            return
        image = build(place)
        say(f"          the image's root has {megabytes(image.root)} MB")
        inside = json.dumps([str(image.root), *image[1:]])
        command = ["unshare", "--net", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"]
        again = [sys.executable, "-m", "deployments.container_replay", "--folder", str(place)]
        done = subprocess.run(
            [*command, *again], env={**os.environ, OWN_NETWORK: inside}, cwd=ROOT, check=False
        )
        if done.returncode:
            raise ShelftalkerError("the services did not do what they should; see above")


if __name__ == "__main__":
    main()
