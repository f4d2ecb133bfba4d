"""A deployment file is data; here it is loaded, and what Prefect would silently drop is refused."""

from importlib import import_module
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

FILE = Path(__file__).parents[2] / "deployments" / "prefect.yaml"
DOCUMENT = yaml.safe_load(FILE.read_text())
DEPLOYMENTS = DOCUMENT["deployments"]

KNOWN = {
    "name",
    "description",
    "entrypoint",
    "tags",
    "parameters",
    "enforce_parameter_schema",
    "concurrency_limit",
    "schedules",
    "work_pool",
}
KNOWN_SCHEDULE = {"cron", "timezone", "slug", "active"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each["name"])
def test_deployment__has_no_key_that_prefect_would_drop(deployment):
    assert set(deployment) <= KNOWN
    assert set(deployment["concurrency_limit"]) == {"limit", "collision_strategy"}
    for schedule in deployment.get("schedules", []):
        assert set(schedule) <= KNOWN_SCHEDULE


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each["name"])
def test_deployment__every_schedule_has_a_slug(deployment):
    slugs = [schedule["slug"] for schedule in deployment.get("schedules", [])]

    assert len(set(slugs)) == len(slugs)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each["name"])
def test_deployment__entrypoint_loads_and_takes_its_parameters(deployment):
    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(import_module(module), name)
    validated = flow.validate_parameters(deployment["parameters"])

    assert isinstance(validated["parameters"], BaseModel)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each["name"])
def test_deployment__refuses_a_parameter_that_does_not_exist(deployment):
    from prefect.exceptions import ParameterTypeError

    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(import_module(module), name)
    wrong = {"parameters": {**deployment["parameters"]["parameters"], "datset": "typo"}}

    with pytest.raises(ParameterTypeError, match="datset"):
        flow.validate_parameters(wrong)
