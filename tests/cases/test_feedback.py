"""What a value says of an event: the last word, returns, dislikes, and values that say nothing."""

from datetime import date

import pytest
from small_logs import COLUMNS, dataset, run, write_csv

from data_contracts.identifiers import Vocabulary
from tasks.preparation.grouping import group, open_grouped
from tasks.preparation.holdout import map_holdout
from tasks.preparation.mapping import make_vocabularies
from tasks.preparation.splitting import windows

RATED = '[feedback]\nkind = "rating"\nthreshold = 4.0\n'
LAST = '[grouping]\nmerge = "last"\n'
OTHERS = ["u8,i8,2024-01-01,5", "u8,i9,2024-01-01,5", "u9,i8,2024-01-01,5", "u9,i9,2024-01-01,5"]
"""Two users and two items that are always there: a log of less is refused."""


def prepare(folder, sections, rows, part="train"):
    """The log as one part of a run's windows: the matrix as {(user, item): weight}, the matrix, and the facts."""
    spec = dataset(folder, sections, columns=COLUMNS + 'value = "value"\n')
    run(folder, spec, write_csv(folder, [*rows, *OTHERS], header="user,item,time,value"))
    selection = getattr(windows(spec, date(2024, 3, 1), seed=0), part)
    events = folder / "out" / "events.parquet"
    for vocabulary, name in zip(
        make_vocabularies(events, selection, folder), ("users", "items"), strict=True
    ):
        vocabulary.save(folder / f"{name}.parquet")
    facts = group(
        events,
        folder,
        folder,
        selection=selection,
        feedback=spec.feedback,
        grouping=spec.grouping,
        scratch=folder,
    )
    matrix = open_grouped(folder, facts)
    users, items = ids(folder)
    pairs = matrix.by_user.to_scipy().tocoo()
    weights = {
        (users[row], items[column]): float(weight)
        for row, column, weight in zip(*pairs.coords, pairs.data, strict=True)
        if users[row] not in ("u8", "u9")
    }
    return weights, matrix, facts, spec


def ids(folder):
    return [Vocabulary.load(folder / f"{name}.parquet").ids.to_pylist() for name in ("users", "items")]


def relevant(folder, spec):
    """What is held out of users and items in the folder's vocabularies: {user: items}."""
    held = windows(spec, date(2024, 3, 1), seed=0).holdout
    found = map_holdout(folder / "out" / "events.parquet", folder, held, baskets=False, scratch=folder)
    users, items = ids(folder)
    return {
        users[code] if code >= 0 else None: {items[at] for at in found.items[first:end]}
        for code, first, end in zip(found.user_codes, found.indptr[:-1], found.indptr[1:], strict=True)
    }


@pytest.mark.parametrize(
    ("merge", "liked"),
    [
        (LAST, {("u1", "i8"), ("u2", "i9")}),
        ("", {("u1", "i8"), ("u1", "i9"), ("u2", "i9")}),
    ],
)
def test_last_word__a_film_rated_again_is_as_its_last_rating_says(tmp_path, merge, liked):
    rows = ["u1,i9,2024-01-01,5", "u1,i9,2024-01-02,1", "u1,i8,2024-01-01,1", "u1,i8,2024-01-02,5"]
    rows += ["u2,i9,2024-01-01,4", "u2,i8,2024-01-01,3"]

    weights, matrix, facts, _ = prepare(tmp_path, RATED + merge, rows, "full")

    assert set(weights) == liked
    assert set(weights.values()) == {1.0}
    # The timeline and the histories are cut the same way.
    assert matrix.item_events().sum() == len(matrix.history.items) == facts["events"] == len(liked) + 4


def test_last_word__does_not_depend_on_the_order_of_the_rows(tmp_path):
    rows = ["u1,i9,2024-01-01,5", "u1,i9,2024-01-02,1", "u1,i8,2024-01-01,1", "u1,i8,2024-01-02,5"]

    assert set(prepare(tmp_path, RATED + LAST, rows[::-1], "full")[0]) == {("u1", "i8")}


def test_last_word__each_side_of_the_cut_has_its_own(tmp_path):
    # The hold-out begins on February 2nd.
    rows = ["u1,i8,2024-01-01,5", "u1,i9,2024-02-10,5", "u1,i9,2024-02-11,1", "u1,i8,2024-02-12,2"]
    rows += ["u2,i9,2024-01-01,2", "u2,i9,2024-02-10,3", "u2,i9,2024-02-11,5", "u2,i8,2024-01-02,5"]

    weights, _, _, spec = prepare(tmp_path, RATED + LAST, rows)

    assert set(weights) == {("u1", "i8"), ("u2", "i8")}
    assert relevant(tmp_path, spec) == {"u2": {"i9"}}


def test_last_word__leave_last_cuts_where_the_last_liked_event_lies(tmp_path):
    window = '[window]\nsplit = "leave_last"\n'
    rows = ["u1,i8,2024-01-01,5", "u1,i9,2024-01-02,5", "u1,i8,2024-01-03,1"]  # i8 was liked until the cut
    rows += ["u2,i9,2024-01-01,5", "u2,i9,2024-01-02,1", "u2,i8,2024-01-03,5", "u2,i7,2024-01-04,5"]
    rows += ["u7,i9,2024-01-01,5", "u7,i8,2024-01-02,5"]

    weights, _, _, spec = prepare(tmp_path, window + RATED + LAST, rows)

    assert set(weights) == {("u1", "i8"), ("u2", "i8"), ("u7", "i9")}
    held = relevant(tmp_path, spec)
    assert (held["u1"], held["u2"]) == ({"i9"}, set())
