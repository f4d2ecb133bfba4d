"""What the report shows of the lists, held against plain Python."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from report_facts import make_content

from data_contracts.selection import Selection
from tasks.report.page import page_content
from tasks.report.statistics import N_EXAMPLES, read_lists


def test_read_lists__agrees_with_plain_python(tmp_path, rng):
    users, items = [f"u{n:02}" for n in range(25)], [f"i{n}" for n in range(8)]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    events = [
        (
            users[min(int(rng.exponential(6)), 24)],
            items[rng.integers(6)],
            start + timedelta(days=int(rng.integers(60))),
        )
        for _ in range(200)
    ]
    known = sorted({user for user, _, _ in events})
    scores = [(user, rank, f"i{7 - rank}", 1.0 / rank, "wals") for user in known for rank in (1, 2, 3)]
    cold_start_items = [("zz", 1, "i7", 99.0, "popularity")]
    names = ("user_id", "rank", "item_id", "score", "model")
    lists = [*scores, *cold_start_items]
    pq.write_table(
        pa.table(dict(zip(names, zip(*lists, strict=True), strict=True))), tmp_path / "lists.parquet"
    )
    columns = dict(zip(("user_id", "item_id", "event_time"), zip(*events, strict=True), strict=True))
    pq.write_table(pa.table(columns), tmp_path / "events.parquet")
    pq.write_table(pa.table({"item_id": ["i6"], "title": ["x" * 999]}), tmp_path / "items.parquet")
    end = start + timedelta(days=40)
    found = read_lists(
        *(tmp_path / f"{name}.parquet" for name in ("lists", "events", "items")),
        Selection(end=end),
        "wals",
        tmp_path,
    )
    seen = [(user, item, time) for user, item, time in events if time < end]
    order = sorted(
        {*items[:6], *(row[2] for row in lists)} & {*(row[1] for row in seen), *(row[2] for row in lists)}
    )

    assert found.exposure.events.tolist() == [sum(row[1] == item for row in seen) for item in order]
    assert found.exposure.lists.tolist() == [sum(row[2] == item for row in lists) for item in order]
    np.testing.assert_allclose(found.scores.by_rank[:, 2], [1, 1 / 2, 1 / 3])
    assert found.scores.edges[[0, -1]].tolist() == pytest.approx([1 / 3, 1.0])
    assert found.scores.counts.sum() == len(scores)
    lengths = [user["n"] for user in found.examples]
    assert len(lengths) == min(N_EXAMPLES, len(known))
    assert lengths == sorted(lengths)
    for user in found.examples:
        mine = [row for row in seen if row[0] == user["user_id"]]
        assert len(mine) == user["n"]
        assert user["past"][0]["last"] == max(row[2] for row in mine)
        for row in user["list"]:
            assert (row["times"] or 0) == sum(past[1] == row["item_id"] for past in mine)
    assert {row["title"] for user in found.examples for row in user["list"] if row["item_id"] == "i6"} == {
        "x" * 80
    }


def test_read_lists__a_log_without_titles_times_or_known_users_is_fine(tmp_path):
    nothing = pa.nulls(1, pa.timestamp("us", tz="UTC"))
    events = {"user_id": pa.array([None], pa.string()), "item_id": ["i1"], "event_time": nothing}
    pq.write_table(pa.table(events), tmp_path / "events.parquet")
    lists = {"user_id": ["u"], "rank": [1], "item_id": ["i1"], "score": [1.0], "model": ["popularity"]}
    pq.write_table(pa.table(lists), tmp_path / "lists.parquet")
    pq.write_table(pa.table({"item_id": ["i1"]}), tmp_path / "items.parquet")
    paths = (tmp_path / f"{name}.parquet" for name in ("lists", "events", "items"))
    found = read_lists(*paths, Selection(), "wals", tmp_path)

    assert found.examples == []
    assert found.scores.counts.sum() == 0
    assert page_content(**make_content(lists=found))["lists"]["never"] == 0
