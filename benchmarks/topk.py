"""Top-K against implicit: seconds for the same factors and the same seen items, in the same run.

Factors are those that WALS makes of a synthetic shop's log, as in real use: most items are too short to reach a
list, and are left out. With random factors, all of one length, nothing can be.

Runs alternate, ours, implicit, ours, ...; the figures are medians. implicit runs as its own warning
advises, with BLAS held to one thread beside its own threads.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from implicit.cpu.als import AlternatingLeastSquares

from benchmarks._shop_log import shop_matrix
from data_contracts.interactions import Csr, GroupedMatrix
from tasks.models import wals
from tasks.numeric.parallel import single_threaded_blas
from tasks.numeric.topk import top_k

Float32 = npt.NDArray[np.float32]
Lists = tuple[npt.NDArray[np.int32], Float32]


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    options = _parser().parse_args(arguments)
    numba.set_num_threads(options.threads)
    matrix = shop_matrix(options.events, options.users, options.items, options.seed)
    seen = matrix.by_user
    print(f"{matrix.n_users} users x {matrix.n_items} items, {seen.nnz} seen entries", file=sys.stderr)
    report = {
        "users": matrix.n_users,
        "items": matrix.n_items,
        "factors": options.factors,
        "k": options.k,
        "seen_entries": seen.nnz,
        "threads": options.threads,
        "trained_factors": _both(*_trained(matrix, options), seen, options),
        "random_factors": _both(*_random(matrix, options), seen, options),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        _show(report)


def _trained(matrix: GroupedMatrix, options: argparse.Namespace) -> tuple[Float32, Float32]:
    config = wals.Config(n_factors=options.factors, iterations=8)
    found = wals.fit(matrix, config, rng=np.random.default_rng(options.seed))
    return found.user_factors, found.item_factors


def _random(matrix: GroupedMatrix, options: argparse.Namespace) -> tuple[Float32, Float32]:
    rng = np.random.default_rng(options.seed)
    users, items = (rng.standard_normal((n, options.factors), dtype=np.float32) for n in matrix.by_user.shape)
    return users, items


def _both(
    users: Float32, items: Float32, seen: Csr, options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    return {
        "with_seen_filter": compare(users, items, seen, options),
        "without_filter": compare(users, items, None, options),
    }


def compare(
    users: Float32,
    items: Float32,
    exclude: Csr | None,
    options: argparse.Namespace,
) -> dict[str, float]:
    """Time both programs in turn and compare their lists."""
    with single_threaded_blas():
        peer = AlternatingLeastSquares(factors=options.factors, num_threads=options.threads)
    peer.user_factors, peer.item_factors = users, items
    rows = None if exclude is None else exclude.to_scipy()
    codes = np.arange(len(users))

    def ours() -> Lists:
        return top_k(users, items, options.k, exclude=exclude)

    def theirs() -> Lists:
        with single_threaded_blas():
            found: Any = peer.recommend(codes, rows, N=options.k, filter_already_liked_items=rows is not None)
        return found[0], found[1]

    top_k(users[:64], items, options.k, exclude=None)  # compiles
    timed = [(_timed(ours), _timed(theirs)) for _ in range(options.repeats)]
    (_, _, mine), (_, _, peers) = timed[-1]
    return {
        "ours_seconds": statistics.median(run[0][0] for run in timed),
        "implicit_seconds": statistics.median(run[1][0] for run in timed),
        "implicit_over_ours": statistics.median(run[1][0] / run[0][0] for run in timed),
        "ours_cpu_seconds": statistics.median(run[0][1] for run in timed),
        "implicit_cpu_seconds": statistics.median(run[1][1] for run in timed),
        "rows_with_identical_items": float((mine[0] == peers[0]).all(axis=1).mean()),
        "largest_score_difference": float(np.abs(mine[1] - peers[1]).max()),
        "rows_where_implicit_is_better": _better(users, items, peers[0], mine[1]),
    }


def _better(
    users: Float32,
    items: Float32,
    theirs: npt.NDArray[np.int32],
    our_scores: Float32,
) -> float:
    """Share of rows in which implicit's items, scored in float64 and sorted, beat ours at some rank."""
    pairs = zip(users.astype(np.float64), items[theirs].astype(np.float64), strict=True)
    exact = np.stack([best @ user for user, best in pairs]).astype(np.float32)
    return float((-np.sort(-exact) > our_scores).any(axis=1).mean())


def _timed(run: Callable[[], Lists]) -> tuple[float, float, Lists]:
    started, cpu = time.perf_counter(), time.process_time()
    lists = run()
    return time.perf_counter() - started, time.process_time() - cpu, lists


def _show(report: dict[str, Any]) -> None:
    print(f"{report['users']} users x {report['items']} items x {report['factors']} factors, k {report['k']}")
    rows = {
        f"{kind}, {name}": row
        for kind in ("trained", "random")
        for name, row in report[f"{kind}_factors"].items()
    }
    for name, row in rows.items():
        print(
            f"{name:26} ours {row['ours_seconds']:.2f} s  implicit {row['implicit_seconds']:.2f} s  "
            f"ratio {row['implicit_over_ours']:.2f}  identical lists {row['rows_with_identical_items']:.2%}"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.topk", description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=27_000)
    parser.add_argument("--events", type=int, default=1_600_000, help="seen events drawn")
    parser.add_argument("--factors", type=int, default=128)
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=numba.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


if __name__ == "__main__":
    main()
