"""`python -m deployments.container_replay`: the Dockerfile's steps and compose.yaml's services without Docker; root only.

A Debian root is made by debootstrap in the place of the base image, the Dockerfile's own steps are carried out in it,
and the services of compose.yaml are started from it: each with processes, mounts and a host name of its own, as the
image's user, without capabilities, its root read-only, all with one network that nothing else is in. PostgreSQL is this
machine's own, of which a server is started for them.
"""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import click
import psutil

from data_contracts.errors import ConfigurationError, ShelftalkerError
from deployments.image_files import Instruction, Service, compose, dockerfile, image_environment
from deployments.workspace import ROOT
from flows.cli_common import exits

MIRROR = "http://deb.debian.org/debian"
BASE = re.compile(r"python:(3\.\d+)-slim-([a-z]+)")
VOLUME = Path("var/lib/shelftalker")
POSTGRES = "/usr/lib/postgresql"
HEALTHY_SECONDS = 240.0
DAY = "2025-06-01"
"""Day of a run that is cut off."""
OWN_NETWORK = "SHELFTALKER_REPLAY_INSIDE"
"""Environment variable: set where this program runs again with a network of its own."""

CONTAINER = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind "$2" "$1/var/lib/shelftalker"
mount -t tmpfs tmpfs "$1/tmp"
mount -t tmpfs tmpfs "$1/dev/shm"
mount -t proc proc "$1/proc"
mount -o remount,bind,ro "$1"
hostname "$3"
root=$1 user=$4 folder=$5; shift 5
exec chroot "$root" /usr/bin/setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs \
    --bounding-set=-all --inh-caps=-all /usr/bin/env -C "$folder" PATH="$IMAGE_PATH" "$@"
