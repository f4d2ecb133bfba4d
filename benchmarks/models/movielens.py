"""MovieLens small, everybody's last five films: every kind that the log can feed, lists and errors of ratings."""

from pathlib import Path
from typing import Final

from benchmarks.logs import LOGS
from benchmarks.models._rows import Row
from benchmarks.models._runs import rows_of_run

TITLE: Final = "MovieLens small, all models"


def measure(data: Path, seed: int) -> list[Row]:
    """Run the log with all models."""
    metrics = {"discovery": ("ndcg@10", "rmse", "mae")}
    return rows_of_run(LOGS["movielens_small"], data, seed, models=("all",), metrics=metrics)
