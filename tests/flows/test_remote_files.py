"""Whole runs from an object store, and what is published taken into one."""

import json
import os

import fsspec
import pytest
from click.testing import CliRunner
from shop_database import make_publication
from small_shop import published_bytes, run, write_dataset

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError, RemoteError
from data_contracts.parameters import BackfillParameters, NightlyParameters
from data_contracts.predictions import TABLES
from flows.backfill import backfill
from flows.cli import main
from tasks.ingestion import task
from tasks.publication.delivery import check_delivery, deliver
from tasks.publication.registry import latest
from tasks.publication.retention import prune
from tasks.runtime.progress import Silent, listening
from tasks.sources import remote_copies


class Heard(Silent):
    """What was done, and what was reused."""

    def __init__(self):
        self.done, self.reused = [], []

    def finished(self, step, seconds, *, reused, facts):
        (self.reused if reused else self.done).append(step)


def put(url, content):
    files, path = fsspec.core.url_to_fs(url)
    files.pipe_file(path, content if isinstance(content, bytes) else content.encode())


def get(url):
    files, path = fsspec.core.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    return files.cat_file(path)


def test_nightly__from_s3_as_from_a_file_and_to_s3(
    home, tmp_path, small_log, bucket, first_run, prefect_server
):
    put(f"{bucket}/orders/small.csv", small_log.read_bytes())
    wanted = [
        ('path = "sample.csv"', f'path = "{bucket}/orders/*.csv"'),
        ("[evaluation]", f'[export]\nformats = ["parquet"]\nto = "{bucket}/lists"\n\n[evaluation]'),
    ]
    dataset = NightlyParameters(dataset=str(write_dataset(tmp_path, wanted)))
    heard = Heard()
    with listening(heard):
        summary = run(dataset).result()
    again = Heard()
    with listening(again):
        repeated = run(dataset).result()

    assert published_bytes(summary) == published_bytes(first_run)
    live = json.loads(get(f"{bucket}/lists/small/latest.json"))
    assert live["run"] == latest("small").run == repeated.run_id
    manifest = json.loads(get(f"{bucket}/lists/small/{live['manifest']}"))
    assert set(manifest["files"]) == {f"{name}.parquet" for name in TABLES}
    for name in TABLES:
        assert (
            get(f"{bucket}/lists/small/{live['path']}/{name}.parquet")
            == (latest("small").folder / TABLES[name]).read_bytes()
        )
    assert heard.done[0] == f"fetch {bucket}/orders/*.csv"
    assert [step for step in again.done if not step.startswith("upload")] == []
    assert not (home / "exports").exists()


def test_backfill__from_an_object_store(warm_home, tmp_path, small_log, memory, prefect_server):
    put(f"{memory}/small.csv", small_log.read_bytes())
    given = BackfillParameters(
        dataset=str(write_dataset(tmp_path)),
        first="2025-05-20",
        last="2025-05-20",
        source=f"{memory}/small.csv",
    )
    (row,) = backfill(given)

    assert row["result"] == "published"


@pytest.fixture
def shop(tmp_path):
    """Makes a dataset whose log has two columns, and what else is given."""

    def make(source, more=""):
        path = tmp_path / "shop.toml"
        path.write_text(
            f'name = "shop"\n[source]\npath = "{source}"\n[columns]\nuser = "u"\nitem = "i"\n'
            f'[window]\nsplit = "random"\n{more}'
        )
        return DatasetSpec.load(path)

    return make


def test_find_source__known_by_its_content_wherever_it_lies(home, tmp_path, memory, shop, prefect_server):
    put(f"{memory}/a/log.csv", "u,i\n1,2\n")
    put(f"{memory}/b.csv", "u,i\n1,2\n")
    put(f"{memory}/items.csv", "id,title\n2,Socks\n")
    (tmp_path / "log.csv").write_text("u,i\n1,2\n")
    (tmp_path / "items.csv").write_text("id,title\n2,Socks\n")
    items = '[items]\npath = "{}"\nid = "id"\ntitle = "title"\n'
    found = [
        task.find_source(shop(f"{memory}/a/log.csv", items.format(f"{memory}/items.csv"))),
        task.find_source(shop("nowhere.csv", items.format(f"{memory}/items.csv")), f"{memory}/b.csv"),
        task.find_source(shop("log.csv", items.format("items.csv"))),
    ]

    assert len({json.dumps(each.cache_identity(), sort_keys=True) for each in found}) == 1
    put(f"{memory}/items.csv", "id,title\n2,Shoes\n")
    other = task.find_source(shop("log.csv", items.format(f"{memory}/items.csv")))
    assert other.sha256 != found[0].sha256


