"""A Dask cluster of processes on this machine against one process of as many threads.

WALS iterations on a synthetic log, by users in blocks; bytes of arrays that moved; lists for everybody; strong
scaling (the same blocks, more processes) and weak scaling (half of the blocks on one process). The runs of both
engines alternate; the figures are medians. ``--spark`` adds Spark's ALS on the same entries. ``--part tables`` times
ingestion, mapping and grouping of a log, ``--part past-memory`` a log that does not fit into the memory it is given. What a cluster of many machines takes is predicted in docs/cluster.md.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np

from benchmarks._cluster_spark import spark_als
from benchmarks._cluster_tables import past_memory, tables
from benchmarks._grouped_blocks import write_blocks
from benchmarks._synthetic import synthetic_matrix
from data_contracts.cluster_section import ClusterSection
from data_contracts.interactions import GroupedMatrix
from tasks.cluster import client, lists
from tasks.cluster import wals as cluster_wals
from tasks.cluster.arrays import load_array
from tasks.cluster.blocks import BlockFolder
from tasks.cluster.calls import Workers
from tasks.models import wals
from tasks.models._checkpoints import start
from tasks.models._wals_sweeps import half_step, solution
from tasks.numeric.ranking import recommend
from tasks.numeric.scorers import Factors
from tasks.numeric.wals_loss import objective
from tasks.numeric.wals_side import GivenWeights

K = 10


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    options = _parser().parse_args(arguments)
    parts = {"wals": _wals, "tables": tables, "past-memory": past_memory}
    report = {part: parts[part](options) for part in dict.fromkeys(options.part)}
    if options.json:
        print(json.dumps(report, indent=1))
        return
    for part, found in report.items():
        print(_table(found) if part == "wals" else json.dumps({part: found}, indent=1))


def _wals(options: argparse.Namespace) -> dict[str, Any]:
    rng = np.random.default_rng(options.seed)
    matrix = synthetic_matrix(options.users, options.items, options.events, rng)
    print(f"{matrix.n_users} users x {matrix.n_items} items, {matrix.nnz} entries", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder:
        report = compare(matrix, options, Path(folder))
        if options.spark:
            report["spark"] = spark_als(
                matrix,
                options.factors,
                options.iterations,
                options.processes,
                options.spark_python,
                Path(folder),
            )
            seconds = report["spark"].get("seconds_per_iteration")
            ours = report["cluster"]["2"]["seconds_per_iteration"]
            report["spark_over_cluster"] = seconds and seconds / ours
    return report


def compare(matrix: GroupedMatrix, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Figures of both engines."""
    config = wals.Config(
        n_factors=options.factors,
        iterations=options.iterations,
        unobserved_weight=options.unobserved_weight,
        regularization=options.regularization,
        weighting="binary",
    )
    y0 = start(matrix.by_user.shape, options.factors, options.iterations, np.random.default_rng(1), None)[2]
    csr, half = matrix.by_user.to_scipy(), matrix.n_users // 2
    whole = BlockFolder.open(write_blocks(folder / "whole", csr, options.blocks))
    less = BlockFolder.open(write_blocks(folder / "half", csr[:half], options.blocks // 2))
    one = _Local(matrix, config, options.processes)
    local = [one.run()]
    clusters: dict[str, dict[str, Any]] = {}
    for name, processes, blocks in (
        ("2", options.processes, whole),
        ("1", 1, whole),
        ("1 of half of the users", 1, less),
    ):
        (scratch := folder / f"scratch-{len(clusters)}").mkdir()
        section = ClusterSection(workers=processes, timeout_seconds=120)
        with client.workers(section, scratch) as workers:
            clusters[name] = _Cluster(workers, blocks, config, y0, scratch).figures(lists_too=name == "2")
        local.append(one.run())
    seconds = statistics.median(each for run in local for each in run["seconds"])
    of_items = matrix.n_items * options.factors * 4
    main_run = clusters["2"]
    return {
        "users": matrix.n_users,
        "items": matrix.n_items,
        "entries": matrix.nnz,
        "factors": options.factors,
        "blocks": options.blocks,
        "processes": options.processes,
        "local": {"seconds_per_iteration": seconds, "objective": one.objective(), **one.lists()},
        "cluster": clusters,
        "cluster_over_local": main_run["seconds_per_iteration"] / seconds,
        "objective_over_local": main_run["objective"] / one.objective() - 1,
        "bytes_over_items_factors_4_workers": main_run["bytes_per_iteration"]
        / (of_items * options.processes),
    }


class _Local:
    def __init__(self, matrix: GroupedMatrix, config: wals.Config, threads: int) -> None:
        self.matrix, self.config, self.threads = matrix, config, threads
        numba.set_num_threads(threads)
        self.users, self.items = wals.sides(matrix, config, GivenWeights())
        self.x, self.y = self._start()
        half_step(self.users, self.y, self.x.copy(), config)  # compiled, and read once

    def _start(self) -> tuple[np.ndarray, np.ndarray]:
        shape = self.matrix.by_user.shape
        config = self.config
        return start(shape, config.n_factors, config.iterations, np.random.default_rng(1), None)[1:]

    def run(self) -> dict[str, list[float]]:
        """Train from the start."""
        self.x, self.y = self._start()
        seconds = []
        for _ in range(self.config.iterations):
            began = time.perf_counter()
            half_step(self.users, self.y, self.x, self.config)
            half_step(self.items, self.x, self.y, self.config)
            seconds.append(time.perf_counter() - began)
        return {"seconds": seconds}

    def objective(self) -> float:
        x = solution(self.users, self.y, self.config)
        return objective(self.users, self.items, x, self.y).total

    def lists(self) -> dict[str, float]:
        """Seconds for everybody's lists, users solved for included."""
        began = time.perf_counter()
        scorer = Factors(solution(self.users, self.y, self.config), self.y)
        recommend(scorer, np.arange(self.matrix.n_users), K, exclude=self.matrix.by_user)
        return {"top_k_seconds": time.perf_counter() - began}


class _Cluster:
    def __init__(
        self, workers: Workers, blocks: BlockFolder, config: wals.Config, y0: np.ndarray, folder: Path
    ) -> None:
        self.workers, self.blocks, self.config, self.y0, self.folder = workers, blocks, config, y0, folder

    def figures(self, *, lists_too: bool) -> dict[str, Any]:
        """Train twice: the first time workers compile kernels and read their blocks."""
        fits = []
        for name, iterations in (("warm", 1), ("timed", self.config.iterations)):
            (checkpoints := self.folder / name).mkdir()
            config = self.config.model_copy(update={"iterations": iterations})
            fits.append(cluster_wals.fit(self.workers, self.blocks, config, checkpoints, start=self.y0))
        fit = fits[-1]
        found: dict[str, Any] = {
            "seconds_per_iteration": statistics.median(fit.seconds),
            "bytes_per_iteration": fit.traffic[-1].sent + fit.traffic[-1].received,
            "objective": fit.objective.total,
            "items_sha256": fit.items.sha256,
        }
        return found | (self._lists(fit) if lists_too else {})

    def _lists(self, fit: cluster_wals.Fit) -> dict[str, Any]:
        (parts := self.folder / "parts").mkdir()
        out = self.folder / "predictions.parquet"
        trained = lists.of_fit(fit)
        assert load_array(fit.items).shape == self.y0.shape
        began = time.perf_counter()
        made = lists.publishable(self.workers, self.blocks, trained, K, parts, out, exclude_seen=True)
        return {"published_seconds": time.perf_counter() - began, "rows": made.rows}


def _table(report: dict[str, Any]) -> str:
    lines = [
        "| engine | s / iteration | MB moved / iteration | objective |",
        "|---|---|---|---|",
        (
            f"| one process, {report['processes']} threads | {report['local']['seconds_per_iteration']:.2f} | - | "
            f"{report['local']['objective']:.0f} |"
        ),
    ]
    for name, row in report["cluster"].items():
        name = name.replace("2", str(report["processes"]), 1)
        lines.append(
            f"| cluster, processes: {name} | {row['seconds_per_iteration']:.2f} | {row['bytes_per_iteration'] / 1e6:.1f} | "
            f"{row['objective']:.0f} |"
        )
    lines.append(
        f"\ncluster / local {report['cluster_over_local']:.2f}; moved, in items x factors x 4 bytes x workers: "
        f"{report['bytes_over_items_factors_4_workers']:.2f}; lists of everybody, written and sorted: "
        f"{report['cluster']['2']['published_seconds']:.1f} s (lists alone on one machine: "
        f"{report['local']['top_k_seconds']:.1f} s)"
    )
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--part", nargs="+", choices=("wals", "tables", "past-memory"), default=["wals", "tables"]
    )
    parser.add_argument("--users", type=int, default=636_000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=5_200_000, help="drawn; repeated pairs are merged")
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--unobserved-weight", type=float, default=0.1)
    parser.add_argument("--regularization", type=float, default=0.003)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--spark", action="store_true", help="Spark's ALS, too")
    parser.add_argument("--spark-python", default=sys.executable, help="a Python that has pyspark")
    parser.add_argument("--log-events", type=int, default=10_000_000, help="of the part tables")
    parser.add_argument("--worker-gb", type=float, help="memory of each process in the part tables")
    parser.add_argument("--small-events", type=int, default=20_000_000, help="of the part past-memory")
    parser.add_argument("--large-events", type=int, default=200_000_000)
    parser.add_argument(
        "--limit-gb", type=float, default=4.0, help="of all processes together, in the part past-memory"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


if __name__ == "__main__":
    main()
