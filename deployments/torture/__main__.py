"""`make torture`: all of it in 20 minutes on two cores; prints what failed, and 'N passed, 0 failed'."""

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path

import click
from prefect.settings import PREFECT_API_URL, PREFECT_RESULTS_LOCAL_STORAGE_PATH, temporary_settings

from deployments.torture import inputs, kills
from deployments.torture.cases import Tally
from deployments.torture.damage import Home, damages, using

LOGS, DATASETS, SUITES, ARGUMENTS = 400, 350, 150, 250
DAMAGES = 162
CALLS, TIMES, NIGHTS = 200, 90, 30
"""Kills; of calls there are as many as renames and flushes."""
TWO_PUBLISH, TWO_NIGHTS = 12, 4


def torture(tally: Tally, folder: Path, api: str, seed: int, share: float) -> None:
    """Try a share of everything, on a Prefect server that runs.

    Parameters
    ----------
    tally
        Counts.
    folder
        Empty; gets homes and inputs.
    api
        Address of the server.
    seed
        Decides what is tried: the same seed tries the same.
    share
        Of all cases, 1 for all.

    """

    def some(n: int) -> int:
        return max(1, round(n * share))

    places = {name: folder / name for name in ("nights", "inputs", "calls", "times", "two")}
    for place in places.values():
        place.mkdir()
    home = Home(places["nights"])
    with chdir(places["inputs"]), using(home.fresh()), _without_warnings():
        tally.try_all("logs", inputs.logs(some(LOGS), places["inputs"], seed))
        tally.try_all("dataset files", inputs.dataset_files(some(DATASETS), places["inputs"], seed))
        tally.try_all("suites", inputs.suites(some(SUITES), places["inputs"], seed))
        tally.try_all("arguments", inputs.arguments(some(ARGUMENTS), seed))
    with _without_warnings():
        _kills_and_damage(tally, places, home, api, seed, some)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Damage is reported by the hundred here."""
    logger = logging.getLogger("shelftalker")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _kills_and_damage(
    tally: Tally, places: dict[str, Path], home: Home, api: str, seed: int, some: Callable[[int], int]
) -> None:
    tally.try_all("kills at calls", kills.kills_at_calls(places["calls"], some(CALLS), seed))
    tally.try_all("kills at times", kills.kills_at_times(places["times"], some(TIMES), seed))
    tally.try_all("two publish at once", kills.two_publish(places["two"], some(TWO_PUBLISH)))
    tally.try_all("damage", damages(home, some(DAMAGES), seed))
    tally.try_all("killed nights", kills.killed_nights(home, api, some(NIGHTS), seed))
    tally.try_all("two nights at once", kills.two_nights(home, api, some(TWO_NIGHTS)))


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed tries other things.")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0, show_default=True)
def main(seed: int, share: float) -> None:
    """Try hostile input, kills, damage, and two at once."""
    os.environ |= {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
    }
    os.environ |= {"PREFECT_LOGGING_LEVEL": "CRITICAL", "PREFECT_LOGGING_TO_API_ENABLED": "false"}
    from prefect.testing.utilities import prefect_test_harness

    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="torture-") as name, ExitStack() as stack:
        results = {PREFECT_RESULTS_LOCAL_STORAGE_PATH: Path(name) / "results"}
        stack.enter_context(temporary_settings(results))
        stack.enter_context(prefect_test_harness(server_startup_timeout=120))
        (Path(name) / "work").mkdir()
        torture(tally, Path(name) / "work", str(PREFECT_API_URL.value()), seed, share)
    sys.exit(0 if tally.conclude() else 1)


if __name__ == "__main__":
    main()
