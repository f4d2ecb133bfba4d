"""Is the stack ever worse than its best part? All default models on logs of different kinds, and the rank of each.

Each log is run by the real command, as a rehearsal in a process and a home of its own. What decides on that log is
compared; the blend is held against the best model that is no stack, less half a standard error of that model's mean.
"""

import argparse
import json
import shutil
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks._children import empty_folder, measure
from benchmarks._event_log import cache_folder
from benchmarks._habit_logs import habits_log, tastes_log
from data_contracts.dataset_files import FOLDER

DATA: Final = Path(__file__).parents[2] / "shared" / "data"
COMMAND: Final = "from flows.cli import main; main()"
STACK, STACKS = "blend", ("blend", "lambdamart")
INTERVAL: Final = 2 * 1.96
"""Standard errors that a 95 % interval is wide."""

DATASET: Final = """
name = "{name}"
description = "{description}"
[source]
path = "{name}.parquet"
format = "parquet"
timezone = "UTC"
[columns]
user = "user"
item = "item"
time = "time"
basket = "basket"
[cleaning]
anonymous = "reject"
[feedback]
kind = "count"
[window]
{window}
[evaluation]
decides = "{decides}"
metric = "{metric}"
ks = [5, 10]
"""


@dataclass(frozen=True)
class Log:
    """A log and how it is run."""

    dataset: str
    """Name of a dataset file of this project, or of the one that `write` leaves in a folder."""
    source: str | None = None
    """File in the folder of data; None where the dataset needs none."""
    as_of: str | None = None
    write: Callable[[Path, Path, int], None] | None = None
    """Writes NAME.parquet and NAME.toml into a folder; given the folder of data and a seed."""


def draft(folder: Path, name: str, window: str, decides: str, metric: str) -> None:
    """Write the dataset file of a log ``NAME.parquet`` with columns user, item, time and basket."""
    text = DATASET.format(
        name=name, description="A log of the benchmark.", window=window, decides=decides, metric=metric
    )
    (folder / f"{name}.toml").write_text(text, "utf-8")


def _habits(folder: Path, data: Path, seed: int) -> None:
    habits_log(folder / "habits.parquet", seed)
    draft(folder, "habits", "holdout_days = 28", "repeat", "basket_precision@5")


def _tastes(folder: Path, data: Path, seed: int) -> None:
    tastes_log(folder / "tastes.parquet", seed)
    draft(folder, "tastes", "holdout_days = 28", "discovery", "ndcg@10")


def _ta_feng(folder: Path, data: Path, seed: int) -> None:
    """Baskets have an order and no dates: they are taken as weeks, which end with everybody's last basket."""
    import pandas as pd

    table = pd.read_parquet(data / "ta_feng_baskets.parquet")
    weeks = table["basket"] - table.groupby("user")["basket"].transform("max")
    end = datetime(2025, 1, 1, tzinfo=UTC)
    table["time"] = end + pd.to_timedelta(7 * weeks, unit="D")
    table["basket"] = table["user"] + "B" + table["basket"].astype(str)
    table[["user", "item", "basket", "time"]].to_parquet(folder / "ta_feng.parquet", index=False)
    draft(folder, "ta_feng", 'split = "leave_last_basket"', "repeat", "ndcg@10")


LOGS: Final = {
    "sample": Log("sample"),
    "movielens_small": Log("movielens_small", "movielens_small_ratings.csv"),
    "online_retail 2011-11": Log("online_retail", "online_retail.parquet", "2011-11-09"),
    "online_retail 2011-12": Log("online_retail", "online_retail.parquet", "2011-12-10"),
    "online_retail_reference": Log("online_retail_reference", "online_retail.parquet", "2011-11-09"),
    "ta_feng": Log("ta_feng", "ta_feng_baskets.parquet", write=_ta_feng),
    "habits": Log("habits", write=_habits),
    "tastes": Log("tastes", write=_tastes),
}


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = _parser()
    given = parser.parse_args(arguments)
    names = given.logs.split(",") if given.logs else list(LOGS)
    for name in names:
        if name not in LOGS:
            parser.error(f"no log {name!r}; there are {', '.join(LOGS)}")
    sources = {name: LOGS[name].source for name in names}
    absent = [name for name, source in sources.items() if source and not (given.data / source).is_file()]
    there = [name for name in names if name not in absent]
    report = {
        "logs": {name: one_log(LOGS[name], name, given.data.absolute(), given.seeds) for name in there},
        "absent": absent,
    }
    print(json.dumps(report, indent=1) if given.json else as_table(report))


