"""Services of compose.yaml, started from a root without Docker: each in namespaces of its own, as the image's user."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psutil

from data_contracts.errors import ShelftalkerError
from deployments.image_files import Service
from deployments.replayed_image import Image, must, say

VOLUME = Path("var/lib/shelftalker")
POSTGRES = "/usr/lib/postgresql"
HEALTHY_SECONDS = 240.0

CONTAINER = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind "$2" "$1/var/lib/shelftalker"
mount -t tmpfs -o noexec,nosuid,nodev tmpfs "$1/tmp"
mount -t tmpfs -o noexec,nosuid,nodev tmpfs "$1/dev/shm"
mount -t proc proc "$1/proc"
mount -o remount,bind,ro "$1"
hostname "$3"
root=$1 user=$4 folder=$5; shift 5
exec chroot "$root" /usr/bin/setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs \
    --bounding-set=-all --inh-caps=-all /usr/bin/env -C "$folder" PATH="$IMAGE_PATH" "$@"
"""
"""What Docker would do: root, home, host name, user, folder and command are given."""


class Services:
    """Services of compose.yaml that were started from an image; stops them at the end."""

    def __init__(self, image: Image, folder: Path, services: Mapping[str, Service]) -> None:
        self.image, self.folder, self.services = image, folder, services
        self.home = folder / "home"
        if not self.home.exists():  # as Docker fills a new volume
            must(["cp", "-a", str(image.root / VOLUME), str(self.home)], dict(os.environ))
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
        say(f"{time.monotonic() - began:6.1f} s  {name} is well: {' '.join(check)}")

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
            say(f"! {name} did not end within 30 s of SIGTERM")
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
    binaries, given = found[-1].parent, service.environment
    # Its user may not look into folders of ours, such as temporary ones.
    place = Path(tempfile.mkdtemp(prefix="shelftalker-postgres-", dir="/tmp"))
    data, password = place / "data", place / "password"
    password.write_text(given["POSTGRES_PASSWORD"], "utf-8")
    for path in (place, password):
        shutil.chown(path, "postgres", "postgres")
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    user, sockets = given["POSTGRES_USER"], {"PGHOST": str(place), "PGUSER": given["POSTGRES_USER"]}
    environment = {**sockets, "PATH": "/usr/bin:/bin", "PGPASSWORD": given["POSTGRES_PASSWORD"]}
    first = ["--username", user, "--pwfile", str(password), "--auth", "scram-sha-256", "--pgdata", str(data)]
    must([*as_postgres, str(binaries / "initdb"), *first], environment)
    options = ["-D", str(data), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={place}"]
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
        must([str(binaries / "createdb"), given["POSTGRES_DB"]], environment)
        must([str(binaries / program), *service.healthcheck[1:]], environment)
        say("          postgres is well")
        yield True
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(place, ignore_errors=True)
