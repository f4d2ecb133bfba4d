"""A step that loses its scheduler is tried again by Prefect, and goes on from its checkpoint."""

import numpy as np
import pytest

pytest.importorskip("distributed")

import dask
import dask_processes
import dying_wals
from grouped_blocks import write_blocks
from scipy.sparse import csr_matrix

from data_contracts.cluster_section import ClusterSection
from tasks.cluster import checkpoints, wals_tasks
from tasks.cluster import wals as cluster_wals
from tasks.cluster.model_task import CHECKPOINTS, score_on_cluster
from tasks.models import wals
from tasks.runtime import store

pytestmark = pytest.mark.cluster

CONFIG = wals.Config(
    n_factors=4, iterations=4, unobserved_weight=0.1, regularization=0.01, weighting="binary"
)


def test_score_on_cluster__goes_on_from_its_checkpoint_when_prefect_tries_again(
    prefect_server, home, tmp_path, monkeypatch
):
    rng = np.random.default_rng(5)
    there = csr_matrix(rng.random((80, 20)) < 0.3, dtype=np.float32)
    later = csr_matrix(rng.random((80, 20)) < 0.1, dtype=np.float32)

    def write(folder):
        write_blocks(folder, there, 2, later)
        return {}

    grouped = store.obtain("blocks", {}, "", write)
    monkeypatch.setattr(wals_tasks, "item_product", dying_wals.item_product)
    iterations = []

    def keep(folder, key, iteration, y):
        iterations.append(iteration)
        return checkpoints.keep(folder, key, iteration, y)

    monkeypatch.setattr(cluster_wals, "keep", keep)
    port, beside = dask_processes.free_port(), grouped.folder.parent
    section = ClusterSection(scheduler=f"tcp://127.0.0.1:{port}", timeout_seconds=30)
    quick = {"distributed.comm.timeouts.connect": "2s"}
    with dask_processes.restarted(tmp_path, port, beside / "died") as first, dask.config.set(quick):
        (beside / "victim").write_text(str(first.pid))
        made = score_on_cluster(grouped, "wals", "wals", CONFIG, (5,), 0, section, exclude_seen=False)
    assert iterations == [0, 1, 2, 3, 4]
    assert made.facts["users"] == np.count_nonzero(np.diff(later.indptr))
    assert list((home / CHECKPOINTS).iterdir()) == []
