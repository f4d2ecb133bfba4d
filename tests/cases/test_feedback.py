"""What a value says of an event: the last word, returns, dislikes, and values that say nothing."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest
from event_logs import grouped
from small_logs import COLUMNS, dataset, run, write_csv

from data_contracts.feedback_section import FeedbackSection
from data_contracts.identifiers import Vocabulary
from tasks import models
from tasks.models import personal_frequency
from tasks.preparation.grouping import group, open_grouped
from tasks.preparation.holdout import map_holdout
from tasks.preparation.mapping import make_vocabularies
from tasks.preparation.not_positive import warnings_of
from tasks.preparation.seen import FORMER_USERS, is_needed, remember
from tasks.preparation.splitting import windows

RATED = '[feedback]\nkind = "rating"\nthreshold = 4.0\n'
LAST = '[grouping]\nmerge = "last"\n'
OTHERS = ["u8,i8,2024-01-01,5", "u8,i9,2024-01-01,5", "u9,i8,2024-01-01,5", "u9,i9,2024-01-01,5"]
"""Two users and two items that are always there: a log of less is refused."""


def prepare(folder, sections, rows, part="train", others=OTHERS):
    """The log as one part of a run's windows: the matrix as {(user, item): weight}, the matrix, and the facts."""
    spec = dataset(folder, sections, columns=COLUMNS + 'value = "value"\n')
    run(folder, spec, write_csv(folder, [*rows, *others], header="user,item,time,value"))
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


QUANTITY = '[feedback]\nkind = "quantity"\n'
WEIGHT = '[feedback]\nkind = "rating"\nas_weight = true\n'
DURATION = '[feedback]\nkind = "duration"\n'
BOUGHT_AND_RETURNED = [
    "u1,i8,2024-01-01,5",
    "u1,i8,2024-01-03,2",
    "u1,i8,2024-01-02,-3",  # 4 are left, all of the first purchase
    "u1,i9,2024-01-01,2",
    "u1,i9,2024-01-05,-2",  # nothing is left
    "u2,i9,2024-01-01,0",
    "u2,i8,2024-01-01,-1",  # bought before the log begins
    "u2,i7,2024-01-01,3",
]


@pytest.mark.parametrize("rows", [BOUGHT_AND_RETURNED, BOUGHT_AND_RETURNED[::-1]])
@pytest.mark.parametrize(("merge", "i8"), [("sum", 4.0), ("last", 4.0), ("max", 4.0)])
def test_quantity__returns_are_taken_off_and_zero_is_no_observation(tmp_path, rows, merge, i8):
    sections = QUANTITY + f'[grouping]\nmerge = "{merge}"\n'

    weights, matrix, facts, _ = prepare(tmp_path, sections, rows, "full")

    assert weights == {("u1", "i8"): i8, ("u2", "i7"): 3.0}
    assert matrix.history.values.min() == 3.0
    assert (facts["zero_events"], facts["negative_events"], facts["dropped_pairs"]) == (1, 3, 3)
    assert facts["events"] == len(matrix.history.items) == 6


def test_quantity__fractions_net_to_nothing_exactly(tmp_path):
    rows = ["u1,i8,2024-01-01,0.1", "u1,i8,2024-01-02,0.2", "u1,i8,2024-01-03,-0.3", "u1,i9,2024-01-03,0.3"]

    assert prepare(tmp_path, QUANTITY, rows, "full")[0] == {("u1", "i9"): pytest.approx(0.3)}


def test_quantity__an_old_purchase_fades_and_its_return_does_not_outweigh_it(tmp_path):
    rows = ["u1,i8,2024-01-01,2", "u1,i8,2024-02-28,-1"]

    weights = prepare(tmp_path, QUANTITY + "[grouping]\nhalf_life_days = 10\n", rows, "full")[0]

    assert weights == {("u1", "i8"): pytest.approx(2**-6, rel=1e-3)}  # 60 days before March


def test_quantity__a_return_in_the_hold_out_is_not_wanted_and_changes_no_training(tmp_path):
    rows = ["u1,i8,2024-01-01,1", "u1,i8,2024-02-10,-1", "u1,i9,2024-02-10,2", "u1,i9,2024-02-11,-1"]

    weights, _, facts, spec = prepare(tmp_path, QUANTITY, rows)

    assert weights == {("u1", "i8"): 1.0}
    assert relevant(tmp_path, spec) == {"u1": {"i9"}}
    assert facts["negative_events"] == 0


@pytest.mark.parametrize("merge", ["sum", "last", "max"])
def test_rating_as_weight__dislikes_are_no_feedback_but_were_had(tmp_path, merge):
    rows = ["u1,i8,2024-01-01,-1", "u1,i9,2024-01-01,0.5", "u2,i8,2024-01-01,0", "u2,i9,2024-01-01,-0.5"]
    rows += ["u3,i8,2024-01-01,1", "u3,i8,2024-01-02,-1"]  # the last word is that of merge = last only
    sections = WEIGHT + f'[grouping]\nmerge = "{merge}"\n'

    weights, _, facts, spec = prepare(tmp_path, sections, rows, "full")

    liked = {("u1", "i9"): 0.5} | ({} if merge == "last" else {("u3", "i8"): 1.0})
    assert weights == liked
    assert (facts["zero_events"], facts["negative_events"]) == (1, 3)
    assert facts["dropped_pairs"] == (4 if merge == "last" else 3)
    assert had(tmp_path, spec)["u1"] == had(tmp_path, spec)["u2"] == {"i8", "i9"}


