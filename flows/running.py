"""Run the nightly flow from this process and hand back its summary."""

import sys
from typing import Any, TypeVar, cast

from prefect import Flow
from rich.console import Console

from flows.display import TerminalListener
from tasks.lookup import items_for_user, some_users
from tasks.progress import listening
from tasks.publication import Publication

N_EXAMPLES = 3

P = TypeVar("P")
R = TypeVar("R")


def run_here(flow: Flow[[P], R], parameters: P) -> R:
    """Run a flow under the Prefect API that is configured, else under a server of its own.

    Progress goes to stderr. Our own errors come out as they were raised in the step.
    """
    with TerminalListener(Console(file=sys.stderr)) as listener, listening(listener):
        state: Any = flow(parameters, return_state=True)
    return cast("R", state.result(raise_on_failure=True))


def examples(summary: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """A few users' published lists."""
    if not summary["published"]:
        return {}
    publication = Publication(dataset=summary["dataset"], as_of=summary["as_of"], run=summary["run_id"])
    return {
        user_id: items_for_user(publication, user_id, 5) for user_id in some_users(publication, N_EXAMPLES)
    }
