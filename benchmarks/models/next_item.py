"""Online Retail: after each purchase, five guesses for the next one, as in the book chapter.

A row of an invoice is guessed from the rows before it, those of the same invoice included. Which rows are before it is
not in the log: all have one time. So the case is run with three orders: one that is drawn, as in every run; that of the
file, in which goods from one shelf stand together; and that of the items' codes, in which the next code is a higher one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.logs import LOGS, Log
from benchmarks.models._rows import Row
from benchmarks.models._runs import rows_of_run
from data_contracts.dataset_files import FOLDER

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
MODELS: Final = ("lstm", "lstm_of_users", "transitions")
DATASET: Final = "online_retail_reference"
REFERENCE: Final = LOGS[DATASET]


def measure(data: Path, seed: int) -> list[Row]:
    """Run the validation month with the models of sequences and the baselines, once for each order of rows."""
    orders = {
        "drawn": REFERENCE,
        "of the file": Log(DATASET, as_of=REFERENCE.as_of, write=_written(lambda rows: rows.cumcount())),
        "of the codes": Log(
            DATASET, as_of=REFERENCE.as_of, write=_written(lambda rows: rows["StockCode"].rank("first"))
        ),
    }
    found = []
    for name, log in orders.items():
        rows = rows_of_run(
            log,
            data,
            seed,
            models=MODELS,
            sections=SECTIONS,
            metrics={"repeat": (METRIC, "basket_precision@5")},
            published=PUBLISHED,
        )
        found += [row.model_copy(update={"note": f"rows in the order {name}; {row.note}"}) for row in rows]
    return found


def _written(place_of: Callable[[Any], Any]) -> Callable[[Path, Path, int], None]:
    """Writes the log with rows of an invoice a millisecond apart, in the order that `place_of` gives them."""

    def write(folder: Path, data: Path, seed: int) -> None:
        import pandas as pd

        log = pd.read_parquet(data / "online_retail.parquet")
        later = pd.to_timedelta(place_of(log.groupby("InvoiceNo")), unit="ms")
        log.assign(InvoiceDate=log["InvoiceDate"] + later).to_parquet(folder / "online_retail.parquet")
        (folder / f"{DATASET}.toml").write_text((FOLDER / f"{DATASET}.toml").read_text("utf-8"), "utf-8")

    return write
