"""Run the cases and print their figures: see :mod:`benchmarks.models`."""

import argparse
import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path
from typing import Final, cast

from benchmarks import models
from benchmarks.models._rows import Case, Row

DATA: Final = Path(__file__).parents[3] / "shared" / "data"


def main() -> None:
    """Measure the named cases, or all."""
    names = sorted(
        each.name for each in pkgutil.iter_modules(models.__path__) if not each.name.startswith("_")
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description=models.__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"any of {', '.join(names)}; all by default")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real logs")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if unknown := set(given.cases) - set(names):
        parser.error(f"no case is named {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    found: dict[str, list[Row]] = {}
    for name in given.cases or names:
        case = cast("Case", importlib.import_module(f"benchmarks.models.{name}"))
        began = time.perf_counter()
        found[name] = case.measure(given.data, given.seed)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
        if not given.json:
            print(table(case.TITLE, found[name]))
    if given.json:
        print(json.dumps({name: [row.model_dump() for row in rows] for name, rows in found.items()}))


def table(title: str, rows: list[Row]) -> str:
    """The rows of one case as a Markdown table."""
    lines = [
        f"\n### {title}\n",
        "| model | metric | ours | published | by | seconds | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        between = "" if row.low is None else f" ({row.low:.4f} to {row.high:.4f})"
        theirs = "" if row.published is None else f"{row.published:.4f}"
        took = "" if row.seconds is None else f"{row.seconds:.1f}"
        lines.append(
            f"| {row.model} | {row.metric} | {row.value:.4f}{between} | {theirs} | {row.published_by} | {took} | {row.note} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
