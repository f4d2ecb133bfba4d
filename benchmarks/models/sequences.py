"""Amazon Beauty: the last item of each user from all earlier ones, the whole catalogue ranked."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.logs import Log, draft
from benchmarks.models._rows import Row
from benchmarks.models._runs import rows_of_run

TITLE: Final = "Amazon Beauty, last item"
KLENITSKIY: Final = "A. Klenitskiy, A. Vasilev, RecSys 2023"
PUBLISHED: Final = {
    # As published with one negative; BERT4Rec's .0187 is the next best there.
    ("sequential", "ndcg@10"): (0.0327, f"SASRec with cross-entropy: {KLENITSKIY}"),
    ("transitions", "ndcg@10"): (0.0187, f"BERT4Rec: {KLENITSKIY}"),
    ("popularity", "ndcg@10"): (0.0126, f"SASRec as first published: {KLENITSKIY}"),
}
MODELS: Final = ("sequential", "transitions", "item_knn")


def write(folder: Path, data: Path, seed: int) -> None:
    """Reviews have an order and no dates: they are taken as days, which end with everybody's last."""
    import pandas as pd

    table = pd.read_parquet(data / "beauty_sequences.parquet")
    days = table["position"] - table.groupby("user")["position"].transform("max")
    table["time"] = datetime(2025, 1, 1, tzinfo=UTC) + pd.to_timedelta(days, unit="D")
    table["basket"] = table["user"] + "B" + table["position"].astype(str)
    table[["user", "item", "basket", "time"]].to_parquet(folder / "beauty.parquet", index=False)
    draft(folder, "beauty", 'split = "leave_last"\nleave_last_n = 1', "repeat", "ndcg@10")


def measure(data: Path, seed: int) -> list[Row]:
    """Run the log with the models of sequences; what users had may be recommended, as in the published figures."""
    metrics = {"repeat": ("ndcg@10", "hit_rate@10"), "discovery": ("ndcg@10",)}
    return rows_of_run(
        Log("beauty", write=write), data, seed, models=MODELS, metrics=metrics, published=PUBLISHED
    )
