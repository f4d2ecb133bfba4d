"""Online Retail next to published figures: ``python -m benchmarks.online_retail [--json]``.

Each split is tuned, trained and scored from scratch in an empty home: first `shelftalker tune` on windows
that end before the split's own hold-out begins, then the nightly run with what it found. A run refuses
parameters that were tuned on its hold-out.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "../shared/data/online_retail.parquet"
DATASET = "online_retail_reference"
SPLITS = {"validation": "2011-11-09", "test": "2011-12-10"}
METRIC = "basket_precision@5"

PUBLISHED = {
    "popularity": 0.064,
    "implicit ALS": 0.139,
    "logistic matrix factorisation": 0.152,
    "BPR": 0.154,
}
"""precision@5 per invoice on the validation split, from the book chapter whose rules the dataset follows."""

TUNED_BASELINE = """
[models.personal_tuned]
kind = "personal_frequency"
baseline = true
"""
"""The baselines of the dataset file are fixed rules; the strongest one also competes with tuning of its own."""

TRIALS = 40
SEARCH_SHARE = 0.55
"""Share of the time for searching; the rest is for reading the log, training every model and scoring."""


def main() -> None:
    """Run both splits and print what they gave."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--source", type=Path, default=SOURCE, help="online_retail.parquet")
    parser.add_argument("--minutes", type=float, default=15.0, help="for both splits together")
    given = parser.parse_args()
    if not given.source.is_file():
        parser.error(f"{given.source} does not exist; CONTRIBUTING.md says where the file comes from")
    began = time.monotonic()
    end = began + 60 * given.minutes
    with tempfile.TemporaryDirectory(prefix="shelftalker-") as folder:
        from flows.cli_common import settle

        settle(Path(folder) / "home")
        dataset = write_dataset(Path(folder))
        splits = {}
        for left, (split, as_of) in zip((2, 1), SPLITS.items(), strict=True):
            minutes = SEARCH_SHARE * (end - time.monotonic()) / left / 60
            splits[split] = run_split(dataset, str(given.source.absolute()), as_of, max(minutes, 0.1))
    seconds = time.monotonic() - began
    result = {"metric": METRIC, "published": PUBLISHED, "seconds": round(seconds), "splits": splits}
    if given.json:
        print(json.dumps(result))
    else:
        show(result)
    if seconds > 60 * given.minutes:
        print(f"took {seconds:.0f} s, more than the {60 * given.minutes:.0f} s allowed", file=sys.stderr)


def write_dataset(folder: Path) -> str:
    """Copy the dataset file with one more baseline; returns its path."""
    from data_contracts.dataset_files import FOLDER

    path = folder / f"{DATASET}.toml"
    path.write_text((FOLDER / path.name).read_text("utf-8") + TUNED_BASELINE, "utf-8")
    return str(path)


def run_split(dataset: str, source: str, as_of: str, minutes: float) -> dict[str, Any]:
    """Tune for one day, then do the nightly run of that day with the result."""
    from data_contracts.dataset import DatasetSpec
    from data_contracts.parameters import NightlyParameters, TuneParameters
    from flows.nightly import nightly
    from flows.running import run_here
    from flows.tune import tune
    from tasks.models import load_spec

    print(f"{as_of}: {minutes:.1f} minutes of tuning", file=sys.stderr)
    where: dict[str, Any] = {"dataset": dataset, "source": source, "as_of": as_of}
    fixed = {"popularity", "recent_popularity", "personal_frequency", "personal_recent"}
    names = tuple(
        name
        for name, choice in DatasetSpec.load(dataset).models.items()
        if name not in fixed and load_spec(choice.kind).search
    )
    tuned = run_here(tune, TuneParameters(**where, models=names, trials=TRIALS, minutes=minutes))
    summary = run_here(nightly, NightlyParameters(**where, tuned=tuned["path"], dry_run=True))
    return {
        "as_of": as_of,
        "tuning": tuned["models"],
        "models": {name: describe(model.to_json()) for name, model in summary.models.items()},
        "winner": summary.gate.winner,
        "best_baseline": summary.gate.best_baseline,
        "differences": {name: each.to_json() for name, each in summary.gate.differences.items()},
        "gate_open": summary.gate.open,
    }


def describe(model: dict[str, Any]) -> dict[str, Any]:
    """What the table shows of one model."""
    return {
        "repeat": model["repeat"],
        "discovery": model["discovery"],
        "parameters": model["parameters"],
        "parameters_from": model["parameters_from"],
        "seconds": model["seconds"],
    }


def show(result: dict[str, Any]) -> None:
    """Print the table, the published figures, and how each parameter was chosen."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 150)
    table = Table(title=f"{METRIC}, % [95 % interval over users]", title_justify="left")
    columns = [(split, scenario) for scenario in ("repeat", "discovery") for split in SPLITS]
    table.add_column("model")
    for split, scenario in columns:
        table.add_column(f"{scenario}\n{split}", justify="right")
    splits = result["splits"]
    for name in splits["validation"]["models"]:
        entries = [splits[split]["models"][name][scenario].get(METRIC) for split, scenario in columns]
        table.add_row(name, *(_percent(entry) for entry in entries))
    console.print(table)
    shown = ", ".join(f"{name} {100 * value:.1f}" for name, value in result["published"].items())
    console.print(f"Published, repeat, validation: {shown}")
    for split, found in splits.items():
        console.print(
            f"\n{split}, as of {found['as_of']}: winner {found['winner']}, best baseline {found['best_baseline']}"
        )
        for name, each in found["differences"].items():
            console.print(f"  {name} minus {found['best_baseline']}: {_percent(each)}")
        for name, model in found["models"].items():
            console.print(f"  {name}: {_origin(found['tuning'].get(name), model)}")
    console.print(f"\n{result['seconds']} s for both splits")


def _percent(entry: dict[str, float] | None) -> str:
    if entry is None:
        return "-"
    return f"{100 * entry['value']:.2f} [{100 * entry['low']:.2f}, {100 * entry['high']:.2f}]"


def _origin(tuning: dict[str, Any] | None, model: dict[str, Any]) -> str:
    """How a model's parameters were chosen, in words."""
    if not tuning or "value" not in tuning:
        return f"{model['parameters_from']}, not tuned: {_pairs(model['parameters'])}"
    return (
        f"tuned on {'; '.join(tuning['windows'])} in {tuning['trials']} trials ({tuning['pruned']} pruned), "
        f"{_percent_of(tuning['start'])} -> {_percent_of(tuning['value'])} there: {_pairs(tuning['parameters'])}"
    )


def _percent_of(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"


def _pairs(parameters: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in parameters.items()
    )


if __name__ == "__main__":
    main()
