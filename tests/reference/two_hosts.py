"""Hosts with a network and a /tmp of their own, made of namespaces; one folder is shared by all of them.

As a program, it is the driver: ``python -m two_hosts SCHEDULER HOME`` runs in the first host and prints JSON.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dask_processes

ROOT = dask_processes.REFERENCE.parents[1]
NETWORK = "10.213.77"
PORT = 8786
ALONE = "unshare --mount --uts sh -ec"
SCRIPT = """
hostname "$1"; shift
n=0; for each in $KEPT; do n=$((n + 1)); mkdir -p "$SPARE/$n"; mount --bind "$each" "$SPARE/$n"; done
mount -t tmpfs tmpfs "$SPARE-tmp"
n=0; for each in $KEPT; do n=$((n + 1)); case "$each" in /tmp/*)
  mkdir -p "$SPARE-tmp/${each#/tmp/}"; mount --bind "$SPARE/$n" "$SPARE-tmp/${each#/tmp/}";; esac; done
mount --rbind "$SPARE-tmp" /tmp
cd "$ROOT"; exec "$@"
"""
"""Under a host's name, with a new /tmp in which only some folders of the old one are there, run a command."""


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def why_not():
    """Why there can be no hosts here; empty if there can."""
    if missing := [name for name in ("ip", "unshare", "mount", "hostname") if shutil.which(name) is None]:
        return f"{missing[0]} is not installed"
    name = f"probe-{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("netns", "del", name)
        subprocess.run(["unshare", "--mount", "--uts", "true"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"namespaces cannot be had: {getattr(error, 'stderr', '') or error}"
    return ""


class Hosts:
    """Some hosts on one network; the first one has the address .1."""

    def __init__(self, folder, n):
        self.folder, self.names = folder, [f"shelf{os.getpid()}-{at}" for at in range(n)]
        self.stack = ExitStack()

    def __enter__(self):
        try:
            for at, name in enumerate(self.names):
                ip("netns", "add", name)
                self.stack.callback(ip, "netns", "del", name)
                ip("-n", name, "link", "set", "lo", "up")
                self._connect(at, name)
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _connect(self, at, name):
        first, end = self.names[0], "bridge"
        if at == 0:
            ip("-n", first, "link", "add", end, "type", "bridge")
        else:
            end = "net"
            ip("-n", first, "link", "add", f"to{at}", "type", "veth", "peer", "name", end, "netns", name)
            ip("-n", first, "link", "set", f"to{at}", "master", "bridge", "up")
        ip("-n", name, "address", "add", f"{NETWORK}.{at + 1}/24", "dev", end)
        ip("-n", name, "link", "set", end, "up")

    def command(self, at, kept, *arguments):
        """Command and environment of a Python module on a host."""
        spare = self.folder / f"host-{at}"
        for folder in (spare, Path(f"{spare}-tmp")):
            folder.mkdir(parents=True, exist_ok=True)
        prefixes = {Path(sys.prefix), Path(sys.base_prefix), ROOT, *kept}
        prefixes |= {Path(each) for each in sys.path if "site-packages" in each}
        environment = os.environ | {
            "KEPT": " ".join(sorted(map(str, prefixes))),
            "SPARE": str(spare),
            "ROOT": str(ROOT),
            "TMPDIR": "/tmp",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(dask_processes.REFERENCE)]),
        }
        inside = [*ALONE.split(), SCRIPT, "host", f"host-{at}", sys.executable, "-m", *map(str, arguments)]
        return ["ip", "netns", "exec", self.names[at], *inside], environment

    def start(self, at, kept, *arguments):
        """Start a Python module on a host; it ends with the hosts."""
        command, environment = self.command(at, kept, *arguments)
        with (self.folder / f"host-{at}-{arguments[0]}.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.stack.enter_context(dask_processes.ended(process))


@contextmanager
def cluster(folder, homes):
    """A scheduler on the first host and a worker on each further one, which sees its home; gives the hosts."""
    with Hosts(folder, 1 + len(homes)) as hosts:
        host = f"{NETWORK}.1"
        options = ("--host", host, "--port", PORT, *dask_processes.NO_DASHBOARD)
        hosts.start(0, [], "distributed.cli.dask_scheduler", *options)
        for at, home in enumerate(homes, 1):
            options = (
                "--no-nanny",
                "--nthreads",
                1,
                "--host",
                f"{NETWORK}.{at + 1}",
                "--local-directory",
                "/tmp/own",
            )
            there = (f"tcp://{host}:{PORT}", *options, *dask_processes.NO_DASHBOARD)
            hosts.start(at, [home] if home else [], "distributed.cli.dask_worker", *there)
        yield hosts


def drive(hosts, home, seconds=150):
    """Run this module on the first host; gives what it printed."""
    command, environment = hosts.command(0, [home], "two_hosts", f"tcp://{NETWORK}.1:{PORT}", home)
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        logs = {path.name: path.read_text()[-800:] for path in hosts.folder.glob("*.log")}
        raise RuntimeError(f"{done.stderr[-2000:]}\n{logs}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def made_on(workers, home, out):
    """Tables and item factors of the shop of `home` by some workers; gives the hash of the factors."""
    import datetime as dt

    import cluster_shop

    from data_contracts.dataset import DatasetSpec
    from tasks.cluster import wals as cluster_wals
    from tasks.cluster.blocks import BlockFolder
    from tasks.models import wals
    from tasks.preparation.splitting import windows

    spec = DatasetSpec.load(home / "shop.toml")
    made = cluster_shop.on_workers(
        spec, home / "log", windows(spec, dt.date(2024, 5, 1), 0).full, out, workers
    )
    config = wals.Config(
        n_factors=4, iterations=2, unobserved_weight=0.1, regularization=0.01, weighting="binary"
    )
    (checkpoints := out / "checkpoints").mkdir()
    fit = cluster_wals.fit(workers, BlockFolder.open(made.folder), config, checkpoints)
    return fit.items.sha256


def main(scheduler, home):
    import cluster_calls

    from data_contracts.cluster_section import ClusterSection
    from data_contracts.errors import ClusterError
    from tasks.cluster import client

    mark = Path("/tmp/mark-of-the-driver")
    mark.touch()
    section = ClusterSection(scheduler=scheduler, timeout_seconds=60)
    end = time.monotonic() + 60
    with client.Client(scheduler, timeout=60, set_as_default=False) as both:
        both.wait_for_workers(2, timeout=max(1.0, end - time.monotonic()))
    try:
        with client.workers(section, home) as found:
            places = list(found.client.nthreads())
            calls = [(str(mark),)] * len(places)
            hidden = found.each(client.sees, calls, places=places)
            names = found.each(cluster_calls.host_name, [()] * len(places), places=places)
            sha256 = made_on(found, home, home / "hosts")
    except ClusterError as error:
        sys.stdout.write(json.dumps({"refused": str(error)}) + "\n")
        return
    sys.stdout.write(
        json.dumps({"hosts": sorted(names), "without_mark": sorted(hidden), "items_sha256": sha256}) + "\n"
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