def test_find_source__one_that_is_away_is_tried_again_and_one_that_is_refused_is_not(
    home, memory, shop, monkeypatch, prefect_server
):
    put(f"{memory}/log.csv", "u,i\n1,2\n")
    copy, tries = remote_copies.copy_of, []

    def away_once(*given):
        tries.append(given)
        if len(tries) == 1:
            raise RemoteError("the network is down")
        return copy(*given)

    monkeypatch.setattr(remote_copies, "copy_of", away_once)
    quick = task.fetch.with_options(retry_delay_seconds=0, retry_jitter_factor=None)
    monkeypatch.setattr(task, "fetch", quick)
    assert task.find_source(shop(f"{memory}/log.csv")).path.exists()
    assert len(tries) == 2
    with pytest.raises(
        ConfigurationError, match=r"reading dataset 'shop' .*shop.toml\): there is nothing at memory:"
    ):
        task.find_source(shop(f"{memory}/nowhere.csv"))
    assert len(tries) == 3


def test_ingest__errors_name_the_url(home, memory, shop, prefect_server):
    put(f"{memory}/orders/log.csv", "u,x\n1,2\n")
    put(f"{memory}/notes/readme", "no table")
    put(f"{memory}/empty/log.csv", "")

    for place, said in (
        ("orders/log.csv", "memory://shop/orders/log.csv"),
        ("empty", "memory://shop/empty/log.csv is empty"),
    ):
        source = task.find_source(shop(f"{memory}/{place}"))
        with pytest.raises((ConfigurationError, ContractError), match=said) as raised:
            task.ingest(source)
        assert str(home) not in str(raised.value)
    with pytest.raises(ConfigurationError, match="folder memory://shop/notes holds no file to read"):
        task.find_source(shop(f"{memory}/notes"))


def test_deliver__to_an_object_store(home, tmp_path, memory, shop, prefect_server):
    spec = shop("log.csv", f'[export]\nformats = ["csv"]\nto = "{memory}/lists"\n')
    told = deliver(make_publication(tmp_path), spec)

    assert told[0]["where"] == f"{memory}/lists/shop/2026-01-01/first"
    assert json.loads(get(f"{memory}/lists/shop/latest.json"))["path"] == "2026-01-01/first"
    with pytest.raises(ConfigurationError, match="ftp://host/lists is an address that nothing is read from"):
        check_delivery(shop("log.csv", '[export]\nformats = ["csv"]\nto = "ftp://host/lists"\n'))


@pytest.mark.parametrize(
    ("export", "said"),
    [
        ('to = "s3://shop/lists"', "to needs formats"),
        ('to = "/srv/lists"\nformats = ["csv"]', "to is the URL of a folder"),
        ('to = "s3://key:hidden@shop/lists"\nformats = ["csv"]', "to holds a password"),
    ],
)
def test_load__export_to_what_cannot_be_written(shop, export, said):
    with pytest.raises(ConfigurationError, match=said) as raised:
        shop("log.csv", f"[export]\n{export}\n")
    assert "hidden" not in str(raised.value)


def test_export__to_an_object_store(home, tmp_path, memory, monkeypatch):
    monkeypatch.setattr("flows.cli_common.settle", lambda home, **_: None)
    make_publication(tmp_path)
    words = ["export", "--dataset", "shop", "--to", f"{memory}/lists", "--table", "strangers", "--json"]
    first, second = (CliRunner().invoke(main, words) for _ in range(2))

    assert json.loads(first.stdout) == [{"what": "strangers.csv", "rows": 2, "where": f"{memory}/lists"}]
    assert (second.exit_code, "strangers.csv exists already" in second.stderr) == (2, True)
    both = CliRunner().invoke(main, [*words, "--output", str(tmp_path)])
    assert (both.exit_code, "not both" in both.stderr) == (2, True)


def test_init__a_url_is_fetched_once_and_stands_in_the_dataset_file(
    home, tmp_path, memory, small_log, monkeypatch
):
    put(f"{memory}/orders/part-1.csv", small_log.read_bytes())
    put(f"{memory}/orders/part-2.csv", small_log.read_bytes())
    for url in (f"{memory}/orders/*-1.csv", f"{memory}/orders", f"{memory}/orders/part-1.csv"):
        out = tmp_path / "out" / url.rsplit("/", 1)[-1].strip("*")
        out.mkdir(parents=True)
        done = CliRunner().invoke(main, ["init", url, "--output", str(out)])
        (path,) = out.glob("*.toml")

        assert done.exit_code == 0
        assert DatasetSpec.load(path).source.path == url
        assert str(home) not in path.read_text() + done.stdout
    gone = CliRunner().invoke(main, ["init", f"{memory}/nowhere.csv"])
    assert (gone.exit_code, "there is nothing at memory://shop/nowhere.csv" in gone.stderr) == (2, True)


def test_prune__copies_that_no_run_has_read_for_long(home, memory):
    put(f"{memory}/a.csv", "1")
    put(f"{memory}/b.csv", "2")
    old, new = (remote_copies.copy_of(f"{memory}/{name}.csv", "reading") for name in "ab")
    long_ago = old.stat().st_mtime - 90 * 86_400
    os.utime(old.parents[2], (long_ago, long_ago))
    rows = prune(30, 1, dry_run=False)

    assert [(row["step"], row["kept"], row["removed"]) for row in rows] == [("remote files", 1, 1)]
    assert (old.exists(), new.exists()) == (False, True)
