"""A deployment file is data; here it is loaded, and what Prefect would silently drop is refused."""

import copy
import re

import pytest
import yaml
from pydantic import BaseModel

from data_contracts.cluster_section import VARIABLE
from data_contracts.errors import ConfigurationError
from deployments.apply import ENVIRONMENT, QUEUES
from deployments.description import describe
from deployments.stack import DEPLOYMENTS, POOL

DOCUMENT = yaml.safe_load(DEPLOYMENTS.read_text())
FILE = describe(DEPLOYMENTS)
WANTED = {"backfill": {"first": "2026-01-01", "last": "2026-01-31"}}


def id_of(deployment):
    return f"{deployment.load().name}/{deployment.name}"


def dictionaries(node, path=()):
    """Every mapping of a document with its path; `env` and the parameters' own names are free."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            if key not in {"env", "definitions"}:
                yield from dictionaries(value, (*path, key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from dictionaries(value, (*path, number))


def written(tmp_path, change):
    document = copy.deepcopy(DOCUMENT)
    change(document)
    path = tmp_path / "prefect.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize("place", list(dictionaries(DOCUMENT)), ids=str)
def test_describe__refuses_an_unknown_key_wherever_it_stands(place, tmp_path):
    def change(document):
        node = document
        for step in place:
            node = node[step]
        node["concurency"] = 1

    with pytest.raises(ConfigurationError, match="concurency"):
        describe(written(tmp_path, change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one["schedules"][0].pop("slug"), "slug"),
        (lambda one: one["schedules"][0].update(interval=60), "exactly one of cron and interval"),
        (lambda one: one["schedules"][0].update(timezone="Europe/Nowhere"), "Europe/Nowhere"),
        (lambda one: one["schedules"][0].update(cron="61 3 * * *"), "61 3"),
        (lambda one: one["schedules"].append(dict(one["schedules"][0])), "share a name"),
        (lambda one: one["concurrency_limit"].update(collision_strategy="WAIT"), "WAIT"),
        (lambda one: one["parameters"]["parameters"].update(seed=-1), "seed"),
        (lambda one: one["parameters"]["parameters"].update(as_of="yesterday"), "yesterday"),
        (lambda one: one["schedules"][0].update(parameters={"parameters": {"datset": "x"}}), "datset"),
        (lambda one: one.update(entrypoint="flows.nightly.nigthly"), "nigthly"),
        (lambda one: one.update(entrypoint="flows.nihgtly.nightly"), "nihgtly"),
        (lambda one: one.update(enforce_parameter_schema=False), "enforce_parameter_schema"),
    ],
)
def test_describe__names_what_is_wrong(change, said, tmp_path):
    with pytest.raises(ConfigurationError, match=said):
        describe(written(tmp_path, lambda document: change(document["deployments"][0])))


@pytest.mark.parametrize("deployment", FILE.deployments, ids=id_of)
def test_deployment__flow_takes_its_parameters(deployment):
    flow = deployment.load()
    given = {**deployment.parameters["parameters"], **WANTED.get(flow.name, {})}

    assert isinstance(flow.validate_parameters({"parameters": given})["parameters"], BaseModel)


@pytest.mark.parametrize("deployment", FILE.deployments, ids=id_of)
def test_deployment__runs_in_our_pool_and_in_a_queue_that_is_made(deployment):
    assert deployment.work_pool.name == POOL
    assert deployment.work_pool.work_queue_name in QUEUES


def test_deployments__cover_every_flow():
    assert {each.load().name for each in FILE.deployments} == {"nightly", "tune", "backfill", "prune"}


def test_cluster_yaml__sets_what_runs_may_set_and_asks_for_the_engine():
    (deployment,) = describe(DEPLOYMENTS.with_name("cluster.yaml")).deployments

    assert deployment.parameters["parameters"]["engine"] == "dask"
    assert deployment.work_pool.name == POOL
    assert deployment.work_pool.work_queue_name in QUEUES
    assert VARIABLE in deployment.work_pool.job_variables.env
    assert all(re.match(ENVIRONMENT, name) for name in deployment.work_pool.job_variables.env)
