"""Online Retail: every kind that the log can feed, in one table with intervals, both scenarios."""

from pathlib import Path
from typing import Final

from benchmarks.logs import LOGS
from benchmarks.models._rows import Row
from benchmarks.models._runs import rows_of_run

TITLE: Final = "Online Retail, all models"
CHAPTER: Final = "the book chapter"
METRIC: Final = "basket_precision@5"
PUBLISHED: Final = {
    ("popularity", METRIC): (0.064, CHAPTER),
    ("als", METRIC): (0.139, CHAPTER),
    ("logistic_mf", METRIC): (0.152, CHAPTER),
    ("bpr", METRIC): (0.154, CHAPTER),
}


def measure(data: Path, seed: int) -> list[Row]:
    """Run the chapter's validation month with all models."""
    metrics = {"repeat": (METRIC,), "discovery": (METRIC,)}
    log = LOGS["online_retail_reference"]
    return rows_of_run(log, data, seed, models=("all",), metrics=metrics, published=PUBLISHED)
