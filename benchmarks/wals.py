"""WALS against implicit: seconds per iteration and the objective, on the same matrix in the same run.

Both programs minimise the same objective from the same first factors. With unobserved weight w0 and a
binary matrix, ours weighs an observed entry 1 + w0 and any other w0; implicit weighs them
(1 + w0) / w0 and 1, which is the same after dividing its flat regularization by w0, too.
Iterations alternate, ours, implicit, ours, ...; the figures are medians over them.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numba
import numpy as np
import numpy.typing as npt
from implicit.cpu.als import AlternatingLeastSquares

from benchmarks._synthetic import synthetic_matrix
from data_contracts.interactions import GroupedMatrix
from tasks.models import wals
from tasks.models._wals_sweeps import half_step
from tasks.numeric.parallel import single_threaded_blas
from tasks.numeric.wals_loss import objective
from tasks.numeric.wals_side import GivenWeights, Side

Float32 = npt.NDArray[np.float32]
SOLVERS = ("cg", "cholesky", "subspace")


@dataclass
class Program:
    """One contestant: its own factors, its two half steps, and the seconds they took."""

    user_half: Callable[[Float32, Float32], None]
    """Called with (user_factors, item_factors); changes the former."""
    item_half: Callable[[Float32, Float32], None]
    """Called with (user_factors, item_factors); changes the latter."""
    user_factors: Float32
    item_factors: Float32
    seconds: list[tuple[float, float]] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def iterate(self) -> None:
        """Run and time one iteration."""
        started, cpu = time.perf_counter(), time.process_time()
        self.user_half(self.user_factors, self.item_factors)
        middle = time.perf_counter()
        self.item_half(self.user_factors, self.item_factors)
        self.seconds.append((middle - started, time.perf_counter() - middle))
        self.cpu_seconds.append(time.process_time() - cpu)

    def figures(self, users: Side, items: Side) -> dict[str, float]:
        """Median seconds and the objective reached."""
        user, item = zip(*self.seconds, strict=True)
        return {
            "seconds_per_iteration": statistics.median(map(sum, self.seconds)),
            "user_half": statistics.median(user),
            "item_half": statistics.median(item),
            "cpu_seconds": statistics.median(self.cpu_seconds),
            "objective": objective(users, items, self.user_factors, self.item_factors).total,
        }


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    options = _parser().parse_args(arguments)
    numba.set_num_threads(options.threads)
    matrix = synthetic_matrix(
        options.users, options.items, options.events, np.random.default_rng(options.seed)
    )
    print(f"{matrix.n_users} users x {matrix.n_items} items, {matrix.nnz} entries", file=sys.stderr)
    results = [compare(matrix, n_factors, options) for n_factors in options.factors]
    report = {
        "users": matrix.n_users,
        "items": matrix.n_items,
        "entries": matrix.nnz,
        "iterations": options.iterations,
        "threads": options.threads,
        "unobserved_weight": options.unobserved_weight,
        "regularization": options.regularization,
        "results": results,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        _print(report)


def compare(matrix: GroupedMatrix, n_factors: int, options: argparse.Namespace) -> dict[str, object]:
    """Figures of every program at one number of factors."""
    configs = {
        solver: wals.Config(
            n_factors=n_factors,
            weighting="binary",
            solver=solver,
            cg_steps=options.cg_steps,
            unobserved_weight=options.unobserved_weight,
            regularization=options.regularization,
            regularization_exponent=0.0,
        )
        for solver in options.solver
    }
    users, items = wals.sides(matrix, configs[options.solver[0]], GivenWeights())
    rng = np.random.default_rng(options.seed)
    # implicit's own start: small positive numbers.
    start = [rng.random((n, n_factors), dtype=np.float32) * np.float32(0.01) for n in users.rows.shape]
    _compile(list(configs.values()))
    programs = {name: _ours(users, items, config, start) for name, config in configs.items()}
    programs["implicit"] = _implicit(matrix, n_factors, options, start)
    with single_threaded_blas():
        for _ in range(options.iterations):
            for program in programs.values():
                program.iterate()
    figures = {name: program.figures(users, items) for name, program in programs.items()}
    ours, peer = figures.pop(options.solver[0]), figures.pop("implicit")
    return {
        "n_factors": n_factors,
        "ours": ours,
        "implicit": peer,
        "ratio": peer["seconds_per_iteration"] / ours["seconds_per_iteration"],
        "other_solvers": figures,
    }


def _ours(users: Side, items: Side, config: wals.Config, start: list[Float32]) -> Program:
    return Program(
        lambda x, y: half_step(users, y, x, config),
        lambda x, y: half_step(items, x, y, config),
        start[0].copy(),
        start[1].copy(),
    )


def _implicit(
    matrix: GroupedMatrix, n_factors: int, options: argparse.Namespace, start: list[Float32]
) -> Program:
    weight = options.unobserved_weight
    with single_threaded_blas():
        model = AlternatingLeastSquares(factors=n_factors, num_threads=options.threads)
    solve = model.solver
    by_user, by_item = (
        view.to_scipy() * ((1 + weight) / weight) for view in (matrix.by_user, matrix.by_item)
    )
    flat = options.regularization / weight
    return Program(
        lambda x, y: solve(by_user, x, y, flat, num_threads=options.threads),
        lambda x, y: solve(by_item, y, x, flat, num_threads=options.threads),
        start[0].copy(),
        start[1].copy(),
    )


def _compile(configs: list[wals.Config]) -> None:
    """Compile every kernel on a small matrix, so that no timing holds it."""
    small = synthetic_matrix(50, 40, 300, np.random.default_rng(0))
    for config in configs:
        wals.fit(small, config.model_copy(update={"iterations": 1}), rng=np.random.default_rng(0))


def _print(report: dict[str, object]) -> None:
    results = report["results"]
    assert isinstance(results, list)
    print(
        "| factors | program | s / iteration | user half | item half | CPU s | objective | implicit / this |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for result in results:
        peer = result["implicit"]
        rows = {"ours": result["ours"], **result["other_solvers"], "implicit": peer}
        for name, row in rows.items():
            print(
                f"| {result['n_factors']} | {name} | {row['seconds_per_iteration']:.2f} | "
                f"{row['user_half']:.2f} | {row['item_half']:.2f} | {row['cpu_seconds']:.2f} | {row['objective']:.0f} | "
                f"{peer['seconds_per_iteration'] / row['seconds_per_iteration']:.2f} |"
            )
    print(f"\nPeak memory of the whole run: {report['peak_memory_mb']:.0f} MB")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wals", description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=138_000)
    parser.add_argument("--items", type=int, default=27_000)
    parser.add_argument("--events", type=int, default=11_000_000, help="drawn; repeated pairs are merged")
    parser.add_argument("--factors", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--threads", type=int, default=numba.get_num_threads())
    parser.add_argument("--solver", nargs="+", choices=SOLVERS, default=["cg"], help="the first is `ours`")
    parser.add_argument("--cg-steps", type=int, default=2, help="ours; implicit takes 3")
    parser.add_argument("--unobserved-weight", type=float, default=0.1)
    parser.add_argument("--regularization", type=float, default=0.1, help="flat, in our objective")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


if __name__ == "__main__":
    main()