"""
"""What Docker would do: root, home, host name, user, folder and command are given."""


ASK = """
import sys
from urllib.request import Request, urlopen
print(urlopen(Request(sys.argv[1], headers={"X-API-Key": sys.argv[2]}), timeout=10).read().decode())
"""
"""Prints what an address answers to the owner of a key."""


class Image(NamedTuple):
    """What a Dockerfile made."""

    root: Path
    environment: dict[str, str]
    folder: str
    user: str


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


# The Dockerfile


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
                _must(command, _pip_settings() | arguments | environment)
        if each.name in {"FROM", "RUN", "COPY"}:
            size = f"; {_megabytes(root)} MB" if each.name == "FROM" else ""
            _say(f"{time.monotonic() - began:6.1f} s  {each.name} {each.text[:90]}{size}")
    identity = _must(["chroot", str(root), "/usr/bin/id", "--user", user], environment).strip()
    return Image(root, image_environment(instructions), where, identity)


def _base(name: str, root: Path) -> None:
    """Make what a base image has: Debian with a Python."""
    match = BASE.fullmatch(name)
    if match is None:
        raise ConfigurationError(f"FROM {name}: only python:3.X-slim-SUITE can be stood in for")
    version, suite = match.groups()
    _must(["debootstrap", "--variant=minbase", suite, str(root), MIRROR], {})
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    plain = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        "update -q",
        "install -q --yes --no-install-recommends python3 python3-venv ca-certificates",
    ):
        _must(["chroot", str(root), "/usr/bin/apt-get", *words.split()], plain)
    found = _must(["chroot", str(root), "/usr/bin/python3", "--version"], plain)
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


# The services


class Services:
    """Services of compose.yaml that were started from an image; stops them at the end."""

    def __init__(self, image: Image, folder: Path, services: Mapping[str, Service]) -> None:
        self.image, self.folder, self.services = image, folder, services
        self.home = folder / "home"
        if not self.home.exists():  # as Docker fills a new volume
            _must(["cp", "-a", str(image.root / VOLUME), str(self.home)], dict(os.environ))
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        names = " ".join(("localhost", *services))
        (image.root / "etc/hosts").write_text(f"127.0.0.1 {names}\n", "utf-8")

    def command(self, name: str, words: list[str]) -> list[str]:
        """Return the command that runs words as a service would."""
        image = self.image
        given = [str(image.root), str(self.home), self.services[name].hostname, image.user, image.folder]
        apart = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child"]
        return [*apart, "sh", "-c", CONTAINER, "container", *given, *words]

    def environment(self, name: str) -> dict[str, str]:
        """Environment of a service; this machine's programs are found, too."""
        own = {**self.image.environment, **self.services[name].environment}
        return {**own, "IMAGE_PATH": own["PATH"], "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def start(self, name: str) -> None:
        """Start a service and wait until its own healthcheck says that it is well."""
        began = time.monotonic()
        log = self.folder / f"{name}.log"
        with log.open("ab") as file:
            self.running[name] = subprocess.Popen(
                self.command(name, self.services[name].command),
                env=self.environment(name),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        check = self.services[name].healthcheck
        while (done := self.run(name, check, check=False)).returncode:
            if self.running[name].poll() is not None or time.monotonic() - began > HEALTHY_SECONDS:
                raise ShelftalkerError(f"{name} is not well: {done.stderr}\n{log.read_text('utf-8')[-3000:]}")
            time.sleep(0.5)
        _say(f"{time.monotonic() - began:6.1f} s  {name} is well: {' '.join(check)}")

    def run(self, name: str, words: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run words in a container of a service, as `docker compose run` would."""
        command, environment = self.command(name, words), self.environment(name)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise ShelftalkerError(
                f"{' '.join(words)} in {name} ended with {done.returncode}:\n{done.stderr}"
            )
        return done

    def stop(self, name: str) -> None:
        """Stop a service, as Docker does: a signal to its first process, which must be enough."""
        self._signal(name, signal.SIGTERM)
        try:
            self.running[name].wait(30)
        except subprocess.TimeoutExpired:
            _say(f"! {name} did not end within 30 s of SIGTERM")
            self.kill(name)
        else:
            del self.running[name]

    def kill(self, name: str) -> None:
        """Take a service away at once: without its first process the kernel ends all others of its namespace."""
        self._signal(name, signal.SIGKILL)
        self.running.pop(name).wait()

    def _signal(self, name: str, number: signal.Signals) -> None:
        process = self.running[name]
        if process.poll() is None:
            # To the first process itself: it became another user, and so does not end with the one that waits for it.
            for child in psutil.Process(process.pid).children():
                child.send_signal(number)

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *_error: object) -> None:
        for name in reversed(list(self.running)):
            self.stop(name)


@contextmanager
def postgres(service: Service, folder: Path) -> Iterator[bool]:
    """Start this machine's PostgreSQL with the user and database that the image would make; gives whether there is one."""
    found = sorted(Path(POSTGRES).glob("*/bin/initdb"))
    if not found:
        yield False
        return
    binaries, data, given = found[-1].parent, folder / "database", service.environment
    data.mkdir(mode=0o700)
    shutil.chown(data, "postgres", "postgres")
    password = folder / "password"
    password.write_text(given["POSTGRES_PASSWORD"], "utf-8")
    shutil.chown(password, "postgres")
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    user, sockets = given["POSTGRES_USER"], {"PGHOST": str(data), "PGUSER": given["POSTGRES_USER"]}
    environment = {**sockets, "PATH": "/usr/bin:/bin", "PGPASSWORD": given["POSTGRES_PASSWORD"]}
    first = ["--username", user, "--pwfile", str(password), "--auth", "scram-sha-256", "--pgdata", str(data)]
    _must([*as_postgres, str(binaries / "initdb"), *first], environment)
    options = ["-D", str(data), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}"]
    with (folder / "postgres.log").open("ab") as log:
        server = subprocess.Popen(
            [*as_postgres, str(binaries / "postgres"), *options],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        program, *words = service.healthcheck
        words[words.index(given["POSTGRES_DB"], -1)] = "postgres"
        until = time.monotonic() + 60
        while subprocess.run(
            [str(binaries / program), *words], env=environment, capture_output=True, check=False
        ).returncode:
            if time.monotonic() > until:
                raise ShelftalkerError("PostgreSQL is not well")
            time.sleep(0.2)
        _must([str(binaries / "createdb"), given["POSTGRES_DB"]], environment)
        _must([str(binaries / program), *service.healthcheck[1:]], environment)
        _say("          postgres is well")
        yield True
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def use(image: Image, folder: Path) -> None:
    """Start the services one after the other and use them."""
    secret = {name: secrets.token_hex(24) for name in ("POSTGRES_PASSWORD", "SHELFTALKER_OPERATOR_PASSWORD")}
    key = secrets.token_hex(24)
    services = compose({**secret, "SHELFTALKER_API_KEYS": key})
    with ExitStack() as stack:
        if not stack.enter_context(postgres(services["postgres"], folder)):
            _say("! no PostgreSQL on this machine: the server keeps its data in SQLite")
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
    digest = _must(["sha256sum", str(published / "predictions.parquet")], dict(os.environ))[:8]
    _say(
        f"{time.monotonic() - began:6.1f} s  shelftalker run: {summary['gate']['winner']}, predictions {digest}"
    )
    began = time.monotonic()
    running.run("worker", ["prefect", "deployment", "run", "nightly/sample-nightly", "--watch"])
    _say(f"{time.monotonic() - began:6.1f} s  the same as a deployment, by the worker")
    for name, url, header, holds in (
        ("server", "http://server:4200/", "", "<html"),
        ("reports", "http://reports:4280/", "", "sample"),
        ("lookups", "http://lookups:8000/v1/popular", key, "item_id"),
    ):
        if holds not in running.run("worker", ["python", "-c", ASK, url, header]).stdout.lower():
            raise ShelftalkerError(f"{url} answers without {holds!r}: see {running.folder / name}.log")
        _say(f"          {url} answers")
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
    _say("          the next worker ended the run of one that was killed")


def _must(command: list[str], environment: dict[str, str]) -> str:
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


def _megabytes(folder: Path) -> int:
    return int(_must(["du", "-sm", str(folder)], {}).split()[0])


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


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
            _must(["ip", "link", "set", "lo", "up"], {})
            root, *rest = json.loads(os.environ[OWN_NETWORK])
            use(Image(Path(root), *rest), place)
            return
        image = build(place)
        _say(f"          the image's root has {_megabytes(image.root)} MB")
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
