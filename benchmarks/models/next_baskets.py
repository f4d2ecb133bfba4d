"""Ta-Feng: each customer's last basket from all earlier ones, the whole catalogue ranked, all customers.

Precision, recall and NDCG are over the whole basket, as in M. Li, S. Jullien, M. Ariannezhad, M. de Rijke: A Next
Basket Recommendation Reality Check, TOIS 2023. Models without parameters have their defaults.
"""

from pathlib import Path
from typing import Final

from benchmarks.models._logs import Candidates, last_baskets, rows_of_cut, ta_feng
from benchmarks.models._rows import Row

TITLE: Final = "Ta-Feng, last basket"
K: Final = 10
RE_RUN: Final = "re-run with the paper's parameters on this file"
EARLIER: Final = "an earlier version of this program, by a run"
METRICS: Final = ("ndcg@10", "recall@10", "precision@10")
FIGURES: Final = {
    "popularity": (0.0875, 0.0803, 0.0296),
    "personal_frequency": (0.1236, 0.1350, 0.0624),
    "tifu_knn as published": (0.1119, 0.1299, 0.0591),
    "up_cf as published": (0.1183, 0.1268, 0.0598),
}
PUBLISHED: Final = {
    (name, metric): (figure, RE_RUN)
    for name, figures in FIGURES.items()
    for metric, figure in zip(METRICS, figures, strict=True)
} | {("blend", "ndcg@10"): (0.1470, EARLIER), ("blend", "precision@10"): (0.0708, EARLIER)}
PAPERS: Final[Candidates] = {
    "tifu_knn as published": (
        "tifu_knn",
        {"neighbours": 300, "basket_fade": 0.9, "group_fade": 0.7, "own_share": 0.7, "groups": 7},
    ),
    "up_cf as published": ("up_cf", {"recent_baskets": 10, "asymmetry": 0.75, "locality": 10.0}),
}
MODELS: Final = (
    "popularity",
    "recent_popularity",
    "personal_frequency",
    "transitions",
    "item_knn",
    "ease",
    "tifu_knn",
    "up_cf",
    "wals",
    "blend",
)


def measure(data: Path, seed: int) -> list[Row]:
    """Train the models that know baskets, and their peers, on everything but the last baskets."""
    candidates: Candidates = {name: (name, {}) for name in MODELS} | dict(PAPERS)
    return rows_of_cut(last_baskets(ta_feng(data)), candidates, PUBLISHED, k=K, seed=seed)
