"""Workers make of a log what one machine makes of it; how many they are, and what becomes of them, changes no byte."""

import datetime as dt
import os
import signal
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("distributed")

import cluster_shop

from data_contracts.cluster_section import ClusterSection
from tasks.cluster import by_user, copies, parts
from tasks.cluster.blocks import BlockFolder, read_holdout, read_users
from tasks.cluster.client import workers
from tasks.cluster.holdout import hold_out_rows
from tasks.cluster.whole import whole_matrix, whole_users
from tasks.preparation.holdout import map_holdout
from tasks.preparation.splitting import windows

pytestmark = pytest.mark.cluster

AS_OF = dt.date(2024, 5, 1)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    with workers(ClusterSection(workers=2), tmp_path_factory.mktemp("two")) as found:
        yield found


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    cluster_shop.write_log(folder / "log")
    return folder


def made_by_both(folder, tmp_path, workers, sections):
    spec = cluster_shop.write_dataset(folder, sections)
    window = windows(spec, AS_OF, 0).train
    local, matrix = cluster_shop.on_one_machine(spec, folder / "log", window, tmp_path / "local")
    made = cluster_shop.on_workers(spec, folder / "log", window, tmp_path / "dask", workers)
    return local, matrix, made


def held_out_by_both(folder, tmp_path, workers, sections):
    """Held-out pairs of known users by id, and how many users nobody knows."""
    spec = cluster_shop.write_dataset(folder, sections)
    window = windows(spec, AS_OF, 0).holdout
    events, vocabulary = tmp_path / "local" / "ingested" / "events.parquet", tmp_path / "local" / "vocabulary"
    local = map_holdout(events, vocabulary, window, baskets=False, scratch=tmp_path)
    users = pq.read_table(vocabulary / "users.parquet").column(0).to_pylist()
    owners = np.repeat(local.user_codes, np.diff(local.indptr))
    theirs = sorted((users[user], item) for user, item in zip(owners, local.items, strict=True) if user >= 0)

    grouped = tmp_path / "dask" / "grouped"
    pairs, cold = hold_out_rows(tmp_path / "dask" / "by_user", 5, grouped, workers, window)
    mine, blocks = [], BlockFolder.open(grouped).manifest
    for block in blocks.blocks:
        rows, ids = read_holdout(grouped, block, blocks.n_items), read_users(grouped, block).to_pylist()
        mine += [(ids[user], item) for user in range(block.n_users) for item in rows.row(user)[0]]
    assert pairs == len(mine)
    return (sorted(mine), cold), (theirs, int((local.user_codes < 0).sum()))


SHOPS = {
    "count": "",
    "quantity": '[feedback]\nkind = "quantity"\n[grouping]\nhalf_life_days = 20',
    "rating": '[feedback]\nkind = "rating"\nthreshold = 1.5\n[grouping]\nmerge = "last"',
    "leave_last": '[window]\nsplit = "leave_last"\n[cleaning]\nanonymous = "keep"\nmax_events_per_user = 2',
    "clipped": '[cleaning]\nmax_events_quantile = 0.7\n[feedback]\nkind = "quantity"\nclip_quantile = 0.9',
    "duration": '[feedback]\nkind = "duration"\nclip_quantile = 0.99',
}


@pytest.mark.parametrize("sections", SHOPS.values(), ids=SHOPS)
def test_cluster__makes_what_one_machine_makes(log, tmp_path, two, sections):
    local, matrix, made = made_by_both(log, tmp_path, two, sections)
    vocabulary = tmp_path / "local" / "vocabulary"

    told = {name: value for name, value in local.profile.items() if name not in {"seconds", "warnings"}}
    assert {name: made.profile[name] for name in told} == told
    assert made.events.equals(local.events)
    order = [("source_file", "ascending"), ("row_number", "ascending")]
    assert made.quarantine.sort_by(order).equals(local.quarantine.sort_by(order))
    assert made.items.equals(local.items)
    assert made.counts == {name: local.counts[name] for name in ("events", "anonymous_events")}

    blocks = BlockFolder.open(made.folder).manifest
    whole, ids = whole_matrix(made.folder), whole_users(made.folder)
    local_ids = pq.read_table(vocabulary / "users.parquet").column(0)
    order = pa.compute.index_in(local_ids, value_set=ids).to_numpy()
    assert sorted(order) == list(range(matrix.n_users))
    mine, theirs = whole.by_user.to_scipy()[order], matrix.by_user.to_scipy()
    assert (mine != theirs).nnz == 0
    assert blocks.weight_sum == pytest.approx(float(theirs.sum(dtype=np.float64)), rel=1e-9)
    assert (made.folder / "items.parquet").read_bytes() == (vocabulary / "items.parquet").read_bytes()
    for part in ("indptr", "ages"):
        np.testing.assert_array_equal(getattr(whole.timeline, part), getattr(matrix.timeline, part))
    np.testing.assert_allclose(whole.timeline.counts, matrix.timeline.counts, rtol=1e-6)
    held_out, expected = held_out_by_both(log, tmp_path, two, sections)
    assert held_out == expected
    assert held_out[0]


