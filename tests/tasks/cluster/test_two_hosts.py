"""Hosts that share a network and one folder, and nothing else, make what one host makes."""

import pytest

pytest.importorskip("distributed")

import cluster_shop
import two_hosts

from data_contracts.cluster_section import ClusterSection
from tasks.cluster.client import workers

pytestmark = pytest.mark.cluster


@pytest.fixture(autouse=True)
def _namespaces():
    if reason := two_hosts.why_not():
        pytest.skip(reason)


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    cluster_shop.write_log(folder / "log", n_files=2, n_rows=300)
    cluster_shop.write_dataset(folder)
    return folder


def test_two_hosts__make_the_bytes_of_one(tmp_path, home):
    with two_hosts.cluster(tmp_path / "hosts", [home, home]) as hosts:
        found = two_hosts.drive(hosts, home)
    with workers(ClusterSection(workers=1), tmp_path) as one:
        expected = two_hosts.made_on(one, home, home / "one")

    assert found["hosts"] == found["without_mark"] == ["host-1", "host-2"]
    assert found["items_sha256"] == expected
    made, alone = (cluster_shop.bytes_of(home / name / "grouped") for name in ("hosts", "one"))
    assert made == alone


def test_two_hosts__without_a_common_home_are_refused_before_anything_is_made(tmp_path, home):
    with two_hosts.cluster(tmp_path / "hosts", [home, None]) as hosts:
        found = two_hosts.drive(hosts, home)

    assert f"the worker on host-2 does not see {home}" in found["refused"]
    assert {path.name for path in home.iterdir()} == {"log", "shop.toml"}
