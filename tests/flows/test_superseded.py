from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelled, Completed, Failed, Running, Scheduled

from flows.superseded import newest_due, superseded

NOW = datetime.now(UTC)


def run(hours_ago, state, *, scheduled=True):
    return FlowRun(
        flow_id=uuid4(),
        name=f"{hours_ago} hours ago",
        expected_start_time=NOW - timedelta(hours=hours_ago),
        auto_scheduled=scheduled,
        state=state,
        state_type=state.type,
        state_name=state.name,
    )


@pytest.mark.parametrize("state", [Scheduled(), Running(), Completed()])
def test_newest_due__is_the_newest_that_does_the_work(state):
    mine = run(72, Running())
    others = [run(48, state), run(24, state), run(96, Completed()), mine]

    assert newest_due(mine, others).name == "24 hours ago"
    assert newest_due(others[1], others) is None


@pytest.mark.parametrize(
    "other",
    [
        run(24, Failed()),
        run(24, Cancelled()),
        run(24, Completed(name="Skipped")),
        run(-24, Scheduled()),  # tomorrow's
        run(24, Completed(), scheduled=False),  # by hand
    ],
)
def test_newest_due__does_not_count_on_a_run_that_will_not_do_the_work(other):
    assert newest_due(run(72, Running()), [other]) is None


def test_superseded__a_run_outside_a_flow_works():
    assert superseded() is None
