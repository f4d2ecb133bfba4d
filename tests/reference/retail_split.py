"""Online Retail split by the reference rules, with the precision that its figures are stated in."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix, History, ItemTimeline

FOLDER = Path(os.environ.get("SHELFTALKER_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))
CUTS = {
    "validation": (pd.Timestamp("2011-10-09"), pd.Timestamp("2011-11-09")),
    "test": (pd.Timestamp("2011-11-09"), pd.Timestamp.max),
}


def load(split):
    """(GroupedMatrix before the cut, baskets after it); skips where the file is absent."""
    path = FOLDER / "online_retail.parquet"
    if not path.exists():
        pytest.skip(f"{path} is absent; CONTRIBUTING.md says where it comes from")
    rows = pd.read_parquet(path, columns=["InvoiceNo", "StockCode", "InvoiceDate", "CustomerID"])
    rows = rows[~rows["InvoiceNo"].astype(str).str.startswith("C")]
    rows["item"] = pd.factorize(rows["StockCode"].astype(str), sort=True)[0]
    cut, end = CUTS[split]
    before = rows[rows["InvoiceDate"] < cut]
    after = rows[(rows["InvoiceDate"] >= cut) & (rows["InvoiceDate"] <= end)]
    users = np.unique(before["CustomerID"].dropna())
    n_items = int(rows["item"].max()) + 1
    return _group(before, users, n_items, cut), _baskets(after, users)


def precision_at_5(lists, cold_start_list, baskets):
    """Hits / (5 x invoices), hits counted per row of the invoice; lists by user code, (n_users, 5)."""
    served = np.vstack([lists, cold_start_list[None]])[baskets["user"]]
    return float((served[baskets["row"]] == baskets["item"][:, None]).sum() / (5 * len(baskets["user"])))


def _group(before, users, n_items, cut):
    age = ((cut - before["InvoiceDate"]) / pd.Timedelta(days=1)).to_numpy()
    days = np.unique(
        before["item"].to_numpy() * 10_000 + np.ceil(age).astype(np.int64) - 1, return_counts=True
    )
    timeline = ItemTimeline(
        np.searchsorted(days[0] // 10_000, np.arange(n_items + 1)).astype(np.int64),
        (days[0] % 10_000).astype(np.int32),
        days[1].astype(np.float32),
    )
    known = before["CustomerID"].notna().to_numpy()
    owner = np.searchsorted(users, before["CustomerID"].to_numpy()[known])
    item = before["item"].to_numpy()[known]
    order = np.lexsort((item, -age[known], owner))
    history = History(
        np.searchsorted(owner[order], np.arange(len(users) + 1)).astype(np.int64),
        item[order].astype(np.int32),
        age[known][order].astype(np.float32),
        np.ones(len(order), dtype=np.float32),
    )
    pairs = csr_matrix((np.ones(len(item)), (owner, item)), shape=(len(users), n_items))
    base = GroupedMatrix.from_csr(pairs)
    return GroupedMatrix(base.by_user, base.by_item, timeline, history)


def _baskets(after, users):
    row, invoices = pd.factorize(after["InvoiceNo"].astype(str))
    customer = after["CustomerID"].to_numpy()
    position = np.searchsorted(users, customer).clip(max=len(users) - 1)
    user = np.full(len(invoices), -1)
    user[row] = np.where(users[position] == customer, position, -1)
    return {"user": user, "row": row, "item": after["item"].to_numpy()}
