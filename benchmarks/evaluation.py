"""Seconds and memory of an evaluation: top-K in both scenarios, metrics, slices, intervals, the choice.

``python -m benchmarks.evaluation [--json]`` runs each case in a process of its own:

retail
    six factor models on a hold-out of the size of Online Retail (4,300 users, 3,900 items);
large
    one factor model for 100,000 users x 27,000 items.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_contracts.evaluation import Evaluation
from data_contracts.holdout import Holdout
from data_contracts.interactions import Csr
from tasks.evaluation.model_selection import Criterion, choose
from tasks.numeric.ranking import recommend
from tasks.numeric.scenarios import TopLists, evaluate
from tasks.numeric.scorers import Factors

K = 10
KS = (5, 10)
SEED = 20111009


@dataclass(frozen=True)
class Case:
    """How large a benchmark is."""

    n_models: int
    n_users: int
    n_items: int
    n_factors: int
    items_per_user: int
    n_baskets: int


CASES = {
    "retail": Case(6, 4_300, 3_900, 128, 60, 3_200),
    "large": Case(1, 100_000, 27_000, 128, 60, 100_000),
}


def rows_of_items(rng: np.random.Generator, n_rows: int, mean_length: int, n_items: int) -> Csr:
    """Random sets of items, log-normal in length and Zipf in popularity."""
    wanted = np.minimum(rng.lognormal(np.log(mean_length), 0.8, n_rows).astype(np.int64) + 1, n_items // 4)
    owner = np.repeat(np.arange(n_rows), wanted)
    weights = 1.0 / np.arange(1, n_items + 1) ** 0.8
    drawn = np.searchsorted(np.cumsum(weights / weights.sum()), rng.random(len(owner)))
    pairs = np.unique(owner * n_items + np.minimum(drawn, n_items - 1))
    indptr = np.searchsorted(pairs, np.arange(n_rows + 1) * n_items)
    items = (pairs % n_items).astype(np.int32)
    return Csr(indptr.astype(np.int64), items, np.ones(len(items), dtype=np.float32), n_items)


def make_holdout(rng: np.random.Generator, case: Case) -> Holdout:
    """One row of truth per user, and baskets of which a tenth are anonymous."""
    truth = rows_of_items(rng, case.n_users, 15, case.n_items)
    baskets = rows_of_items(rng, case.n_baskets, 15, case.n_items)
    owner = rng.integers(0, case.n_users, case.n_baskets)
    owner[rng.random(case.n_baskets) < 0.1] = -1
    return Holdout(
        user_codes=np.arange(case.n_users, dtype=np.int32),
        indptr=truth.indptr,
        items=truth.indices,
        n_relevant=truth.lengths().astype(np.int32),
        basket_rows=owner.astype(np.int32),
        basket_indptr=baskets.indptr,
        basket_items=baskets.indices,
        n_items=case.n_items,
    )


def factors(rng: np.random.Generator, n_rows: int, case: Case) -> npt.NDArray[np.float32]:
    """Random factor rows."""
    return rng.normal(size=(n_rows, case.n_factors)).astype(np.float32)


def run(case: Case) -> dict[str, float]:
    """Time one case after a small one has compiled everything."""
    rng = np.random.default_rng(SEED)
    cpu = 0.0
    seen = rows_of_items(rng, case.n_users, case.items_per_user, case.n_items)
    holdout = make_holdout(rng, case)
    users = np.arange(case.n_users)
    seconds = {"top_k": 0.0, "evaluate": 0.0, "choose": 0.0}
    results: dict[str, Evaluation] = {}
    for number in range(case.n_models):
        model = Factors(factors(rng, case.n_users, case), factors(rng, case.n_items, case))
        start, cpu_start = time.perf_counter(), time.process_time()
        cold_start = np.arange(K, dtype=np.int32)
        repeat = TopLists(recommend(model, users, K)[0], cold_start)
        discovery = TopLists(recommend(model, users, K, exclude=seen)[0], cold_start)
        listed = time.perf_counter()
        results[f"model {number}"] = evaluate(repeat, discovery, holdout, seen, ks=KS, seed=SEED)
        seconds["top_k"] += listed - start
        seconds["evaluate"] += time.perf_counter() - listed
        cpu += time.process_time() - cpu_start
    start = time.perf_counter()
    names = list(results)
    choose(results, Criterion("precision@5", "repeat", SEED), baselines=names[:1], candidates=names[1:])
    seconds["choose"] = time.perf_counter() - start
    figures = {**seconds, "total": sum(seconds.values()), "cpu": cpu}
    return {part: round(value, 2) for part, value in figures.items()}


def measure(name: str) -> dict[str, float]:
    """Run one case in this process; memory is the most this process ever held."""
    run(Case(1, 50, 30, 4, 5, 20))
    figures = run(CASES[name])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {**figures, "peak_memory_gb": round(peak, 2)}


def main() -> None:
    """Print the figures of all cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--case", choices=sorted(CASES), help="run one case in this process")
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case)))
        return
    figures = {}
    for name in CASES:
        command = [sys.executable, "-m", "benchmarks.evaluation", "--case", name]
        figures[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if options.json:
        print(json.dumps(figures))
        return
    for name, values in figures.items():
        print(f"{name}: " + ", ".join(f"{part} {value}" for part, value in values.items()))


if __name__ == "__main__":
    main()
