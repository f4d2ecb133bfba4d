"""A column that says who clicked is the outcome: what was only shown is no feedback."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from accepted import accept
from small_logs import write_csv

ROWS = [(f"u{at % 7}", f"i{at % 5}", f"2024-01-{1 + at % 28:02}", at % 4 == 0) for at in range(80)]


def test_clicked__of_booleans(tmp_path):
    user, item, time, clicked = zip(*ROWS, strict=True)
    pq.write_table(
        pa.table({"user_id": user, "item_id": item, "time": time, "clicked": clicked}),
        tmp_path / "log.parquet",
    )

    got = accept(tmp_path, tmp_path / "log.parquet")

    assert got.spec.columns.value == "clicked"
    assert [event["user_id"] for event in got.events] == [row[0] for row in ROWS if row[3]]
    assert {event["value"] for event in got.events} == {1.0}
    assert got.facts["rejected"] == {"not_taken": 60}


@pytest.mark.parametrize(
    ("yes", "no"), [("true", "false"), ("Yes", "No"), ("1", "0"), ("ja", "nein"), ("t", "f")]
)
@pytest.mark.parametrize("name", ["clicked", "purchased"])
def test_clicked__in_any_words(tmp_path, yes, no, name):
    body = [f"{user},{item},{time},{yes if taken else no}" for user, item, time, taken in ROWS]

    got = accept(tmp_path, write_csv(tmp_path, body, header=f"user,item,time,{name}"))

    assert got.spec.columns.value == name
    assert len(got.events) == 20
    assert got.facts["rejected"] == {"not_taken": 60}


def test_clicked__one_that_is_not_used_is_named(tmp_path):
    body = [f"{user},{item},{time},{at % 5 + 1},{taken}" for at, (user, item, time, taken) in enumerate(ROWS)]

    got = accept(tmp_path, write_csv(tmp_path, body, header="user,item,time,rating,clicked"))

    assert got.spec.columns.value == "rating"
    assert "# not used: 'clicked' (says yes or no, as value may)" in got.toml