def test_duration__a_visit_of_no_time_is_no_observation(tmp_path):
    rows = ["u1,i8,2024-01-01,0", "u1,i9,2024-01-01,5", "u2,i9,2024-01-01,-5"]

    weights, _, facts, spec = prepare(tmp_path, DURATION, rows, "full")

    assert set(weights) == {("u1", "i9")}
    assert (facts["zero_events"], facts["negative_events"], facts["dropped_pairs"]) == (1, 1, 2)
    assert had(tmp_path, spec)["u1"] == {"i9"}


def test_count__asks_for_no_values(tmp_path):
    weights, _, facts, _ = prepare(tmp_path, "", BOUGHT_AND_RETURNED, "full")

    assert sum(weights.values()) == len(BOUGHT_AND_RETURNED)
    assert "zero_events" not in facts


def test_warnings__say_what_is_left_out_and_nothing_where_nothing_is():
    facts = {"zero_events": 0, "negative_events": 1200, "missing_value_events": 0, "dropped_pairs": 7}

    (said,) = warnings_of(facts, FeedbackSection(kind="quantity"))

    assert "1,200 below 0" in said
    assert "returns" in said
    assert "7 pairs" in said
    assert not warnings_of(facts | {"negative_events": 0}, FeedbackSection(kind="quantity"))
    assert not warnings_of({}, FeedbackSection())


def had(folder, spec):
    """What users had before the run's day: {user: items}, users without feedback, too."""
    selection = windows(spec, date(2024, 3, 1), seed=0).full
    assert is_needed(selection)
    remember(folder / "out" / "events.parquet", folder, folder, selection, folder)
    users, items = ids(folder)
    users = users + pq.read_table(folder / FORMER_USERS).column(0).to_pylist()
    indptr, codes = (np.load(folder / f"seen_{part}.npy") for part in ("indptr", "indices"))
    return {
        user: {items[code] for code in codes[indptr[row] : indptr[row + 1]]} for row, user in enumerate(users)
    }


STAGES = '[feedback]\nkind = "ordinal"\nlabels = ["view", "cart", "save", "buy"]\n'
VIEWED_OFTEN_BOUGHT_SELDOM = [
    *(f"u1,viewed,2024-01-{day:02},view" for day in range(1, 8)),
    *(f"u1,bought,2024-01-{day:02},buy" for day in range(1, 4)),
    "u2,viewed,2024-01-01,view",
    "u2,bought,2024-01-01,view",
]


@pytest.mark.parametrize("model", ["popularity", "recent_popularity", "personal_frequency"])
@pytest.mark.parametrize(("sections", "first"), [(STAGES, "bought"), ("", "viewed")])
def test_weights__reach_the_models_that_count_events(tmp_path, model, sections, first, rng):
    rows = VIEWED_OFTEN_BOUGHT_SELDOM
    if not sections:  # a count does not ask for values, but they are read as numbers
        rows = [row.rsplit(",", 1)[0] + ",1" for row in rows]
    _, matrix, _, _ = prepare(tmp_path, sections, rows, "full", others=[])
    users, items = ids(tmp_path)

    module = models.load(model)
    scorer = module.fit(matrix, module.Config(), rng=rng)

    scores = scorer.scores(np.array([users.index("u1")]))[0]
    assert items[int(np.argmax(scores))] == first
    assert items[int(np.argmax(scorer.cold_start))] == first


def test_weights__timeline_and_histories_hold_the_same(tmp_path):
    rows = ["u1,i8,2024-02-29,2.5", "u1,i8,2024-02-29,1", ",i8,2024-02-29,4", "u2,i9,2024-02-28,0.5"]

    _, matrix, _, _ = prepare(tmp_path, QUANTITY, rows, "full", others=[])

    assert matrix.timeline.counts.tolist() == [7.5, 0.5]
    assert sorted(matrix.history.values.tolist()) == [0.5, 1.0, 2.5]


def test_weights__a_half_life_of_the_pairs_does_not_fade_the_timeline(tmp_path):
    rows = ["u1,i8,2024-01-01,2", "u2,i9,2024-01-01,1"]

    _, matrix, _, _ = prepare(
        tmp_path, QUANTITY + "[grouping]\nhalf_life_days = 10\n", rows, "full", others=[]
    )

    assert matrix.item_events().tolist() == [2.0, 1.0]


def test_weights__popularity_decides_only_between_equal_weights(rng):
    # What user 0 took more of comes first, though item 1 is what everybody else takes.
    log = grouped([(0, 0, 5.0), (0, 1, 5.0), *[(1, 1, float(age)) for age in range(1, 30)]], 2, 3)
    light = np.full(len(log.history.items), 0.01, np.float32)
    light[0] = 0.03
    matrix = replace(log, history=replace(log.history, values=light))

    scores = personal_frequency.fit(matrix, personal_frequency.Config(), rng=rng).scores(np.array([0]))[0]

    assert np.argsort(-scores).tolist() == [0, 1, 2]
