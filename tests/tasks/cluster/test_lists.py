"""Scores and lists made where users are, against the same of one machine."""

from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

pytest.importorskip("distributed")

from grouped_blocks import write_blocks
from scipy.sparse import csr_matrix

from data_contracts.cluster_section import ClusterSection
from data_contracts.errors import ContractError
from data_contracts.holdout import Holdout
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import GroupedMatrix
from data_contracts.predictions import PREDICTIONS_SCHEMA
from tasks import models
from tasks.cluster import client, lists, wals
from tasks.cluster.arrays import load_array
from tasks.cluster.blocks import BlockFolder, read_users
from tasks.models import wals as local_wals
from tasks.numeric.metrics import score_lists
from tasks.numeric.ranking import recommend
from tasks.numeric.scorers import Factors

pytestmark = pytest.mark.cluster

CONFIG = local_wals.Config(
    n_factors=8, iterations=3, unobserved_weight=0.1, regularization=0.01, weighting="binary"
)
K = 5
KINDS = ("popularity", "personal_frequency", "wals")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    rng = np.random.default_rng(11)
    scores = rng.normal(size=(90, 3)) @ rng.normal(size=(3, 40)) + rng.normal(size=(90, 40))
    csr = csr_matrix(scores > 1.5, dtype=np.float32)
    csr.data = rng.integers(1, 4, csr.nnz).astype(np.float32)
    truth = csr_matrix((scores > 1.0) & (rng.random(scores.shape) < 0.1), dtype=np.float32)
    folder = write_blocks(tmp_path_factory.mktemp("shop") / "blocks", csr, 3, truth)
    return SimpleNamespace(
        blocks=BlockFolder.open(folder), matrix=GroupedMatrix.from_csr(csr), truth=truth, folder=folder
    )


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    with client.workers(ClusterSection(workers=2), tmp_path_factory.mktemp("shared")) as found:
        yield found


@pytest.fixture(scope="module")
def trained(shop, workers, tmp_path_factory):
    """Models by kind, of the cluster and of one machine."""
    folder = tmp_path_factory.mktemp("trained")
    fit = wals.fit(workers, shop.blocks, CONFIG, folder)
    y = load_array(fit.items)
    found = {"wals": (lists.of_fit(fit), Factors(local_wals.fold_in_users(shop.matrix, y, CONFIG), y))}
    for kind in ("popularity", "personal_frequency"):
        module = models.load(kind)
        local = module.fit(shop.matrix, module.Config(), rng=np.random.default_rng(0))
        found[kind] = (lists.count(workers, shop.blocks, kind, folder), local)
    return found


def _holdout(truth):
    lengths = np.diff(truth.indptr)
    codes = np.flatnonzero(lengths).astype(np.int32)
    nothing = np.empty(0, np.int32)
    indptr = np.r_[0, np.cumsum(lengths[codes])].astype(np.int64)
    items = truth.indices.astype(np.int32)
    sizes = lengths[codes].astype(np.int32)
    return Holdout(codes, indptr, items, sizes, nothing, np.zeros(1, np.int64), nothing, truth.shape[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exclude_seen", [False, True])
def test_evaluate__gives_the_values_of_one_machine(kind, exclude_seen, shop, workers, trained, tmp_path):
    mine, local = trained[kind]
    found = lists.evaluate(workers, shop.blocks, mine, [1, K], tmp_path, exclude_seen=exclude_seen)
    truth = _holdout(shop.truth)
    rows, _ = recommend(local, truth.user_codes, K, exclude=shop.matrix.by_user if exclude_seen else None)
    expected = score_lists(rows, np.full(K, -1, np.int32), truth, [1, K]).users
    assert found.users == truth.n_rows
    assert sorted(found.means) == sorted(
        f"{base}@{k}" for base in ("precision", "recall", "ndcg") for k in (1, K)
    )
    for name, values in found.per_user().items():
        assert np.array_equal(values, expected[name]), name
        assert found.means[name] == pytest.approx(expected[name].mean(dtype=np.float64))


@pytest.mark.parametrize("kind", KINDS)
def test_publishable__writes_the_lists_of_one_machine(kind, shop, workers, trained, tmp_path):
    mine, local = trained[kind]
    allow = np.ones(shop.matrix.n_items, np.bool_)
    allow[3] = False
    out = tmp_path / "predictions.parquet"
    (parts := tmp_path / "parts").mkdir()
    made = lists.publishable(workers, shop.blocks, mine, K, parts, out, exclude_seen=True, allow=allow)
    table = pq.read_table(out)
    assert table.schema.equals(PREDICTIONS_SCHEMA)
    rows = table.to_pylist()
    assert [(row["user_id"], row["rank"]) for row in rows] == sorted(
        (row["user_id"], row["rank"]) for row in rows
    )
    assert len(rows) == made.rows
    assert made.users == shop.matrix.n_users
    users = [each for block in shop.blocks.blocks for each in read_users(shop.folder, block).to_pylist()]
    items, codes = Vocabulary.load(shop.folder / "items.parquet"), np.arange(len(users))
    expected, scores = recommend(local, codes, K, exclude=shop.matrix.by_user, allow=allow)
    assert made.short == (expected[:, -1] < 0).sum()
    wanted = {
        (users[row], place + 1): (items.ids_of([expected[row, place]])[0], scores[row, place], kind)
        for row, place in zip(*np.nonzero(expected >= 0), strict=True)
    }
    found = {(row["user_id"], row["rank"]): (row["item_id"], row["score"], row["model"]) for row in rows}
    assert found.keys() == wanted.keys()
    for key, (item, score, name) in wanted.items():
        assert (found[key][0], found[key][2]) == (item, name)
        assert found[key][1] == pytest.approx(score, rel=1e-5)


def test_publishable__leaves_nothing_where_a_part_is_damaged(shop, workers, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "sha256_of", lambda path: "other")
    with pytest.raises(lists.DamagedError, match="is not what its worker wrote"):
        lists.publishable(
            workers,
            shop.blocks,
            trained["popularity"][0],
            K,
            tmp_path,
            tmp_path / "out.parquet",
            exclude_seen=True,
        )
    assert not (tmp_path / "out.parquet").exists()


def test_block_folder__names_what_is_wrong(tmp_path, shop):
    with pytest.raises(ContractError, match=r"blocks\.json cannot be read"):
        BlockFolder.open(tmp_path)
    text = (
        (shop.folder / "blocks.json")
        .read_text()
        .replace(f'"n_users": {shop.matrix.n_users}', '"n_users": 7', 1)
    )
    (tmp_path / "blocks.json").write_text(text)
    with pytest.raises(ContractError, match=r"is no list of grouped blocks: .*90 users"):
        BlockFolder.open(tmp_path)
