"""BPR against implicit: samples a second, on the same matrix in the same run.

A sample is one (user, positive, negative) step. Both draw as many samples in a pass as the matrix has
entries. Runs alternate, ours, implicit, ours, ...; the figures are medians. Ours runs twice: as shipped,
where the result is the same on any number of threads, and with ``deterministic=False``; implicit's result
depends on how its threads meet.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from implicit.cpu.bpr import BayesianPersonalizedRanking

from benchmarks._synthetic import synthetic_matrix
from data_contracts.interactions import GroupedMatrix
from tasks.models import bpr
from tasks.numeric.parallel import single_threaded_blas


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    options = _parser().parse_args(arguments)
    numba.set_num_threads(options.threads)
    rng = np.random.default_rng(options.seed)
    matrix = synthetic_matrix(options.users, options.items, options.events, rng)
    print(f"{matrix.n_users} users x {matrix.n_items} items, {matrix.nnz} entries", file=sys.stderr)
    report = {
        "users": matrix.n_users,
        "items": matrix.n_items,
        "entries": matrix.nnz,
        "epochs": options.epochs,
        "threads": options.threads,
        "results": [compare(matrix, n_factors, options) for n_factors in options.factors],
    }
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        _show(report)


def compare(matrix: GroupedMatrix, n_factors: int, options: argparse.Namespace) -> dict[str, float]:
    """Train all three in turn; samples per second of each and the ratios of the same round."""
    rows = matrix.by_user.to_scipy()

    def ours(deterministic: bool, epochs: int) -> None:
        config = bpr.Config(n_factors=n_factors, epochs=epochs, deterministic=deterministic)
        bpr.fit(matrix, config, rng=np.random.default_rng(options.seed))

    def theirs(epochs: int) -> None:
        peer = BayesianPersonalizedRanking(
            factors=n_factors,
            iterations=epochs,
            num_threads=options.threads,
            random_state=options.seed,
        )
        with single_threaded_blas():
            peer.fit(rows, show_progress=False)

    def rate(train: Callable[[int], None]) -> float:
        # The difference of two lengths leaves out what is done once, such as the first factors.
        short, long = _seconds(lambda: train(1)), _seconds(lambda: train(1 + options.epochs))
        return matrix.nnz * float(options.epochs) / (long - short)

    ours(True, 1)  # compiles
    rounds = [
        (rate(lambda n: ours(True, n)), rate(theirs), rate(lambda n: ours(False, n)))
        for _ in range(options.repeats)
    ]
    return {
        "n_factors": n_factors,
        "ours_samples_per_second": statistics.median(run[0] for run in rounds),
        "ours_not_deterministic": statistics.median(run[2] for run in rounds),
        "implicit_samples_per_second": statistics.median(run[1] for run in rounds),
        "ours_over_implicit": statistics.median(run[0] / run[1] for run in rounds),
        "not_deterministic_over_implicit": statistics.median(run[2] / run[1] for run in rounds),
    }


def _seconds(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _show(report: dict[str, Any]) -> None:
    for row in report["results"]:
        print(
            f"{row['n_factors']} factors: ours {row['ours_samples_per_second'] / 1e6:.2f} M samples/s "
            f"(not deterministic {row['ours_not_deterministic'] / 1e6:.2f}), implicit "
            f"{row['implicit_samples_per_second'] / 1e6:.2f}; ratio {row['ours_over_implicit']:.2f}"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bpr", description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--factors", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--epochs", type=int, default=4, help="timed passes per run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=numba.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


if __name__ == "__main__":
    main()
