"""A run killed in any step and started again ends in the same bytes, and never in half a publication."""

import signal
import subprocess
import sys
import textwrap
import time

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from small_shop import published_bytes, run

from tasks.publication.registry import latest, publications
from tasks.runtime import store

SCRIPT = textwrap.dedent("""
    import os, signal, sys
    from data_contracts.parameters import NightlyParameters
    from flows.nightly import nightly
    from tasks.publication import registry
    from tasks.runtime import store

    victim = sys.argv[1]
    whole = store.seal

    def seal(folder, manifest, started):
        # The folder is filled and not yet sealed: the worst moment to die.
        if manifest.get("step", "publish") == victim:
            os.kill(os.getpid(), signal.SIGKILL)
        whole(folder, manifest, started)

    store.seal = seal
    nightly(NightlyParameters.model_validate_json(sys.argv[2]))
""")


LOADED, PREDICTED = "read and check small.csv", "predict with personal_frequency"
DONE_BEFORE = {
    "ingest": [],
    "grouping": [LOADED, "map ids to codes"],
    "export": [LOADED, "group interactions", "train wals", "evaluate wals", "decide"],
    "publish": [LOADED, "train wals", "decide", PREDICTED, "write the report"],
}
NOT_DONE = {
    "ingest": [LOADED, "train wals"],
    "grouping": ["group interactions", "train wals"],
    "export": [PREDICTED, "write the report"],
    "publish": [],
}


@pytest.mark.parametrize("victim", ["ingest", "grouping", "export", "publish"])
def test_nightly__killed_and_started_again_ends_in_the_same_bytes(
    victim, home, small, first_run, other_process
):
    parameters = small()
    killed = subprocess.run(
        [sys.executable, "-c", SCRIPT, victim, parameters.model_dump_json()], env=other_process, check=False
    )

    assert killed.returncode == -signal.SIGKILL
    assert latest("small") is None
    assert publications("small") == []

    state = run(parameters)
    again = state.result()

    assert published_bytes(again) == published_bytes(first_run)
    assert latest("small").run == first_run.run_id
    states = states_of(state)
    assert {states[name] for name in DONE_BEFORE[victim]} <= {"Cached"}
    assert {states[name] for name in NOT_DONE[victim]} <= {"Completed"}
    # The scratch space of this living process is all that may be there.
    assert list(home.rglob(f"{store.TEMPORARY}*")) == [store.scratch()]


def states_of(state):
    """What became of each task of a run."""
    wanted = FlowRunFilter.model_validate({"id": {"any_": [state.state_details.flow_run_id]}})
    with get_client(sync_client=True) as client:
        for _ in range(100):  # task runs arrive at the server a little later
            found = {each.name: each.state_name for each in client.read_task_runs(flow_run_filter=wanted)}
            if "Completed" in {state for name, state in found.items() if name.startswith("publish ")}:
                return found
            time.sleep(0.2)
    raise AssertionError(f"publishing never arrived at the server: {found}")
