"""The whole run, and what comes before training against the script one would write in pandas.

1. Online Retail from Parquet to published predictions with all default models: cold, and again with
   nothing changed. Wall seconds of the real command.
2. A synthetic log with text ids: mapping and grouping against the pandas script, each in a process of its
   own, in turns; medians of wall seconds and of peak memory. The script makes both orders of the pairs and
   no histories, so ours leaves them out as well, and then is measured once more with them.
3. The same from the raw log, ingestion and contract included.

``seconds`` are those of the work; ``process_seconds`` count the start of Python and the imports, too.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks._children import empty_folder, measure
from benchmarks._event_log import cache_folder, event_log, event_table

FIGURES = ("seconds", "process_seconds", "cpu_seconds", "peak_memory_mb")
COMMAND = "from flows.cli import main; main()"
COMMANDS = {
    "ours": ("-m", "benchmarks._tables", "events", "EVENTS", "OUT"),
    "pandas": ("-m", "benchmarks._pandas_script", "LOG", "OUT"),
    "ours_with_history": ("-m", "benchmarks._tables", "events", "EVENTS", "OUT", "history"),
    "ours_from_raw": ("-m", "benchmarks._tables", "raw", "LOG", "OUT"),
}
"""Arguments of Python for each program; words in capitals stand for paths."""


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    options = _parser().parse_args(arguments)
    report: dict[str, Any] = {"run": whole_run(options)} if options.source and not options.no_run else {}
    if options.events:
        report["tables"] = tables(options)
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        _show(report)


def whole_run(options: argparse.Namespace) -> dict[str, Any]:
    """Run the command twice in a fresh home."""
    with tempfile.TemporaryDirectory() as home:
        paths = {"SHELFTALKER_HOME": f"{home}/store", "PREFECT_HOME": f"{home}/prefect"}
        given = ["run", "--dataset", options.dataset, "--source", str(options.source), "--json"]
        given += ["--as-of", options.as_of] if options.as_of else []
        cold, again = (measure("-c", COMMAND, *given, environment=paths) for _ in range(2))
    return {
        "dataset": options.dataset,
        "models": len(again["models"]),  # type: ignore[arg-type]
        "cold": _figures(cold),
        "nothing_changed": _figures(again),
    }


def tables(options: argparse.Namespace) -> dict[str, Any]:
    """Compare ours with the pandas script on one log."""
    log = event_log(options.events, options.users, options.items)
    print(f"log: {log.stat().st_size / 2**20:.0f} MB", file=sys.stderr)
    work = empty_folder(cache_folder(), "tables")
    try:
        events = empty_folder(work, "events")
        event_table(options.events, options.users, options.items, events)
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in options.programs}
        for _ in range(options.repeats):
            for name, found in runs.items():
                found.append(_in_fresh_folder(work, COMMANDS[name], {"LOG": log, "EVENTS": events}))
    finally:
        shutil.rmtree(work)
    return _compared({name: _medians(found) for name, found in runs.items()}, options)


def _in_fresh_folder(work: Path, command: tuple[str, ...], paths: dict[str, Path]) -> dict[str, float]:
    out = empty_folder(work, "out")
    try:
        return measure(*(str({**paths, "OUT": out}.get(part, part)) for part in command))
    finally:
        shutil.rmtree(out)


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _figures(measured: dict[str, float]) -> dict[str, float]:
    return {name: measured[name] for name in FIGURES[1:]}


def _compared(programs: dict[str, dict[str, float]], options: argparse.Namespace) -> dict[str, Any]:
    report: dict[str, Any] = {
        "events": options.events,
        "users": options.users,
        "items": options.items,
        "repeats": options.repeats,
        "programs": programs,
    }
    assert len({row["pairs"] for row in programs.values()}) == 1, f"the pairs differ: {programs}"
    script = programs.get("pandas")
    if script:
        report["pandas_over"] = {
            name: {figure: script[figure] / row[figure] for figure in FIGURES}
            for name, row in programs.items()
            if row is not script
        }
    return report


def _show(report: dict[str, Any]) -> None:
    for name in ("cold", "nothing_changed"):
        for figures in [report["run"][name]] if "run" in report else []:
            print(
                f"{report['run']['dataset']}, {name.replace('_', ' ')}: {figures['process_seconds']:.1f} s "
                f"({figures['cpu_seconds']:.1f} CPU s), {figures['peak_memory_mb']:.0f} MB"
            )
    if "tables" not in report:
        return
    print("| program | seconds | whole process | CPU s | peak MB |\n|---|---|---|---|---|")
    for name, row in report["tables"]["programs"].items():
        print(
            f"| {name.replace('_', ' ')} | {row['seconds']:.1f} | {row['process_seconds']:.1f} "
            f"| {row['cpu_seconds']:.1f} | {row['peak_memory_mb']:.0f} |"
        )
    for name, ratios in report["tables"].get("pandas_over", {}).items():
        each = ", ".join(f"{figure.replace('_', ' ')} {ratio:.2f}" for figure, ratio in ratios.items())
        print(f"pandas / {name.replace('_', ' ')}: {each}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pipeline", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--source",
        type=Path,
        default=default_source(),
        help="log of the whole run (default: ../shared/data/online_retail.parquet, if it is there)",
    )
    parser.add_argument("--no-run", action="store_true", help="leave the whole run out")
    parser.add_argument("--dataset", default="online_retail")
    parser.add_argument("--as-of", help="YYYY-MM-DD (default: the dataset's own)")
    parser.add_argument("--events", type=int, default=10_000_000, help="of the synthetic log; 0 = none")
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--programs", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


def default_source() -> Path | None:
    """Online Retail where the tests look for it, or None."""
    folder = Path(os.environ.get("SHELFTALKER_TEST_DATA", "../shared/data"))
    path = folder / "online_retail.parquet"
    return path if path.exists() else None


if __name__ == "__main__":
    main()
