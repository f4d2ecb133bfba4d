"""The whole default run, from a Parquet log to a publication: seconds and peak memory of every step.

The log is drafted by ``shelftalker init``, as a newcomer's would be, and run with all default models. The
exponent of growth says how the time grows with the events: 1 means twice the log takes twice as long.
"""

import argparse
import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks._children import empty_folder, measure
from benchmarks._event_log import cache_folder
from benchmarks._shop_log import shop_log

SIZES = ((1_000_000, 100_000, 20_000), (10_000_000, 1_000_000, 200_000), (50_000_000, 5_000_000, 200_000))
"""Events, users, items."""


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    options = _parser().parse_args(arguments)
    if options.one:
        print(json.dumps({"steps": one_run(Path(options.one))}))
        return
    asked = [(options.events, options.users, options.items)] if options.events else SIZES[: options.sizes]
    runs = [one_size(*size) for size in asked]
    report = {"runs": runs, "exponent": exponent(runs)}
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        _show(report)


def one_size(n_events: int, n_users: int, n_items: int) -> dict[str, Any]:
    """Draft a dataset file for a log and run it in a process and a home of its own."""
    log = shop_log(n_events, n_users, n_items)
    folder = empty_folder(cache_folder(), "nightly")
    try:
        measure("-c", "from flows.cli import main; main()", "init", str(log), "--output", str(folder))
        found: dict[str, Any] = measure(
            "-m",
            "benchmarks.nightly",
            "--one",
            str(next(folder.glob("*.toml"))),
            environment={"SHELFTALKER_HOME": str(folder / "home")},
        )
        # Each step begins a new count of the process's peak, so the whole run's is that of its largest step.
        found["peak_memory_mb"] = max(step["peak_mb"] for step in found["steps"])
        return {"events": n_events, "users": n_users, "items": n_items, **found}
    finally:
        shutil.rmtree(folder)


class StepMeter:
    """Listens to a run: seconds of each step, and the most memory that the process held meanwhile."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []

    def started(self, step: str) -> None:
        """Forget the memory that earlier steps held."""
        print(f"  {step} ...", file=sys.stderr)
        Path("/proc/self/clear_refs").write_text("5", "ascii")

    def advanced(self, step: str, done: int, total: int, figures: dict[str, float]) -> None:
        """Nothing to measure."""

    def finished(self, step: str, seconds: float, *, reused: bool, facts: dict[str, Any]) -> None:
        """Keep what a step took."""
        self.steps.append({"step": step, "seconds": round(seconds, 2), "peak_mb": round(_peak_mb())})


def one_run(dataset: Path) -> list[dict[str, Any]]:
    """Run a dataset in this process."""
    from data_contracts.parameters import NightlyParameters
    from flows import cli_common, own_server
    from tasks.runtime.progress import listening

    cli_common.settle(None, runs_flow=True)
    from flows.nightly import nightly

    own_server.wait()
    meter = StepMeter()
    with listening(meter):
        state: Any = nightly(NightlyParameters(dataset=str(dataset)), return_state=True)
    summary = state.result()
    print(f"  winner {summary.gate.winner}, {summary.gate.verdict}", file=sys.stderr)
    return meter.steps


def exponent(runs: list[dict[str, Any]]) -> float | None:
    """Growth of the time from the smallest to the largest run; None for one run."""
    if len(runs) < 2:
        return None
    first, last = runs[0], runs[-1]
    return math.log(last["process_seconds"] / first["process_seconds"]) / math.log(
        last["events"] / first["events"]
    )


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text("ascii")
    line = next(each for each in status.splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _show(report: dict[str, Any]) -> None:
    for run in report["runs"]:
        print(
            f"\n{run['events']:,} events, {run['users']:,} users, {run['items']:,} items: "
            f"{run['process_seconds'] / 60:.1f} minutes, {run['peak_memory_mb'] / 1024:.1f} GB\n"
        )
        print("| step | seconds | peak MB |\n|---|---|---|")
        for step in run["steps"]:
            print(f"| {step['step']} | {step['seconds']:.1f} | {step['peak_mb']} |")
    if report["exponent"] is not None:
        print(f"\ntime grows with events to the power of {report['exponent']:.2f}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nightly", description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=0, help="one run of this size only")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument(
        "--sizes", type=int, default=1, choices=(1, 2, 3), help="1 M, 10 M and 50 M events: so many of them"
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


if __name__ == "__main__":
    main()
