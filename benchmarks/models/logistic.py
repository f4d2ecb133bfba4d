"""Online Retail by the rules of the book chapter: precision of logistic matrix factorisation, epoch by epoch."""

from pathlib import Path
from typing import Final

from benchmarks.logs import LOGS
from benchmarks.models._rows import Row
from benchmarks.models._runs import rows_of_run

TITLE: Final = "Online Retail, validation month, log loss"
METRIC: Final = "basket_precision@5"
CHAPTER: Final = "the book chapter"
EPOCHS: Final = (1, 2, 4, 6, 8, 10)
FIRST, LAST = 0.064, 0.152
"""What the chapter reports after one epoch and after ten."""


def measure(data: Path, seed: int) -> list[Row]:
    """Train the default for 1 to 10 epochs and once as it is, in one run of the real command."""
    sections = "[models.logistic_mf]\n" + "\n".join(
        f'[models.logistic_mf_{epochs:02}]\nkind = "logistic_mf"\nepochs = {epochs}' for epochs in EPOCHS
    )
    names = ["logistic_mf", *(f"logistic_mf_{epochs:02}" for epochs in EPOCHS)]
    published = {
        ("logistic_mf", METRIC): (LAST, CHAPTER),
        ("logistic_mf_01", METRIC): (FIRST, CHAPTER),
        ("logistic_mf_10", METRIC): (LAST, CHAPTER),
    }
    return rows_of_run(
        LOGS["online_retail_reference"],
        data,
        seed,
        models=names,
        sections=sections,
        metrics={"repeat": (METRIC,)},
        published=published,
    )
