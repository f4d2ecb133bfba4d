"""`make drill`: break a running server and worker in every way we know, and see that nothing is lost.

Everything happens against real processes in temporary folders: once on SQLite, and once on PostgreSQL where
$SHELFTALKER_TEST_POSTGRES names a server (``postgresql+psycopg://USER:PASSWORD@HOST/DATABASE``; the drill makes
a database of its own there and drops it).
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import click
from prefect.client.schemas.objects import FlowRun

from data_contracts.errors import ShelftalkerError
from deployments import rehearsal
from deployments.drill_checks import Checks, wait_until
from deployments.observer import Observer
from deployments.postgres import scratch_database
from deployments.processes import interrupt_on_signals
from deployments.small_disk import small_disk
from deployments.stack import Stack
from deployments.workspace import ROOT, Workspace, free_port
from flows.guarded_server import SERVER_VARIABLE, fresh_secret
from tasks.runtime.files import read_json

POSTGRES = "SHELFTALKER_TEST_POSTGRES"
SCHEDULED_AS_OF, FIRST, LAST, N_DATES = "2025-07-01", "2025-06-21", "2025-06-30", 10
EVERY_SECONDS = 20.0
NEXT = "2025-07-02"
"""A day after the live one: were it published, `latest` would move."""
KILLED_AFTER = 3
"""Publications of the backfill that are there when its processes are killed."""
DISK_BYTES = 64 * 1024

Contents = dict[str, dict[str, str]]
"""Sha256 by publication and file."""


class Shop(NamedTuple):
    """The dataset of the drill."""

    parameters: dict[str, Any]
    deployments: Path

    @property
    def dates(self) -> dict[str, Any]:
        """Parameters of its backfill."""
        return {**self.parameters, "first": FIRST, "last": LAST}


class Drill:
    """One server on one database, and what is done to it."""

    def __init__(self, stack: Stack, observer: Observer, shop: Shop, checks: Checks) -> None:
        self.stack, self.observer, self.shop, self.checks = stack, observer, shop, checks
        self.home = stack.workspace.home
        self.worker = stack.start_worker()

    def finished(self, run: UUID, seconds: float = 180.0) -> FlowRun:
        """Wait for the end of a run."""

        def ended() -> FlowRun | None:
            found = self.observer.run(run)
            return found if found.state and found.state.is_final() else None

        return wait_until(f"the end of run {run}", ended, seconds)

    def latest(self) -> dict[str, Any]:
        """What is live."""
        return read_json(self.home / "published" / rehearsal.NAME / "latest.json")

    def scheduled_run(self) -> None:
        """Wait until a run that nobody started has completed, and stop the schedule."""
        name = f"nightly/{rehearsal.NAME}"

        def ended() -> FlowRun | None:
            runs = self.observer.runs(name)
            return next(
                (each for each in runs if each.auto_scheduled and each.start_time and each.end_time), None
            )

        run = wait_until("a scheduled run to end", ended)
        self.checks.expect(f"a scheduled run completed: {run.name}", run.state_name == "Completed", run.state)
        self.observer.pause(name)
        # Those that came due meanwhile still run: each sees that it is late, or finds everything made.
        wait_until("scheduled runs to end", lambda: None if self.observer.due(name) else True)
        self.checks.expect("it is live", self.latest()["as_of"] == SCHEDULED_AS_OF)

    def killed_backfill(self) -> None:
        """Kill worker and flow in the middle of a backfill, recover, and retry."""
        before = len(rehearsal.contents(self.home))
        run = self.observer.start(f"backfill/{rehearsal.NAME}", self.shop.dates)
        seen: set[UUID] = set()

        def next_date_began() -> bool | None:
            at_work = self.observer.under_way(run)
            if self._n_published() < before + KILLED_AFTER:
                seen.update(at_work)
                return None
            return True if at_work - seen else None

        wait_until(f"the date after {KILLED_AFTER} dates of the backfill", next_date_began)
        self.worker.kill()
        self.stack.children.remove(self.worker)
        done = self._n_published() - before
        self.checks.expect(f"worker and flow killed after {done} of {N_DATES} dates", done < N_DATES, done)
        left = self.observer.under_way(run)
        self.checks.expect("the killed run still counts as running, and its date, too", len(left) == 2, left)

        said = self.stack.recover()
        crashed = self.observer.run(run)
        self.checks.expect("recovery ends it as Crashed", crashed.state_name == "Crashed", crashed.state_name)
        self.checks.expect("and what ran inside of it", not self.observer.under_way(run), said)

        self.worker = self.stack.start_worker()
        self.stack.call("-m", "prefect", "flow-run", "retry", str(run))
        again = self.finished(run)
        self.checks.expect(
            "retried, the backfill completes",
            again.state_name == "Completed",
            again.state and again.state.message,
        )
        rows = self.observer.task_states(run)
        self.checks.expect(f"it has run {again.run_count} times and kept its id", again.run_count == 2, rows)

    def _n_published(self) -> int:
        return len(list(self.home.glob(f"published/{rehearsal.NAME}/*/*/manifest.json")))

    def compare(self, expected: Contents) -> None:
        """Compare every publication with that of an undisturbed home."""
        found = rehearsal.contents(self.home)
        same = "the same publications as in the undisturbed home"
        self.checks.expect(f"{same}: {len(expected)}", found.keys() == expected.keys(), sorted(found))
        for publication, files in expected.items():
            differ = [name for name in files if found.get(publication, {}).get(name) != files[name]]
            self.checks.expect(f"{publication}: {len(files)} files have the same sha256", not differ, differ)
        self.checks.expect("the newest day is live", self.latest()["as_of"] == SCHEDULED_AS_OF, self.latest())

    def full_disk(self) -> None:
        """Let the disk of the export be full, then free it."""
        before = self.latest()
        parameters = {**self.shop.parameters, "as_of": NEXT}
        export = self.home / "artifacts" / "export"
        with small_disk(export, DISK_BYTES) as problem:
            if problem:
                self.checks.skip("a full disk", problem)
                return
            run = self.finished(self.observer.start(f"nightly/{rehearsal.NAME}", parameters))
            said = run.state.message or "" if run.state else ""
            self.checks.expect("on a full disk the run fails", run.state_name == "Failed", run.state_name)
            self.checks.expect(
                "and says what to do", "no space left" in said and "export" in said, said or "nothing"
            )
            self.checks.expect("what is live stays as it was", self.latest() == before, self.latest())
            self.checks.expect("no half export is left", not [*export.glob("*")], [*export.glob("*")])
        self.stack.call("-m", "prefect", "flow-run", "retry", str(run.id))
        again = self.finished(run.id)
        self.checks.expect("with space it completes", again.state_name == "Completed", again.state_name)
        self.checks.expect("and is live", self.latest()["as_of"] == NEXT, self.latest())
        states = self.observer.task_states(run.id)
        trained = {name: state for name, state in states.items() if name.startswith(("read", "train"))}
        self.checks.expect(
            f"it reused {len(trained)} finished steps", set(trained.values()) == {"Cached"}, states
        )

    def damaged_artifact(self) -> None:
        """Damage an artifact that a run needs again."""
        published = rehearsal.contents(self.home)
        victim = max(
            self.home.glob("artifacts/export/*/predictions.parquet"), key=lambda path: path.stat().st_mtime
        )
        good = victim.read_bytes()
        victim.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        as_of = self.latest()["as_of"]
        parameters = {**self.shop.parameters, "as_of": as_of}
        run = self.finished(self.observer.start(f"nightly/{rehearsal.NAME}", parameters))
        self.checks.expect(f"with a damaged {victim.name} the run completes", run.state_name == "Completed")
        self.checks.expect("the artifact is whole again", victim.read_bytes() == good)
        states = self.observer.task_states(run.id)
        rebuilt = sorted(name for name, state in states.items() if state != "Cached")
        self.checks.expect(
            f"only it was made again: {', '.join(rebuilt)}",
            any(name.startswith("predict") for name in rebuilt)
            and not any("train" in name for name in rebuilt),
            states,
        )
        self.checks.expect("publications are what they were", rehearsal.contents(self.home) == published)


def undisturbed(workspace: Workspace, shop: Shop) -> Contents:
    """Do the same in another home from the command line, and return what it published."""
    common = ("--dataset", shop.parameters["dataset"], "--source", shop.parameters["source"])
    for verb, *dates in (("run", "--as-of", SCHEDULED_AS_OF), ("backfill", "--from", FIRST, "--to", LAST)):
        command = [sys.executable, "-c", "from flows.cli import main; main()", verb, *common, *dates]
        done = subprocess.run(
            command, env=workspace.environment(), cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ShelftalkerError(f"shelftalker {verb} in {workspace.home} failed:\n{done.stderr[-2000:]}")
    return rehearsal.contents(workspace.home)


def make_shop(folder: Path) -> Shop:
    """Write the dataset, its log and its deployments."""
    given = {"dataset": str(rehearsal.write_dataset(folder)), "source": str(rehearsal.write_log(folder))}
    return Shop(given, rehearsal.write_deployments(folder, given, SCHEDULED_AS_OF, EVERY_SECONDS))


def drill(
    folder: Path, shop: Shop, checks: Checks, database: str | None, expected: Contents | None
) -> Contents:
    """Go through everything with one database.

    Parameters
    ----------
    folder
        Where the homes lie.
    shop
        The dataset.
    checks
        Counts what passed.
    database
        URL; None is SQLite.
    expected
        What an undisturbed home has published; None makes one, and goes through what does not depend on
        the database, too.

    Returns
    -------
    What an undisturbed home has published.

    """
    workspace = Workspace(
        folder / ("home" if expected is None else "second"), free_port(), free_port(), database
    )
    with Stack(workspace) as stack, Observer.of(workspace) as observer, ThreadPoolExecutor(1) as background:
        stack.start_server()
        stack.apply(shop.deployments)
        checks.expect("server started and deployments applied", ok=True)
        # Beside the drill, on the same server: what is done to the others must not touch it.
        aside = replace(workspace, home=folder / "undisturbed")
        twin = background.submit(lambda: expected or undisturbed(aside, shop))
        here = Drill(stack, observer, shop, checks)
        here.scheduled_run()
        here.killed_backfill()
        here.compare(twin.result())
        if expected is None:
            here.full_disk()
            here.damaged_artifact()
        return twin.result()


def drill_all(folder: Path, checks: Checks) -> None:
    """Drill on SQLite, then on PostgreSQL where there is one."""
    shop = make_shop(folder)
    checks.heading("SQLite")
    expected = drill(folder, shop, checks, None, None)
    checks.heading("PostgreSQL")
    with scratch_database(os.environ.get(POSTGRES)) as (database, problem):
        if database is None:
            checks.skip("all of it", problem or f"${POSTGRES} is not set")
        else:
            drill(folder, shop, checks, database, expected)


@click.command()
def main() -> None:
    """Break a running server and worker in every way we know, and see that nothing is lost."""
    interrupt_on_signals()
    checks = Checks()
    os.environ["PREFECT_WORKER_QUERY_SECONDS"] = "2"  # the drill waits for the worker often
    # One password for all homes: that of the undisturbed one works on the same server.
    os.environ.setdefault(SERVER_VARIABLE, fresh_secret())
    with tempfile.TemporaryDirectory(prefix="shelftalker-drill-") as folder:
        try:
            drill_all(Path(folder), checks)
        except (ShelftalkerError, OSError) as error:
            checks.expect("to the end without an error", ok=False, detail=error)
    sys.exit(0 if checks.conclude() else 1)


if __name__ == "__main__":
    main()
