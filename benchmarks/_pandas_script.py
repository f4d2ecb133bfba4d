"""The script that ours is compared with: what one would write in an afternoon, in pandas alone.

``python -m benchmarks._pandas_script LOG FOLDER`` reads the log, drops bad rows, numbers users and items,
counts the events of each pair, and writes the pairs in both orders.
"""

import json
import sys
import time
from pathlib import Path

import pandas as pd


def main(log: Path, folder: Path) -> None:
    """Read, clean, number, count, write twice."""
    began = time.perf_counter()
    events = pd.read_parquet(log, columns=["customer", "product", "quantity"])
    events = events[events["customer"].notna() & (events["quantity"] > 0)]
    user_codes, users = pd.factorize(events["customer"], sort=True)
    item_codes, items = pd.factorize(events["product"], sort=True)
    pairs = (
        pd.DataFrame({"user": user_codes, "item": item_codes})
        .groupby(["user", "item"])
        .size()
        .reset_index(name="weight")
    )
    pd.DataFrame({"user_id": users}).to_parquet(folder / "users.parquet")
    pd.DataFrame({"item_id": items}).to_parquet(folder / "items.parquet")
    pairs.to_parquet(folder / "by_user.parquet")  # groupby has sorted them already
    pairs.sort_values(["item", "user"]).to_parquet(folder / "by_item.parquet")
    print(json.dumps({"seconds": time.perf_counter() - began, "pairs": len(pairs)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
