"""What is known of the items, and nothing or little of who took them: films by genre and year, goods by their names."""

from pathlib import Path
from typing import Final

from benchmarks.logs import LOGS
from benchmarks.models._rows import Row
from benchmarks.models._runs import rows_of_run

TITLE: Final = "Item features, on MovieLens small and Online Retail"
MODELS: Final = ("content_cosine", "content_net")
DECIDES: Final = {
    "movielens_small": ("discovery", "ndcg@10"),
    "online_retail 2011-11": ("repeat", "basket_precision@5"),
}
"""Log to the scenario and the metric that decide there."""


def measure(data: Path, seed: int) -> list[Row]:
    """Run each log with both models beside its baselines."""
    rows: list[Row] = []
    for name, (scenario, metric) in DECIDES.items():
        found = rows_of_run(LOGS[name], data, seed, models=MODELS, metrics={scenario: (metric,)})
        rows += [row.model_copy(update={"metric": f"{name}: {row.metric}"}) for row in found]
    return rows
