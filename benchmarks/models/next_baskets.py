"""Ta-Feng: each customer's last basket from all earlier ones, the whole catalogue ranked."""

from pathlib import Path
from typing import Final

from benchmarks.logs import LOGS
from benchmarks.models._rows import Row
from benchmarks.models._runs import rows_of_run

TITLE: Final = "Ta-Feng, last basket"
RE_RUN: Final = "re-run with the paper's parameters on this file"
PUBLISHED: Final = {
    ("popularity", "ndcg@10"): (0.0875, RE_RUN),
    ("personal_frequency", "ndcg@10"): (0.1236, RE_RUN),
    ("tifu_knn", "ndcg@10"): (0.1119, RE_RUN),
    ("up_cf", "ndcg@10"): (0.1183, RE_RUN),
    ("tifu_knn", "precision@10"): (0.0591, RE_RUN),
    ("up_cf", "precision@10"): (0.0598, RE_RUN),
    ("popularity", "precision@10"): (0.0296, RE_RUN),
    ("personal_frequency", "precision@10"): (0.0624, RE_RUN),
}
MODELS: Final = ("tifu_knn", "up_cf", "item_knn", "ease", "transitions", "wals", "blend")


def measure(data: Path, seed: int) -> list[Row]:
    """Run the log with the models that know baskets, and their peers."""
    wanted = {"repeat": ("ndcg@10", "precision@10")}
    return rows_of_run(LOGS["ta_feng"], data, seed, models=MODELS, metrics=wanted, published=PUBLISHED)
