"""What orchestration costs: a run against the sum of its steps, a run with nothing to do, and a backfill.

1. `shelftalker run --dataset sample` in a fresh home without a server (the command starts one of its own).
2. The same in another fresh home with a server running.
3. Once more with nothing changed: no step works.
4. A daily backfill of Online Retail with the default models.

The steps' seconds are those of their manifests; what the whole command takes beyond their sum is overhead.
"""

import argparse
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks._children import measure
from benchmarks.pipeline import COMMAND, default_source
from data_contracts.errors import GateClosedError
from deployments.stack import Stack
from deployments.workspace import Workspace, free_port
from tasks.sources.sample import ensure_sample

Report = dict[str, Any]


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="shelftalker-") as folder:
        workspace = Workspace(home=Path(folder) / "server", port=free_port(), reports_port=free_port())
        alone = {"PREFECT_HOME": f"{folder}/prefect"}
        report: Report = {"without_server": _run(Path(folder) / "alone", alone, options)}
        report["nothing_changed"] = _run(Path(folder) / "alone", alone, options)
        with ExitStack() as running:
            stack = running.enter_context(Stack(workspace))
            stack.start_server()
            served = workspace.environment()
            report["with_server"] = _run(Path(folder) / "served", served, options)
            report["nothing_changed_with_server"] = _run(Path(folder) / "served", served, options)
        if options.source and options.days:
            report["backfill"] = _backfill(Path(folder) / "backfill", alone, options)
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        _show(report)


def _run(home: Path, environment: dict[str, str], options: argparse.Namespace) -> Report:
    """One run of a home: seconds of the command, of the steps that worked, and how many those were."""
    ensure_sample(home)  # a shop's log is there before the run
    before = _steps(home)
    words = ["run", "--dataset", options.dataset, "--json"]
    took = measure("-c", COMMAND, *words, environment={**environment, "SHELFTALKER_HOME": str(home)})
    worked = [seconds for path, seconds in _steps(home).items() if path not in before]
    return {
        "seconds": took["process_seconds"],
        "cpu_seconds": took["cpu_seconds"],
        "steps": len(worked),
        "steps_seconds": sum(worked),
        "overhead_seconds": took["process_seconds"] - sum(worked),
    }


def _steps(home: Path) -> dict[str, float]:
    """Seconds of every artifact, and of putting every publication together."""
    manifests = [*home.glob("artifacts/*/*/manifest.json"), *home.glob("published/*/*/*/manifest.json")]
    return {str(path): json.loads(path.read_text("utf-8"))["seconds"] for path in manifests}


def _backfill(home: Path, environment: dict[str, str], options: argparse.Namespace) -> Report:
    """A daily backfill in a fresh home, and the same again."""
    last = f"{options.month}-{options.days:02d}"
    words = ["backfill", "--dataset", "online_retail", "--source", str(options.source)]
    words += ["--from", f"{options.month}-01", "--to", last, "--parallel", str(options.parallel), "--json"]
    given = {**environment, "SHELFTALKER_HOME": str(home)}
    # A day whose gate is closed is a result, too.
    codes = (0, GateClosedError.exit_code)
    first, again = (measure("-c", COMMAND, *words, environment=given, fine=codes) for _ in range(2))
    return {
        "days": options.days,
        "parallel": options.parallel,
        "seconds": first["process_seconds"],
        "cpu_seconds": first["cpu_seconds"],
        "seconds_again": again["process_seconds"],
        "times_the_log_was_read": len(list(home.glob("artifacts/ingest/*"))),
        "publications": len(list(home.glob("published/*/*/*/manifest.json"))),
    }


def _show(report: Report) -> None:
    print("| run | seconds | steps that worked | their seconds | overhead |\n|---|---|---|---|---|")
    for name, row in report.items():
        if name != "backfill":
            print(
                f"| {name.replace('_', ' ')} | {row['seconds']:.1f} | {row['steps']} "
                f"| {row['steps_seconds']:.1f} | {row['overhead_seconds']:.1f} |"
            )
    if "backfill" in report:
        row = report["backfill"]
        print(
            f"backfill of {row['days']} days, {row['parallel']} at once: {row['seconds']:.0f} s "
            f"({row['cpu_seconds']:.0f} CPU s), {row['publications']} publications, the log read "
            f"{row['times_the_log_was_read']} time(s); again: {row['seconds_again']:.1f} s"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.orchestration", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--dataset", default="sample", help="of the single runs")
    parser.add_argument(
        "--source",
        type=Path,
        default=default_source(),
        help="log of the backfill (default: ../shared/data/online_retail.parquet, if it is there)",
    )
    parser.add_argument("--month", default="2011-11", help="YYYY-MM that the backfill is in")
    parser.add_argument("--days", type=int, default=30, help="of the month; 0 = no backfill")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


if __name__ == "__main__":
    main()
