"""Write a run to an MLflow tracking server by its REST API (https://mlflow.org/docs/latest/rest-api.html).

MLflow's own client brings some fifty packages along; what is needed of it are six requests.
"""

import base64
import itertools
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from tasks.tracking.record import Record

PREFIX = "/api/2.0/mlflow/"
REQUEST_SECONDS, ALL_SECONDS = 10.0, 20.0
MOST_METRICS, MOST_PARAMETERS = 1_000, 100
"""What one request may hold."""
RUN_ID = "run_id"
"""Tag by which the same run is found again."""

T = TypeVar("T")


def write(record: Record, uri: str, experiment: str, seconds: float = ALL_SECONDS) -> list[str]:
    """Write a run to an experiment, which is made if it is not there; a run that is there whole is left alone.

    It never raises, and ends after `seconds` whatever the server does.

    Returns
    -------
    A warning if the run could not be written, else nothing.

    """
    said: list[str] = []
    # Names are looked up without a time limit, and a server may answer byte by byte: only a thread can be left behind.
    thread = Thread(target=_try, args=(record, uri, experiment, said), daemon=True)
    thread.start()
    thread.join(seconds)
    problems = [f"no end after {seconds:g} s"] if thread.is_alive() else said
    where = urlsplit(uri).netloc
    return [f"the run was not written to MLflow at {where}: {why}; the run is as it is" for why in problems]


def _try(record: Record, uri: str, experiment: str, said: list[str]) -> None:
    try:
        with httpx.Client(base_url=uri + PREFIX, headers=_headers(), timeout=REQUEST_SECONDS) as client:
            _write(client, record, experiment)
    except httpx.HTTPStatusError as error:
        what = error.request.url.path.rpartition(PREFIX)[2]
        said.append(f"it answers {error.response.status_code} to {what}{_reason(error.response)}")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, KeyError, TypeError) as error:
        said.append(f"{type(error).__name__}: {error}")


def _headers() -> dict[str, str]:
    """Credentials, by the names that MLflow's own clients know."""
    token, user = os.environ.get("MLFLOW_TRACKING_TOKEN"), os.environ.get("MLFLOW_TRACKING_USERNAME")
    headers = {"User-Agent": "shelftalker"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    elif user:
        pair = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return headers


def _write(client: httpx.Client, record: Record, experiment: str) -> None:
    experiment_id = _experiment(client, experiment)
    run = _there_before(client, experiment_id, record.tags[RUN_ID])
    if run is not None and run["status"] == "FINISHED":
        return
    now = int(time.time() * 1000)
    if run is None:
        given = {"experiment_id": experiment_id, "start_time": now, "run_name": record.name}
        run = _post(client, "runs/create", {**given, "tags": _pairs(record.tags)})["run"]["info"]
    metrics = [
        {"key": key, "value": value, "timestamp": now, "step": 0} for key, value in record.metrics.items()
    ]
    some = itertools.zip_longest(
        _batches(metrics, MOST_METRICS - MOST_PARAMETERS),
        _batches(_pairs(record.parameters), MOST_PARAMETERS),
        fillvalue=(),
    )
    for values, parameters in some:
        _post(
            client,
            "runs/log-batch",
            {RUN_ID: run[RUN_ID], "metrics": list(values), "params": list(parameters)},
        )
    end = {RUN_ID: run[RUN_ID], "status": "FINISHED", "end_time": int(time.time() * 1000)}
    _post(client, "runs/update", end)


def _experiment(client: httpx.Client, name: str) -> str:
    """Id of an experiment, made if it is not there."""
    answer = client.get("experiments/get-by-name", params={"experiment_name": name})
    if answer.status_code == HTTPStatus.NOT_FOUND and _code(answer) == "RESOURCE_DOES_NOT_EXIST":
        made: str = _post(client, "experiments/create", {"name": name})["experiment_id"]
        return made
    found: str = _json(answer)["experiment"]["experiment_id"]
    return found


def _there_before(client: httpx.Client, experiment_id: str, run_id: str) -> dict[str, Any] | None:
    """What is known of the same run, written before; None if nothing is."""
    asked = {"experiment_ids": [experiment_id], "filter": f"tags.{RUN_ID} = '{run_id}'", "max_results": 1}
    runs = _post(client, "runs/search", asked).get("runs", [])
    return runs[0]["info"] if runs else None


def _post(client: httpx.Client, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return _json(client.post(what, json=body))


def _json(answer: httpx.Response) -> dict[str, Any]:
    # A redirect is not followed: who is not where the file says is told nothing, credentials least of all.
    if not answer.is_success:
        raise httpx.HTTPStatusError("", request=answer.request, response=answer)
    found: dict[str, Any] = answer.json()
    return found


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error_code"])
    except (ValueError, KeyError, TypeError):
        return ""


def _reason(answer: httpx.Response) -> str:
    code = _code(answer)
    return f" ({code})" if code else ""


def _pairs(found: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in found.items()]


def _batches(found: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    rest = iter(found)
    while some := tuple(itertools.islice(rest, size)):
        yield some
