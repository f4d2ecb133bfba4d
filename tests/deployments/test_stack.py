"""A real server, a real worker: what was deployed is scheduled, runs, and refuses what it does not know."""

import httpx
import pytest
from prefect.exceptions import PrefectHTTPStatusError

from deployments.drill_checks import wait_until

pytestmark = pytest.mark.slow
NIGHTLY = "nightly/small"


def ended(observer, run):
    def final():
        found = observer.run(run)
        return found if found.state.is_final() else None

    return wait_until(f"the end of {run}", final)


def test_server__plans_the_runs_of_a_schedule(observer):
    planned = wait_until(
        "planned runs", lambda: [run for run in observer.runs(NIGHTLY) if run.auto_scheduled] or None
    )

    assert {run.state_name for run in planned} == {"Scheduled"}
    assert len({run.expected_start_time for run in planned}) == len(planned) >= 3


@pytest.mark.parametrize(
    "wrong",
    [{"seed": -1}, {"as_of": "yesterday"}, {"seed": "many"}, {"datset": "small"}, {"dry_run": "perhaps"}],
)
def test_server__refuses_a_bad_or_unknown_parameter_when_the_run_is_created(wrong, shop, observer):
    with pytest.raises(PrefectHTTPStatusError) as refused:
        observer.start(NIGHTLY, {**shop[0], **wrong})

    assert refused.value.response.status_code in {409, 422}
    assert next(iter(wrong)) in refused.value.response.text


def test_apply__again_adds_nothing_and_keeps_a_pause(stack, shop, observer):
    before = observer.schedules(NIGHTLY)
    observer.pause(NIGHTLY)
    stack.apply(shop[1])

    assert [each.id for each in observer.schedules(NIGHTLY)] == [each.id for each in before]


def test_worker__runs_a_deployment_in_the_home_and_the_report_is_served(stack, shop, observer, worker):
    stack.start_reports()
    run = ended(observer, observer.start(NIGHTLY, {**shop[0], "as_of": "2025-06-01"}))

    assert run.state_name == "Completed", run.state.message
    (report,) = stack.workspace.home.glob("published/small/2025-06-01/*/report.html")
    link = f"{stack.workspace.reports}/{report.relative_to(stack.workspace.home)}"
    assert observer.artifact(run.id, "report").endswith(f"({link})")
    assert httpx.get(link).text == report.read_text()


def test_recover__ends_what_a_killed_worker_left_and_the_retry_reuses_it(stack, shop, observer, worker):
    run = observer.start(NIGHTLY, {**shop[0], "as_of": "2025-06-10"})
    wait_until(
        "a finished step", lambda: "Completed" in observer.task_states(run).values() or None, seconds=60
    )
    assert stack.recover() == "no run was left behind\n"

    worker.kill()
    stack.children.remove(worker)
    assert observer.run(run).state_name == "Running"
    assert observer.slots(NIGHTLY) == 1

    assert f"({run}) was Running" in stack.recover()
    left = observer.run(run)
    assert left.state_name == "Crashed"
    assert "prefect flow-run retry" in left.state.message
    assert observer.slots(NIGHTLY) == 0

    again = stack.start_worker()
    stack.call("-m", "prefect", "flow-run", "retry", str(run))
    wait_until("the retry", lambda: observer.run(run).run_count == 2 or None)
    assert ended(observer, run).state_name == "Completed"
    assert "Cached" in observer.task_states(run).values()
    stack.stop_worker(again)