def one_log(log: Log, name: str, data: Path, n_seeds: int) -> dict[str, Any]:
    """Run a log once per seed and compare the models by their means over seeds."""
    runs = []
    for seed in range(n_seeds):
        folder = empty_folder(cache_folder(), "logs")
        try:
            runs.append(run_log(log, folder, data, seed))
        finally:
            shutil.rmtree(folder)
        print(f"{name}, seed {seed}: {runs[-1]['process_seconds']:.0f} s", file=sys.stderr)
    return compared(runs)


def run_log(
    log: Log, folder: Path, data: Path, seed: int, models: Iterable[str] = (), sections: str = ""
) -> dict[str, Any]:
    """Rehearse a run of a log by the real command; its summary.

    Parameters
    ----------
    log, folder, data, seed
        The log, an empty folder for its files and home, the folder of real logs, and the run's seed.
    models
        What ``--models`` is given.
    sections
        TOML that is added to the dataset file.

    """
    dataset = log.dataset
    if log.write is not None:
        log.write(folder, data, seed)
    if log.write is not None or sections:
        path = folder / f"{log.dataset}.toml"
        text = (path if log.write is not None else FOLDER / path.name).read_text("utf-8")
        path.write_text(f"{text}\n{sections}", "utf-8")
        dataset = str(path)
    given = ["run", "--dataset", dataset, "--seed", str(seed), "--dry-run", "--json"]
    given += ["--models", ",".join(models)] if models else []
    given += ["--source", str(data / log.source)] if log.source and log.write is None else []
    given += ["--as-of", log.as_of] if log.as_of else []
    paths = {"SHELFTALKER_HOME": str(folder / "home"), "PREFECT_HOME": str(folder / "prefect")}
    # 4: the gate stayed closed, which says nothing about how good the models are.
    found: dict[str, Any] = measure("-c", COMMAND, *given, environment=paths, fine=(0, 4))
    return found


def compared(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean, standard error and rank of each model, and whether the stack holds its own.

    Parameters
    ----------
    summaries
        Summaries of runs of one log that differ in their seeds.

    """
    metric, scenario = (summaries[0]["gate"][name] for name in ("metric", "scenario"))
    models = {}
    for name in summaries[0]["models"]:
        figures = [run["models"][name][scenario][metric] for run in summaries if name in run["models"]]
        values = [figure["value"] for figure in figures]
        models[name] = {
            "mean": statistics.fmean(values),
            "low": min(values),
            "high": max(values),
            # Of one run, over its users: more seeds make the log no larger.
            "standard_error": statistics.fmean((each["high"] - each["low"]) / INTERVAL for each in figures),
            "kind": summaries[0]["models"][name]["kind"],
        }
    for rank, name in enumerate(sorted(models, key=lambda name: -models[name]["mean"]), start=1):
        models[name]["rank"] = rank
    return {
        "metric": metric,
        "scenario": scenario,
        "seeds": len(summaries),
        "seconds": round(statistics.fmean(run["process_seconds"] for run in summaries), 1),
        "models": models,
        **_held(models),
    }


def _held(models: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Hold the blend against the best single model."""
    singles = [name for name, model in models.items() if model["kind"] not in STACKS]
    best = max(singles, key=lambda name: float(models[name]["mean"]))
    if STACK not in models:
        return {"best_single": best, "blend_minus_best": None, "holds": None}
    gain = models[STACK]["mean"] - models[best]["mean"]
    return {
        "best_single": best,
        "blend_minus_best": gain,
        "holds": gain >= -models[best]["standard_error"] / 2,
    }


def as_table(report: dict[str, Any]) -> str:
    """All models and logs as Markdown: mean and rank of each, and the verdict."""
    logs = report["logs"]
    names = list(dict.fromkeys(name for log in logs.values() for name in log["models"]))
    lines = [f"| log | decided by | {' | '.join(names)} | blend - best single | holds |"]
    lines.append("|" + "---|" * (len(names) + 4))
    for title, log in logs.items():
        cells = [_cell(log["models"].get(name)) for name in names]
        error = log["models"][log["best_single"]]["standard_error"]
        gain = "-" if log["holds"] is None else f"{log['blend_minus_best']:+.4f} (se {error:.4f})"
        verdict = {True: "yes", False: "no", None: "-"}[log["holds"]]
        lines.append(
            f"| {title} | {log['metric']}, {log['scenario']} | {' | '.join(cells)} | {gain} | {verdict} |"
        )
    lines += [f"\nLeft out, as the file is not there: {', '.join(report['absent'])}"] * bool(report["absent"])
    return "\n".join(lines)


def _cell(model: dict[str, Any] | None) -> str:
    return "-" if model is None else f"{model['mean']:.4f} ({model['rank']})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logs", description=__doc__.splitlines()[0])
    parser.add_argument("--logs", help=f"some of: {', '.join(LOGS)}; with commas between them")
    parser.add_argument(
        "--seeds", type=int, default=1, help="runs of each log; generated logs differ by seed"
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the logs that are files")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


if __name__ == "__main__":
    main()
