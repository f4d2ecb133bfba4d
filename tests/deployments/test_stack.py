"""A real server, a real worker: what was deployed is scheduled, runs, and refuses what it does not know."""

import re
from contextlib import contextmanager

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


@pytest.mark.parametrize(
    "wanted",
    [
        {"command": "touch /tmp/owned"},
        {"working_dir": "/tmp"},
        {"env": {"PYTHONPATH": "/tmp"}},
        {"env": {"LD_PRELOAD": "/tmp/x.so"}},
        {"env": {"PATH": "/tmp"}},
        {"env": {"SHELFTALKER_MODELS": "/tmp"}},
        {"env": {"OMP_NUM_THREADS": ["2"]}},
        {"stream_output": False},
    ],
)
def test_server__lets_no_run_choose_what_the_worker_executes(wanted, stack, shop, observer):
    with api(stack) as client:
        known = client.get("/deployments/name/nightly/small").json()["id"]
        answer = client.post(
            f"/deployments/{known}/create_flow_run",
            json={
                "parameters": {"parameters": shop[0]},
                "job_variables": wanted,
                "state": {"type": "PENDING"},
            },
        )

    assert answer.status_code in {409, 422}, answer.text


@contextmanager
def api(stack, **options):
    """A client of the API with the password, and with a token against forged forms."""
    secret = stack.workspace.environment()["PREFECT_API_AUTH_STRING"].partition(":")
    headers = {"Prefect-Csrf-Client": "test"}
    with httpx.Client(
        base_url=stack.workspace.api, auth=(secret[0], secret[2]), headers=headers, **options
    ) as client:
        token = client.get("/csrf-token", params={"client": "test"}).json()
        client.headers["Prefect-Csrf-Token"] = token["token"]
        yield client


OPEN = {"/health", "/ready"}
"""What a server says to whoever asks: whether it lives."""


@pytest.fixture
def stranger(stack):
    """A client without the password; the description of the API alone takes seconds on a busy machine."""
    with httpx.Client(base_url=stack.workspace.ui, timeout=60) as client:
        yield client


def test_server__answers_nobody_without_the_password(stack, stranger):
    with api(stack) as client:
        described = client.get(f"{stack.workspace.ui}/openapi.json").json()
    asked = 0
    for path, methods in described["paths"].items():
        plain = re.sub(r"\{[^}]*\}", "00000000-0000-0000-0000-000000000000", path)
        for method in methods.keys() - {"parameters"}:
            for wrong in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer x"}):
                answer = stranger.request(method, f"/api{plain}", headers=wrong, json={})
                asked += 1
                assert answer.status_code in {401, 403} or plain in OPEN, (method, plain, answer.status_code)
    assert asked > 300


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/flow_runs/filter",
        "/api//flow_runs/filter",
        "/api/./flow_runs/filter",
        "/api/health/../flow_runs/filter",
        "/api/health/%2e%2e/flow_runs/filter",
        "/api/flow_runs%2ffilter",
        "/api/%66low_runs/filter",
        "/api/flow_runs/filter/",
        "/api/flow_runs/filter%00",
        "/api/flow_runs/filter;/health",
        "/api/variables/name/health",
        "/API/flow_runs/filter",
        "//api/flow_runs/filter",
        "/api/../api/flow_runs/filter",
        "/../../../../etc/passwd",
        "/assets/..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd",
    ],
)
def test_server__is_not_talked_round_by_odd_paths_and_methods(stranger, method, path):
    request = stranger.build_request(method, "/", json={})
    # As raw bytes: a client would tidy the path up before it sends it.
    request.url = request.url.copy_with(raw_path=path.encode())
    answer = stranger.send(request)

    page = answer.headers.get("content-type", "").startswith(
        "text/html"
    )  # of the UI, for any path that it routes
    assert answer.status_code >= 400 or (page and not path.startswith("/api/")), answer.text[:200]
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/api/health", "/api/flow_runs/filter", "/openapi.json", "/ui-settings"]
)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4200", "127.0.0.1.evil.example", "localhost.evil", ""]
)
def test_server__answers_under_its_own_names_only(stranger, path, host):
    for method in ("GET", "POST", "OPTIONS"):
        assert stranger.request(method, path, headers={"Host": host}).status_code == 400
    assert stranger.get(path).status_code != 400


def test_server__lets_no_other_page_talk_to_it(stack):
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"{stack.workspace.api}/flow_runs/filter", headers=headers)

    assert "evil" not in answer.headers.get("access-control-allow-origin", "")
    assert answer.headers.get("access-control-allow-origin") != "*"


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
    assert observer.artifact(run.id, "small-report").endswith(f"({link})")
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
