import argparse
import sys

import numpy as np
import pytest

pytest.importorskip("distributed")

from benchmarks import _cluster_spark, _cluster_tables, _partitioned_log
from benchmarks._synthetic import synthetic_matrix

pytestmark = pytest.mark.cluster


def test_partitioned_log__has_its_events_and_ids_that_differ(tmp_path, monkeypatch):
    monkeypatch.setattr(_partitioned_log, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(_partitioned_log, "EVENTS_A_FILE", 400)
    folder = _partitioned_log.partitioned_log(1_000, 50)
    assert len(list(folder.iterdir())) == 3
    codes = np.arange(100_000)
    assert len(_partitioned_log._ids("c", codes, 6).unique()) == len(codes)


def test_past_memory__reports_both_sizes(tmp_path, monkeypatch):
    for module in (_partitioned_log, _cluster_tables):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    sizes = {"items": 40, "processes": 1, "small_events": 4_000, "large_events": 8_000, "limit_gb": 4.0}
    found = _cluster_tables.past_memory(argparse.Namespace(**sizes))
    assert found["within_limit"]
    assert found["sizes"]["8000"]["pairs"] > found["sizes"]["4000"]["pairs"] > 1_000
    assert len(found["sizes"]["8000"]["seconds_of_iterations"]) == 2
    assert not list(tmp_path.glob("past-memory-*"))


def test_spark_als__says_that_there_is_none(tmp_path):
    matrix = synthetic_matrix(20, 10, 100, np.random.default_rng(0))
    found = _cluster_spark.spark_als(matrix, 4, 2, 1, sys.executable, tmp_path)
    assert "has no pyspark" in found["absent"]
