"""A run killed in any step and started again ends in the same bytes, and never in half a publication."""

import pytest
from killed_run import killed, states_of
from small_shop import published_bytes, run

from tasks.publication.registry import latest, publications
from tasks.runtime import store

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
    killed(victim, parameters, other_process)

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
