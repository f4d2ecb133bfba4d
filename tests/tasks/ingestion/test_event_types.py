from types import SimpleNamespace

import pyarrow as pa

from data_contracts.feedback_section import FeedbackSection
from tasks.ingestion.event_types import TypeCounts, said


def counts_of(batches, **feedback):
    spec = SimpleNamespace(name="log", feedback=FeedbackSection(kind="event_type", **feedback))
    found = TypeCounts(spec)
    for batch in batches:
        found.add(pa.chunked_array([pa.array(batch, pa.string())]))
    return found


def test_counts__named_types_come_first_and_what_is_ignored_is_no_surprise():
    found = counts_of(
        [["view", "buy", "new", None], ["new", "banner", "view"]],
        weights={"buy": 3, "view": 1},
        ignore=("banner",),
    )

    assert found.table() == {"buy": 1, "view": 2, "banner": 1, "new": 2}
    (warning,) = found.warnings()
    assert warning.startswith("2 accepted rows have an event type that [feedback] does not name")


def test_counts__a_column_of_ids_does_not_fill_the_memory():
    ids = [[f"id{batch}-{at}" for at in range(6_000)] for batch in range(3)]

    found = counts_of([*ids, ["buy"]], weights={"buy": 1})

    assert found.table()["buy"] == 1
    assert len(found.table()) < 12_000


def test_said__names_the_first_few():
    assert said({}) == "none"
    assert said({"a": 1_000}) == "'a' (1,000)"
    assert said({str(at): 1 for at in range(13)}).endswith(" and 3 more")
