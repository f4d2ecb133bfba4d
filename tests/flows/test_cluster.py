"""A run on the workers of somebody else's cluster, from the log to everybody's lists."""

import datetime as dt
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.importorskip("distributed")

import cluster_shop
import dask_processes

from data_contracts.cluster_section import ClusterSection
from data_contracts.errors import ClusterLostError, ConfigurationError
from data_contracts.parameters import ClusterParameters, NightlyParameters
from data_contracts.predictions import PREDICTIONS_SCHEMA
from tasks.lookup import open_publication
from tasks.prediction import on_workers
from tasks.publication.registry import publications, roll_back

pytestmark = pytest.mark.cluster

MODELS = """
[evaluation]
metric = "precision@5"
ks = [5]
[models.popularity]
baseline = true
[models.recent_popularity]
baseline = true
[models.personal_frequency]
baseline = true
[models.wals]
n_factors = 4
iterations = 2
unobserved_weight = 0.1
regularization = 0.1
weighting = "count"
"""


OF_ALL_ROWS = """
[cleaning]
drop_exact_duplicates = true
max_events_quantile = 0.9
[feedback]
kind = "duration"
clip_quantile = 0.9
"""
"""What no part of a log can tell alone."""


@pytest.fixture
def shop(tmp_path):
    """The path of a dataset file, its log beside it: some rows of one file stand in another, too."""
    files = sorted(cluster_shop.write_log(tmp_path / "log", n_rows=300).iterdir())
    copied = files[0].read_text("utf-8").splitlines(keepends=True)[20:60]
    files[2].write_text(files[2].read_text("utf-8") + "".join([*copied, copied[0]]), "utf-8")
    return cluster_shop.write_dataset(tmp_path, f"[cluster]\nblocks = 3\n{MODELS}").file


@pytest.fixture
def scheduler(tmp_path):
    """Address of a scheduler with two workers."""
    port = dask_processes.free_port()
    with (
        dask_processes.ended(dask_processes.start_scheduler(tmp_path / "scheduler", port)),
        dask_processes.ended(dask_processes.start_worker(tmp_path / "one", port)),
        dask_processes.ended(dask_processes.start_worker(tmp_path / "two", port)),
    ):
        yield f"tcp://127.0.0.1:{port}"


def test_cluster__lists_the_best_for_everybody_and_a_second_run_reuses_all(
    shop, scheduler, home, prefect_server
):
    from flows.cluster import cluster

    given = ClusterParameters(dataset=str(shop), as_of=dt.date(2024, 5, 1), scheduler=scheduler)
    found = cluster(given)

    lists = pq.read_table(found["path"])
    assert lists.schema.equals(PREDICTIONS_SCHEMA)
    assert lists.num_rows == found["rows"] == found["n_users"] * 10
    assert len(lists.column("user_id").unique()) == found["n_users"]
    assert set(found["metrics"]) == {"popularity", "recent_popularity", "personal_frequency", "wals"}
    best = max(found["metrics"], key=lambda name: found["metrics"][name]["precision@5"])
    assert found["winner"] == best
    assert not list(home.rglob(".tmp-attempt-*"))

    stamps = {path: path.stat().st_mtime_ns for path in (home / "artifacts").rglob("*.parquet")}
    # Nobody is asked: there is no such scheduler.
    again = cluster(given.model_copy(update={"scheduler": "tcp://127.0.0.1:9"}))
    assert again == found
    assert {path: path.stat().st_mtime_ns for path in (home / "artifacts").rglob("*.parquet")} == stamps


REFUSED = {
    '[window]\nsplit = "file"\ntest_path = "test.csv"': "split = .file. under .* is a second log.* --engine dask",
    '[rules]\nexclude_items = ["i0"]': r"\[rules\] are not applied to lists of a cluster",
    '[models.ease]\n[models.popularity]\nbaseline = true\n[evaluation]\ncold_start = "popularity"': r"cannot train 'ease' \(kind 'ease'\)",
}


@pytest.mark.parametrize(("sections", "said"), REFUSED.items())
def test_asked_of_workers__refuses_what_needs_one_machine(tmp_path, sections, said):
    from flows.cluster import asked_of_workers

    path = cluster_shop.write_dataset(tmp_path, sections).file
    given = ClusterParameters(dataset=str(path))
    with pytest.raises(ConfigurationError, match=said):
        asked_of_workers(cluster_shop.DatasetSpec.load(path), given)


