"""A nightly run in a process of its own that kills itself in one of its steps, and what its successor did."""

import signal
import subprocess
import sys
import textwrap
import time

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter

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


def killed(victim, parameters, environment):
    """Run until the step `victim` has filled its folder, which is not yet whole."""
    command = [sys.executable, "-c", SCRIPT, victim, parameters.model_dump_json()]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL


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
