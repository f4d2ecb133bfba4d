"""The short form of every benchmark: ``python -m benchmarks`` writes docs/benchmarks.md in under 10 minutes."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REPORT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
LOGS_TITLE = "## logs\n"
"""Where the table of models and logs begins, which is put in by hand."""
Report = dict[str, Any]
Row = tuple[str, str, str, str]
"""What was done, ours, the peer, the ratio."""


@dataclass(frozen=True)
class Short:
    """The short form of one benchmark."""

    name: str
    options: str
    """What the report's command shows."""
    tiny: str | None
    """Sizes that end in seconds and say nothing about speed, for tests; None = there are none."""
    rows: Callable[[Report], list[Row]]
    """Rows of the table from the report."""


def main(arguments: list[str] | None = None) -> None:
    """Run all and write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="sizes that only show that it works")
    parser.add_argument("--output", type=Path, default=REPORT)
    parser.add_argument("names", nargs="*", help="only these")
    given = parser.parse_args(arguments)
    text = [_head()]
    for short in SHORT_FORMS:
        options = short.tiny if given.tiny else short.options
        if options is None or short.name not in (given.names or [short.name]):
            continue
        began = time.perf_counter()
        report = run(short.name, options)
        seconds = time.perf_counter() - began
        print(f"{short.name}: {seconds:.0f} s", file=sys.stderr)
        text.append(_section(short, options, report, seconds))
    given.output.parent.mkdir(exist_ok=True)
    given.output.write_text("\n".join([*text, *_kept(given.output)]), "utf-8")
    print(given.output)


def _kept(output: Path) -> list[str]:
    """The last section of an earlier report: ``benchmarks.logs`` takes too long for the short forms."""
    if not output.is_file():
        return []
    _, title, section = output.read_text("utf-8").partition(LOGS_TITLE)
    return [title + section] * bool(title)


def run(name: str, options: str) -> Report:
    """Run one benchmark in a process of its own.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails; what it wrote to stderr is on the terminal.

    """
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", *options.split()]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    report: Report = json.loads(done.stdout)
    return report


def _head() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return f"""# Benchmarks

Written by `make bench`: the short forms. Run a command below without its sizes for the long form.
Ours and the peer ran in turns on the same data; a ratio above 1 means that ours is faster, or that it
takes less memory.

| machine | |
|---|---|
| processor | {_processor()}, {os.cpu_count()} cores |
| memory | {_memory_gb():.0f} GB |
| system | {platform.system()}, Python {platform.python_version()} |
| load when it began | {os.getloadavg()[0]:.1f} |
| commit | {commit.stdout.strip() or "unknown"} |
| date | {datetime.now(UTC):%Y-%m-%d} |
"""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _section(short: Short, options: str, report: Report, seconds: float) -> str:
    rows = "\n".join(f"| {' | '.join(row)} |" for row in short.rows(report))
    return f"""## {short.name}

`python -m benchmarks.{short.name} {options}` ({seconds:.0f} s)

| | ours | peer | ratio |
|---|---|---|---|
{rows}
"""


def _wals(report: Report) -> list[Row]:
    found: list[Row] = []
    for row in report["results"]:
        ours, peer = row["ours"], row["implicit"]
        what = f"{row['n_factors']} factors"
        seconds = "seconds_per_iteration"
        found += [
            (
                f"{what}: seconds per iteration",
                f"{ours[seconds]:.2f}",
                f"{peer[seconds]:.2f}",
                _x(row["ratio"]),
            ),
            (f"{what}: objective reached", f"{ours['objective']:.0f}", f"{peer['objective']:.0f}", ""),
        ]
    return found


def _topk(report: Report) -> list[Row]:
    found = []
    for kind in ("trained_factors", "random_factors"):
        for name, row in report[kind].items():
            same = f"{row['rows_with_identical_items']:.2%} lists identical"
            found.append(
                (
                    f"{kind.replace('_', ' ')} {name.replace('_', ' ')}: seconds ({same})",
                    f"{row['ours_seconds']:.2f}",
                    f"{row['implicit_seconds']:.2f}",
                    _x(row["implicit_over_ours"]),
                )
            )
    return found


def _bpr(report: Report) -> list[Row]:
    return [
        (
            f"{row['n_factors']} factors: million samples per second",
            f"{row['ours_samples_per_second'] / 1e6:.2f}",
            f"{row['implicit_samples_per_second'] / 1e6:.2f}",
            _x(row["ours_over_implicit"]),
        )
        for row in report["results"]
    ]


def _evaluation(report: Report) -> list[Row]:
    return [
        (f"{case}: {name.replace('_', ' ')}", f"{value}", "", "")
        for case, figures in report.items()
        for name, value in figures.items()
    ]


def _pipeline(report: Report) -> list[Row]:
    found: list[Row] = []
    for name in ("cold", "nothing_changed"):
        for figures in [report["run"][name]] if "run" in report else []:
            what = f"{report['run']['dataset']}, whole run, {name.replace('_', ' ')}: seconds"
            found.append((what, f"{figures['process_seconds']:.1f}", "", ""))
    tables = report["tables"]
    programs = tables["programs"]
    script = programs["pandas"]
    of = f"{tables['events'] / 1e6:g} M events"
    for name, what in (
        ("ours", "mapping + grouping"),
        ("ours_with_history", "mapping + grouping with histories"),
        ("ours_from_raw", "ingestion + contract + mapping + grouping"),
    ):
        row = programs.get(name, {})
        for figure, unit, digits in (("seconds", "seconds", 1), ("peak_memory_mb", "peak MB", 0)):
            if figure not in row:
                continue
            values = f"{row[figure]:.{digits}f}", f"{script[figure]:.{digits}f}"
            found.append((f"{of}, {what}: {unit}", *values, _x(script[figure] / row[figure])))
    return found


def _scale(report: Report) -> list[Row]:
    found: list[Row] = []
    for row in report["sizes"]:
        for stage in ("tables", "wals", "top_k"):
            what = f"{row['events'] / 1e6:.2f} M events, {stage.replace('_', '-')}: microseconds / bytes per event"
            microseconds = 1e6 * row[f"{stage}_seconds"] / row["events"]
            size = row[f"{stage}_mb"] * 2**20 / row["events"]
            found.append((what, f"{microseconds:.2f} / {size:.0f}", "", ""))
    for name, ratio in report["growth"].items():
        found.append((f"{name.replace('_', ' ')} per event, largest / smallest size", f"{ratio:.2f}", "", ""))
    return found


def _x(ratio: float) -> str:
    return f"{ratio:.2f}"


SHORT_FORMS = (
    Short(
        "wals",
        "--users 70000 --items 15000 --events 4000000 --factors 64 128 --iterations 2",
        "--users 60 --items 40 --events 400 --factors 8 --iterations 1",
        _wals,
    ),
    Short(
        "topk",
        "--repeats 3",
        "--users 50 --items 400 --events 2000 --factors 8 --repeats 1",
        _topk,
    ),
    Short(
        "bpr",
        "--factors 64 --epochs 2 --repeats 2",
        "--users 50 --items 40 --events 400 --factors 8 --epochs 1 --repeats 1",
        _bpr,
    ),
    Short("evaluation", "", None, _evaluation),
    Short(
        "pipeline",
        "--events 4000000 --users 400000 --repeats 2",
        "--events 2000 --users 100 --items 50 --repeats 1 --no-run --programs ours pandas",
        _pipeline,
    ),
    Short(
        "scale",
        "--last 4000000",
        "--first 1000 --last 1000 --items 40 --factors 8",
        _scale,
    ),
)

if __name__ == "__main__":
    main()
