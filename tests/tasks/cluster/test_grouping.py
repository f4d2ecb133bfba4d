"""Workers make of a log what one machine makes of it; how many they are, and what becomes of them, changes no byte."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("distributed")

import cluster_shop

from data_contracts.cluster_section import ClusterSection
from data_contracts.errors import ContractError
from tasks.cluster.blocks import read_blocks, users_of, whole_matrix
from tasks.cluster.client import workers
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
    made = cluster_shop.on_workers(spec, folder / "log", window, tmp_path / "dask", workers, n_blocks=5)
    return local, matrix, made


SHOPS = {
    "count": "",
    "quantity": '[feedback]\nkind = "quantity"\n[grouping]\nhalf_life_days = 20',
    "rating": '[feedback]\nkind = "rating"\nthreshold = 1.5\n[grouping]\nmerge = "last"',
    "leave_last": '[window]\nsplit = "leave_last"\n[cleaning]\nanonymous = "keep"\nmax_events_per_user = 2',
}


@pytest.mark.parametrize("sections", SHOPS.values(), ids=SHOPS)
def test_cluster__makes_what_one_machine_makes(log, tmp_path, two, sections):
    local, matrix, made = made_by_both(log, tmp_path, two, sections)

    told = {name: value for name, value in local.profile.items() if name not in {"seconds", "warnings"}}
    assert {name: made.profile[name] for name in told} == told
    assert made.events.equals(local.events)
    order = [("source_file", "ascending"), ("row_number", "ascending")]
    assert made.quarantine.sort_by(order).equals(local.quarantine.sort_by(order))
    assert made.items.equals(local.items)
    assert made.counts == {name: local.counts[name] for name in ("events", "anonymous_events")}

    blocks = read_blocks(made.folder)
    whole = whole_matrix(made.folder)
    ids = users_of(made.folder, [block.name for block in blocks.blocks])
    local_ids = pq.read_table(tmp_path / "local" / "vocabulary" / "users.parquet").column(0)
    order = pa.compute.index_in(local_ids, value_set=ids.combine_chunks()).to_numpy()
    assert sorted(order) == list(range(matrix.n_users))
    mine, theirs = whole.by_user.to_scipy()[order], matrix.by_user.to_scipy()
    assert (mine != theirs).nnz == 0
    assert blocks.weight_sum == pytest.approx(float(theirs.sum(dtype=np.float64)), rel=1e-9)
    local_items = tmp_path / "local" / "vocabulary" / "items.parquet"
    assert (made.folder / "items.parquet").read_bytes() == local_items.read_bytes()
    for part in ("indptr", "ages"):
        np.testing.assert_array_equal(getattr(whole.timeline, part), getattr(matrix.timeline, part))
    np.testing.assert_allclose(whole.timeline.counts, matrix.timeline.counts, rtol=1e-6)