def test_cluster__drops_the_copies_that_one_machine_drops(tmp_path, two, monkeypatch):
    monkeypatch.setattr(copies, "RANGE_ROWS", 1_000)
    log = cluster_shop.write_log(tmp_path / "log")
    lines = {path: path.read_text("utf-8").splitlines() for path in sorted(log.iterdir())}
    first, *_, last = lines
    # Of another file, of the same one, of one that is a copy itself, and of rows that are wrong in other ways, too.
    again = [*lines[first][1:9], lines[first][11], *lines[last][20:25], *lines[first][1:4]]
    last.write_text("\n".join([*lines[last], *again]) + "\n", encoding="utf-8")
    sections = '[cleaning]\ndrop_exact_duplicates = true\nanonymous = "keep"'
    local, _, made = made_by_both(tmp_path, tmp_path, two, sections)

    assert local.profile["rejected"]["exact_duplicate"] >= len(again)
    told = {name: value for name, value in local.profile.items() if name not in {"seconds", "warnings"}}
    assert {name: made.profile[name] for name in told} == told
    assert made.events.equals(local.events)
    order = [("source_file", "ascending"), ("row_number", "ascending")]
    assert made.quarantine.sort_by(order).equals(local.quarantine.sort_by(order))
    assert not (tmp_path / "dask" / "ingested" / copies.COPIES).exists()


@pytest.fixture
def parquet_log(tmp_path, log, monkeypatch):
    """The same rows in one file of many row groups, of which several are read together."""
    monkeypatch.setattr(parts, "PART_ROWS", 250)
    spec = cluster_shop.write_dataset(tmp_path)
    rows = [line for path in sorted((log / "log").iterdir()) for line in path.read_text().splitlines()[1:]]
    cells = [line.split(",") for line in rows if line.count(",") == 4]
    columns = zip(cluster_shop.HEADER.split(","), zip(*cells, strict=True), strict=True)
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns}), path, row_group_size=100)
    return spec, path


def test_cluster__makes_the_same_bytes_of_the_row_groups_of_a_file_with_one_two_and_four_workers(
    parquet_log, tmp_path, two
):
    spec, path = parquet_log
    window, ingested = windows(spec, AS_OF, 0).train, tmp_path / "2" / "ingested"
    made = cluster_shop.on_workers(spec, path, window, tmp_path / "2", two)
    with workers(ClusterSection(workers=1), tmp_path) as one:
        cluster_shop.on_workers(spec, path, window, tmp_path / "1", one)
    with workers(ClusterSection(workers=4), tmp_path) as four:
        cluster_shop.grouped_by(four, spec, ingested, made.profile, window, tmp_path / "4", 5)

    assert len(made.profile["parts"]) == 8
    local, _ = cluster_shop.on_one_machine(spec, path, window, tmp_path / "local")
    order = [("row_number", "ascending")]
    assert made.quarantine.sort_by(order).equals(local.quarantine.sort_by(order))
    assert cluster_shop.bytes_of(ingested) == cluster_shop.bytes_of(tmp_path / "1" / "ingested")
    found = [
        cluster_shop.bytes_of(*(tmp_path / n / part for part in ("by_user", "grouped")))
        for n in ("1", "2", "4")
    ]
    assert len(found[1]) > 30
    assert found[0] == found[1] == found[2]


def kill_all(pids, began, seconds=30.0):
    """Kill all workers once one of them has begun to write."""
    end = time.monotonic() + seconds
    while not list(began.glob(".tmp-attempt-*")) and time.monotonic() < end:
        time.sleep(0.001)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_divide_rows__leaves_the_same_bytes_where_workers_were_killed(log, tmp_path, two):
    spec = cluster_shop.write_dataset(log)
    profile = cluster_shop.ingested_by(two, spec, log / "log", tmp_path)
    events = [(tmp_path / "ingested" / "events" / each["name"], each["rows"]) for each in profile["parts"]]
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    for out in (undisturbed, disturbed):
        out.mkdir()
    by_user.divide_rows(events, 7, undisturbed, two)

    pids = list(two.client.run(os.getpid).values())
    killer = threading.Thread(target=kill_all, args=(pids, disturbed))
    killer.start()
    blocks = by_user.divide_rows(events, 7, disturbed, two)
    killer.join()

    assert not set(pids) & set(two.client.run(os.getpid).values())
    assert sum(block.rows for block in blocks) == profile["rows_accepted"]
    assert cluster_shop.bytes_of(disturbed).keys() == {
        f"disturbed/{name}.parquet" for name in by_user.names_of(7)
    }
    assert list(cluster_shop.bytes_of(disturbed).values()) == list(
        cluster_shop.bytes_of(undisturbed).values()
    )
