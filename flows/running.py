"""Run the nightly flow from this process and hand back its summary."""

import sys
from typing import Any

from prefect.exceptions import FailedRun
from rich.console import Console

from data_contracts.parameters import NightlyParameters
from flows.display import TerminalListener
from flows.nightly import nightly
from tasks.lookup import items_for_user, some_users
from tasks.progress import listening
from tasks.publication import Publication

N_EXAMPLES = 3


def run_nightly(parameters: NightlyParameters) -> dict[str, Any]:
    """Run the flow under the Prefect API that is configured, else under a server of its own.

    Progress goes to stderr. Our own errors come out as they were raised in the step.
    """
    console = Console(file=sys.stderr)
    with TerminalListener(console) as listener, listening(listener):
        state = nightly(parameters, return_state=True)
    summary = state.result(raise_on_failure=True)
    if not isinstance(summary, dict):
        raise FailedRun(f"the run ended as {state.name}: {state.message}")
    return summary


def examples(summary: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """A few users' published lists."""
    if not summary["published"]:
        return {}
    publication = Publication(dataset=summary["dataset"], as_of=summary["as_of"], run=summary["run_id"])
    return {
        user_id: items_for_user(publication, user_id, 5) for user_id in some_users(publication, N_EXAMPLES)
    }