@pytest.mark.parametrize("sections", ["", OF_ALL_ROWS])
def test_nightly__publishes_the_same_whoever_does_the_work(
    shop, scheduler, home, prefect_server, sections, monkeypatch
):
    from flows.nightly import nightly

    # What the run asks of workers at once.
    monkeypatch.setattr(on_workers, "BLOCK_USERS", 17)
    monkeypatch.setattr(on_workers, "ITEMS_A_CALL", 7)
    # Any column will do for a basket: what counts is that models of baskets see the same ones.
    text = shop.read_text("utf-8").replace('title = "title"', 'title = "title"\nbasket = "n"')
    shop.write_text(f"{text}\n[models.up_cf]\n{sections}", "utf-8")
    given = NightlyParameters(dataset=str(shop), as_of=dt.date(2024, 5, 1))
    here = nightly(given)
    there = nightly(given.model_copy(update={"engine": "dask", "scheduler": scheduler}))

    assert there.published
    assert there.gate.winner == here.gate.winner != "wals"
    assert there.counts.model_copy(update={"seconds": 0}) == here.counts.model_copy(update={"seconds": 0})
    assert sections == "" or there.counts.rejected["exact_duplicate"] >= 41
    assert there.models["wals"].seconds
    for name in ("popularity", "recent_popularity", "personal_frequency", "up_cf"):
        assert there.models[name].repeat == here.models[name].repeat
        assert there.models[name].discovery == here.models[name].discovery
    for name in ("predictions", "users_per_item", "strangers", "users", "items", "titles", "similar_items"):
        tables = [pq.read_table(Path(each.path) / f"{name}.parquet") for each in (here, there)]
        assert tables[0].equals(tables[1]), name


TASTES = """
name = "tastes"
[source]
path = "log.csv"
[columns]
user = "user"
item = "item"
time = "time"
[evaluation]
decides = "discovery"
metric = "precision@5"
ks = [5]
cold_start = "popularity"
[export]
k = 5
[models.popularity]
baseline = true
[models.wals]
n_factors = 4
iterations = 5
unobserved_weight = 0.1
regularization = 0.1
weighting = "count"
"""


def test_nightly__publishes_a_wals_of_workers_that_look_ups_read_and_roll_back(
    tmp_path, scheduler, home, prefect_server, rng
):
    from flows.nightly import nightly

    # Everybody takes items of one of two kinds, a different half of them before the last month.
    rows = ["user,item,time"]
    for user in range(80):
        for at, item in enumerate(rng.permutation(16)[:10]):
            rows.append(f"u{user:02},i{user % 2}-{item:02},2024-0{1 + at // 2}-{1 + user % 28:02}")
    (tmp_path / "log.csv").write_text("\n".join(rows), "utf-8")
    path = tmp_path / "tastes.toml"
    path.write_text(TASTES, "utf-8")
    given = NightlyParameters(dataset=str(path), as_of=dt.date(2024, 6, 1))
    here = nightly(given)
    there = nightly(given.model_copy(update={"engine": "dask", "scheduler": scheduler}))

    assert (here.gate.winner, there.gate.winner) == ("wals", "wals")
    assert there.published
    lists = pq.read_table(Path(there.path) / "predictions.parquet").to_pydict()
    kinds = {
        (int(user[1:]) % 2, item[:3]) for user, item in zip(lists["user_id"], lists["item_id"], strict=True)
    }
    assert kinds == {(0, "i0-"), (1, "i1-")}
    assert {each.run for each in publications("tastes")} == {there.run_id, here.run_id}
    shown = open_publication("tastes").recommend("u03", 5)
    assert shown.publication == there.run_id
    assert {each.item_id[:3] for each in shown.items} == {"i1-"}
    assert roll_back("tastes").run == here.run_id


def test_nightly__of_a_cluster_that_is_not_there_leaves_no_model_out(shop, home, prefect_server):
    from flows.nightly import nightly

    shop.write_text(shop.read_text("utf-8").replace("[cluster]", "[cluster]\ntimeout_seconds = 1"), "utf-8")
    given = NightlyParameters(
        dataset=str(shop), as_of=dt.date(2024, 5, 1), engine="dask", scheduler="tcp://127.0.0.1:9"
    )
    with pytest.raises(ClusterLostError, match=r"127\.0\.0\.1:9"):
        nightly(given)
    assert not (home / "published").exists()


def test_engine_of__takes_the_parameters_before_the_dataset_file(tmp_path):
    from flows.cluster_engine import ClusterEngine
    from flows.engines import LocalEngine, engine_of
    from flows.planning import asked_for

    path = str(cluster_shop.write_dataset(tmp_path, '[cluster]\nengine = "dask"').file)

    assert isinstance(engine_of(asked_for(NightlyParameters(dataset=path))[0]), ClusterEngine)
    assert isinstance(engine_of(asked_for(NightlyParameters(dataset=path, engine="local"))[0]), LocalEngine)


def test_section_of__takes_the_parameters_before_the_dataset_file(tmp_path):
    from flows.cluster import section_of

    spec = cluster_shop.write_dataset(tmp_path, '[cluster]\nscheduler = "tcp://a:1"\nblocks = 3')
    given = ClusterParameters(dataset="shop.toml", scheduler="tcp://b:2", workers=4)
    found = section_of(spec, given)
    assert found == ClusterSection(engine="dask", scheduler="tcp://b:2", blocks=3, workers=4)
    assert found.cache_identity() == spec.cluster.cache_identity()


@pytest.mark.parametrize("address", ["scheduler", "tcp://", "http://a:1", "tcp://a:1/x", "tcp://a: 1"])
def test_cluster_parameters__refuse_what_is_no_address(address):
    with pytest.raises(ValueError, match="scheduler"):
        ClusterParameters(scheduler=address)
