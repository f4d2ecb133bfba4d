"""Online Retail: after each purchase, five guesses for the next one, as in the book chapter.

A row of an invoice is guessed from the rows before it, those of the same invoice included. Within an invoice rows have no
order of their own: they stand in the order of their items' codes, which is a hint that the chapter's models had not.
"""

from pathlib import Path
from typing import Final

from benchmarks.logs import LOGS
from benchmarks.models._rows import Row
from benchmarks.models._runs import rows_of_run

TITLE: Final = "Online Retail, next purchase"
CHAPTER: Final = "the book chapter"
METRIC: Final = "next_item_accuracy@5"
PUBLISHED: Final = {
    ("popularity", METRIC): (0.012, CHAPTER),
    ("lstm", METRIC): (0.071, CHAPTER),
    ("lstm_of_users", METRIC): (0.252, CHAPTER),
}
SECTIONS: Final = """
[models.lstm_of_users]
kind = "lstm"
user_embedding = true
"""
MODELS: Final = ("lstm", "lstm_of_users", "sequential", "transitions")


def measure(data: Path, seed: int) -> list[Row]:
    """Run the validation month with the models of sequences and the baselines."""
    log = LOGS["online_retail_reference"]
    metrics = {"repeat": (METRIC, "basket_precision@5")}
    return rows_of_run(
        log, data, seed, models=MODELS, sections=SECTIONS, metrics=metrics, published=PUBLISHED
    )
