"""A run killed in any step and started again ends in the same bytes, and never in half a publication."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from small_shop import published_bytes, run

from tasks import store
from tasks.publication import latest, published

SCRIPT = textwrap.dedent("""
    import os, signal, sys
    from data_contracts.parameters import NightlyParameters
    from flows.nightly import nightly
    from tasks import publication, store

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


@pytest.mark.parametrize("victim", ["ingest", "grouping", "export", "publish"])
def test_nightly__killed_and_started_again_ends_in_the_same_bytes(
    victim, home, small, first_run, prefect_server, tmp_path
):
    parameters = small()
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path.cwd()),
        "PREFECT_API_URL": prefect_server,
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(tmp_path / "results"),
    }
    killed = subprocess.run(
        [sys.executable, "-c", SCRIPT, victim, parameters.model_dump_json()], env=environment, check=False
    )

    assert killed.returncode == -signal.SIGKILL
    assert latest("small") is None
    assert published("small") == []

    again = run(parameters).result()

    assert published_bytes(again) == published_bytes(first_run)
    assert latest("small").run == first_run["run_id"]
    # The scratch space of this living process is all that may be there.
    assert list(home.rglob(f"{store.TEMPORARY}*")) == [store.scratch()]
