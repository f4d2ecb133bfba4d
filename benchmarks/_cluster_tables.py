"""Ingestion, mapping and grouping on workers, against one machine and past its memory."""

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

from benchmarks._children import empty_folder, measure
from benchmarks._event_log import DATASET, cache_folder
from benchmarks._partitioned_log import partitioned_log
from benchmarks._tree_memory import TreeMemory
from data_contracts.cluster_section import ClusterSection
from data_contracts.dataset import DatasetSpec
from data_contracts.selection import Selection
from tasks.cluster import client
from tasks.cluster import wals as cluster_wals
from tasks.cluster.blocks import BlockFolder
from tasks.cluster.by_user import blocks_for, divide_rows
from tasks.cluster.calls import Workers
from tasks.cluster.grouping import Rules, group_rows
from tasks.cluster.ingesting import PARTS, ingest_parts
from tasks.models import wals

OF_THE_DRIVER = 0.25
"""Share of a limit of memory that is left to this process, the scheduler and their like."""


def tables(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a log on one machine, and on workers by their number."""
    log = partitioned_log(options.log_events, options.items)
    found: dict[str, Any] = {"events": options.log_events, "items": options.items}
    with _folder("tables-local") as folder:
        found["local"] = measure("-m", "benchmarks._tables", "raw", str(log), str(folder))
    for processes in sorted({1, options.processes}):
        with _folder("tables-cluster") as folder:
            section = ClusterSection(workers=processes, timeout_seconds=120, memory_gb=options.worker_gb)
            found[str(processes)] = made_by(section, log, folder)
    alone, both = found["local"], found[str(options.processes)]
    found["cluster_over_local"] = both["seconds"] / alone["seconds"]
    found["pairs_equal"] = both["pairs"] == alone["pairs"]
    found["scaling"] = found["1"]["seconds"] / both["seconds"]
    return found


def past_memory(options: argparse.Namespace) -> dict[str, Any]:
    """A log through all steps and two iterations within a limit of memory, and a small one beside it."""
    sizes = {}
    per_worker = options.limit_gb * (1 - OF_THE_DRIVER) / options.processes
    section = ClusterSection(workers=options.processes, timeout_seconds=120, memory_gb=per_worker)
    for events in sorted({options.small_events, options.large_events}):
        log = partitioned_log(events, options.items)
        with _folder("past-memory") as folder:
            sizes[str(events)] = made_by(section, log, folder, train=True)
    small, large = (sizes[str(each)] for each in (options.small_events, options.large_events))
    return {
        "limit_gb": options.limit_gb,
        "memory_gb_of_a_worker": per_worker,
        "sizes": sizes,
        "within_limit": large["peak_memory_mb"] <= options.limit_gb * 1024,
        "per_event_over_small": large["microseconds_per_event"] / small["microseconds_per_event"],
    }


def made_by(section: ClusterSection, log: Path, folder: Path, *, train: bool = False) -> dict[str, Any]:
    """Seconds of each step; the start of the workers is one of them."""
    (folder / "benchmark.toml").write_text(DATASET, "utf-8")
    spec = DatasetSpec.load(str(folder / "benchmark.toml"))
    out = {name: folder / name for name in ("ingested", "by_user", "grouped", "scratch", "checkpoints")}
    for each in out.values():
        each.mkdir()
    marks = [("", time.perf_counter())]

    def ended(name: str) -> None:
        marks.append((name, time.perf_counter()))

    with TreeMemory() as memory, client.workers(section, folder, out["scratch"]) as workers:
        ended("start")
        profile = ingest_parts(spec, log, out["ingested"], workers, scratch=out["scratch"])
        ended("ingestion")
        n_blocks = blocks_for(profile["rows_accepted"])
        parts = [(out["ingested"] / PARTS / each["name"], each["rows"]) for each in profile["parts"]]
        divide_rows(parts, n_blocks, out["by_user"], workers)
        ended("dividing")
        rules = Rules(Selection(), spec.feedback, spec.grouping)
        blocks, _, _ = group_rows(out["by_user"], n_blocks, out["grouped"], workers, rules=rules)
        ended("grouping")
        iterations = _trained(workers, out["grouped"], out["checkpoints"]) if train else []
        ended("training")
    steps = {name: end - marks[at][1] for at, (name, end) in enumerate(marks[1:])}
    of_log = sum(steps[name] for name in ("ingestion", "dividing", "grouping"))
    found = {"seconds": of_log, "steps": steps, "peak_memory_mb": memory.peak_mb, "pairs": blocks.nnz}
    if not train:
        return found
    per_event = (of_log + sum(iterations)) / profile["rows_read"] * 1e6
    return {**found, "seconds_of_iterations": iterations, "microseconds_per_event": per_event}


def _trained(workers: Workers, grouped: Path, checkpoints: Path) -> list[float]:
    config = wals.Config(
        n_factors=32, iterations=2, unobserved_weight=0.1, regularization=0.003, weighting="binary"
    )
    return list(cluster_wals.fit(workers, BlockFolder.open(grouped), config, checkpoints).seconds)


class _folder:  # noqa: N801 - read as a function
    """A new folder below the cache, removed at the end: a log past memory does not fit where /tmp is memory."""

    def __init__(self, name: str) -> None:
        self.path = empty_folder(cache_folder(), name)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
