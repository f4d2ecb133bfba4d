"""How cost grows with the log: seconds and memory per event from 1 M events on, doubling.

Each size runs in a process of its own: mapping and grouping, one WALS iteration, top-K for all users.
Users grow with the events (so the rows keep their length), items stay. It stops after the size that
would go over the limit of time or memory.
"""

import argparse
import json
import shutil
import sys
import time
from typing import Any

import numpy as np

from benchmarks._children import empty_folder, measure, own_peak_mb
from benchmarks._event_log import cache_folder, event_log, event_table
from benchmarks._synthetic import synthetic_matrix
from benchmarks._tables import group_events, map_events
from data_contracts.interactions import Csr, GroupedMatrix
from tasks.models import wals
from tasks.models._wals_sweeps import half_step
from tasks.numeric.parallel import single_threaded_blas
from tasks.numeric.topk import top_k
from tasks.numeric.wals_side import GivenWeights
from tasks.preparation.grouping import open_grouped

STAGES = ("tables", "wals", "top_k")
BLOCK = 20_000
"""Users whose lists are made at once."""


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    options = _parser().parse_args(arguments)
    if options.one:
        print(json.dumps(one_size(options.one, options)))
        return
    sizes, began = [], time.perf_counter()
    size = options.first
    while size <= options.last:
        started = time.perf_counter()
        sizes.append(_measured(size, options))
        print(f"{size} events: {time.perf_counter() - started:.0f} s", file=sys.stderr)
        # The next size takes about twice as much of both.
        ends = time.perf_counter() - began + 2 * (time.perf_counter() - started)
        if ends > 60 * options.minutes or 2 * sizes[-1]["peak_memory_mb"] > 1024 * options.gigabytes:
            break
        size *= 2
    report = {
        "items": options.items,
        "events_per_user": options.events_per_user,
        "factors": options.factors,
        "sizes": sizes,
        "growth": growth(sizes),
    }
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        _show(report)


def one_size(n_events: int, options: argparse.Namespace) -> dict[str, float]:
    """Seconds of each stage at one size, and the memory that this process had held when it ended."""
    folder = empty_folder(cache_folder(), "scale")
    try:
        events = event_table(n_events, n_events // options.events_per_user, options.items, folder)
        before = _warm_up(options)
        began = time.perf_counter()
        map_events(events, folder)
        facts = group_events(events, folder)
        grouped = time.perf_counter()
        found = {"events": float(facts["events"]), "tables_seconds": grouped - began}
        found["tables_mb"] = own_peak_mb() - before
        matrix = open_grouped(folder, facts)
        factors = [
            np.random.default_rng(0).standard_normal((n, options.factors), dtype=np.float32)
            for n in (matrix.n_users, matrix.n_items)
        ]
        found["wals_seconds"] = _iterate(matrix, factors[0], factors[1], options)
        found["wals_mb"] = own_peak_mb() - before
        found["top_k_seconds"] = _recommend(matrix, factors[0], factors[1])
        found["top_k_mb"] = own_peak_mb() - before
        return found
    finally:
        shutil.rmtree(folder)


def growth(sizes: list[dict[str, float]]) -> dict[str, float]:
    """Cost per event at the largest size over that at the smallest, for each figure."""
    first, last = sizes[0], sizes[-1]
    figures = [f"{stage}_{unit}" for stage in STAGES for unit in ("seconds", "mb")]
    return {
        name: (last[name] / last["events"]) / (first[name] / first["events"])
        for name in figures
        if first[name] > 0
    }


def _measured(size: int, options: argparse.Namespace) -> dict[str, float]:
    event_log(size, size // options.events_per_user, options.items)  # not part of any figure
    given = [("--items", options.items), ("--factors", options.factors)]
    given += [("--events-per-user", options.events_per_user), ("--one", size)]
    return measure("-m", "benchmarks.scale", *(str(each) for pair in given for each in pair))


def _warm_up(options: argparse.Namespace) -> float:
    """Load or compile every kernel on a small log; returns the memory held after that."""
    folder = empty_folder(cache_folder(), "small")
    try:
        events = event_table(1_000, 50, 40, folder)
        map_events(events, folder)
        group_events(events, folder)
    finally:
        shutil.rmtree(folder)
    small = synthetic_matrix(50, 40, 300, np.random.default_rng(0))
    factors = [np.ones((n, options.factors), np.float32) for n in (small.n_users, small.n_items)]
    _iterate(small, factors[0], factors[1], options)
    _recommend(small, factors[0], factors[1])
    return own_peak_mb()


def _iterate(
    matrix: GroupedMatrix, users: np.ndarray, items: np.ndarray, options: argparse.Namespace
) -> float:
    config = wals.Config(n_factors=options.factors, unobserved_weight=0.3)
    began = time.perf_counter()
    sides = wals.sides(matrix, config, GivenWeights())
    with single_threaded_blas():
        half_step(sides[0], items, users, config)
        half_step(sides[1], users, items, config)
    return time.perf_counter() - began


def _recommend(matrix: GroupedMatrix, users: np.ndarray, items: np.ndarray) -> float:
    began = time.perf_counter()
    for start in range(0, matrix.n_users, BLOCK):
        top_k(users[start : start + BLOCK], items, 10, exclude=_part(matrix.by_user, start, start + BLOCK))
    return time.perf_counter() - began


def _part(rows: Csr, start: int, end: int) -> Csr:
    indptr = rows.indptr[start : end + 1]
    entries = slice(int(indptr[0]), int(indptr[-1]))
    return Csr(indptr - indptr[0], rows.indices[entries], rows.values[entries], rows.n_cols)


def _show(report: dict[str, Any]) -> None:
    print("| events | tables us/event | B/event | WALS us/event | B/event | top-K us/event | B/event |")
    print("|---|---|---|---|---|---|---|")
    for row in report["sizes"]:
        cells = [
            f"{1e6 * row[f'{stage}_seconds'] / row['events']:.2f} | {row[f'{stage}_mb'] * 2**20 / row['events']:.0f}"
            for stage in STAGES
        ]
        print(f"| {row['events']:.0f} | {' | '.join(cells)} |")
    for name, ratio in report["growth"].items():
        print(f"{name} per event, largest / smallest: {ratio:.2f}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=1_000_000, help="events of the smallest size")
    parser.add_argument("--last", type=int, default=32_000_000, help="no size above this")
    parser.add_argument("--events-per-user", type=int, default=20)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--gigabytes", type=float, default=16)
    parser.add_argument("--one", type=int, default=0, help="measure this one size in this process")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


if __name__ == "__main__":
    main()
