"""Run a flow from this process and hand back its result."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar, cast

from prefect import Flow
from prefect.settings import get_current_settings
from rich.console import Console
from rich.text import Text

from data_contracts.errors import ShelftalkerError
from data_contracts.parameters import (
    BackfillParameters,
    ClusterParameters,
    DatasetParameters,
    NightlyParameters,
)
from data_contracts.run_summary import RunSummary
from flows import own_server
from flows.answer_rows import rows_for_user
from flows.display import QuietListener, TerminalListener
from flows.notifying import tell_failed
from flows.plain_text import printed_to
from flows.planning import check_before
from tasks.lookup import OpenPublication
from tasks.publication.registry import Publication
from tasks.runtime.progress import listening

N_EXAMPLES = 3

P = TypeVar("P")
R = TypeVar("R")


def run_here(flow: Flow[[P], R], parameters: P, *, quiet: bool = False) -> R:
    """Run a flow under the Prefect API that is configured, else under a temporary server.

    What can be checked without a server is, first. Progress goes to stderr; of a `quiet` run warnings alone. Our own errors come out as they were raised in the step, and so does
    KeyboardInterrupt.
    """
    if isinstance(parameters, DatasetParameters) and not isinstance(parameters, ClusterParameters):
        _check(parameters)
    own_server.wait()
    with interruptible() as stopped, watched(quiet=quiet):
        try:
            state: Any = flow(parameters, return_state=True)
        except BaseException as error:
            if stopped():  # whatever Prefect makes of it
                raise KeyboardInterrupt from error
            raise
    if stopped():
        raise KeyboardInterrupt
    # In a notebook, whose loop is running, Prefect would hand back a coroutine without `_sync`.
    return cast("R", state.result(raise_on_failure=True, _sync=True))


def _check(parameters: DatasetParameters) -> None:
    """Refuse what no run could use; a nightly run or backfill that ends here tells of it as one that ends later does."""
    try:
        check_before(parameters)
    except ShelftalkerError as error:
        if isinstance(parameters, NightlyParameters | BackfillParameters):
            for warning in tell_failed(parameters, error):
                Console(file=printed_to(sys.stderr)).print(Text(f"  ! {warning}", "yellow"), soft_wrap=True)
        raise


@contextmanager
def watched(*, quiet: bool = False) -> Iterator[None]:
    """Show the progress of what runs inside the block on stderr, or its warnings alone."""
    console = Console(file=printed_to(sys.stderr))
    if quiet:
        with listening(QuietListener(console)):
            yield
        return
    with TerminalListener(console) as listener, listening(listener):
        yield


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C end a run at once; yields a function that returns whether it was pressed.

    A terminal sends it to Prefect's own server too. Without this, Prefect would try for minutes to tell
    the dead server how the run ended.
    """
    pressed: list[int] = []
    client = get_current_settings().client
    retries = client.max_retries

    def stop(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        client.max_retries = 0
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)
        client.max_retries = retries


def examples(summary: RunSummary) -> dict[str, list[dict[str, Any]]]:
    """Published lists of a few users, by user id."""
    if not summary.published:
        return {}
    publication = Publication(dataset=summary.dataset, as_of=summary.as_of, run=summary.run_id)
    shop = OpenPublication(publication)
    return {
        user_id: rows_for_user(shop.recommend(user_id, 5)) for user_id in shop.columns.some_users(N_EXAMPLES)
    }
