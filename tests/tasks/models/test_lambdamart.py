from dataclasses import replace

import numpy as np
import pytest
import retail_split
from event_logs import grouped, random_log

from tasks.models import blend, lambdamart, wals
from tasks.models._lambdamart import NAMES
from tasks.models._lambdamart_signals import ABSENT, ITEM_SIGNALS, PAIR_SIGNALS, USER_SIGNALS, signals
from tasks.numeric.ranking import cold_start_list, recommend

SMALL = lambdamart.Config(
    candidates=blend.Config(
        taste=wals.Config(n_factors=8, iterations=4, unobserved_weight=0.3), inner_days=20, min_inner_events=0
    ),
    own_candidates=6,
    new_candidates=6,
    windows=3,
    forests=2,
    min_leaf=5,
)


def _fit(events, n_users=30, n_items=20, config=SMALL):
    return lambdamart.fit(grouped(events, n_users, n_items), config, rng=np.random.default_rng(7))


def _seen(scorer, users):
    """The blend's scores, (n_users, 20) by item code, each user's items that the trees see, and the table."""
    found = scorer.everything(users)
    places, table = scorer.seen(found, scorer.blend.weigh(found))
    return scorer.blend.scores(users), [found.items[each] for each in places], table


def _column(table, name):
    return table[:, NAMES.index(name)]


def test_scores__are_the_blends_lifted_by_the_trees(rng):
    scorer = _fit(random_log(rng))
    users = np.array([4, 0, 12])

    block, candidates, table = _seen(scorer, users)
    lifted = scorer.scores(users)

    lifts = scorer.forests.lift(table, n_threads=1)
    assert np.ptp(lifts) > 0
    ends = np.cumsum([len(items) for items in candidates])
    for line, items in enumerate(candidates):
        mine = lifts[ends[line] - len(items) : ends[line]]
        others = np.setdiff1d(np.arange(20), items)
        np.testing.assert_allclose(lifted[line, items], block[line, items] + mine, rtol=1e-5)
        np.testing.assert_allclose(lifted[line, others], block[line, others] + mine.min(), rtol=1e-5)


def test_seen__offers_the_best_own_and_the_best_new_items(rng):
    scorer = replace(_fit(random_log(rng)), n_own=2, n_new=3)
    users = np.arange(30)

    block, candidates, table = _seen(scorer, users)

    assert len(table) == sum(len(items) for items in candidates)
    for line, items in enumerate(candidates):
        mine = scorer.blend.past.row(line)[0]
        if not len(mine):
            assert not len(items)
            continue
        own, new = np.intersect1d(items, mine), np.setdiff1d(items, mine)
        assert (len(own), len(new)) == (min(2, len(mine)), 3)
        left = np.setdiff1d(np.arange(20), items)
        assert block[line, own].min() >= block[line, np.intersect1d(left, mine)].max(initial=-np.inf)
        assert block[line, new].min() >= block[line, np.setdiff1d(left, mine)].max(initial=-np.inf)


def test_scores__serve_a_user_who_has_had_every_item(rng):
    scorer = _fit([*random_log(rng), *((4, item, 70.0) for item in range(20))])

    _, (items,), _ = _seen(scorer, np.array([4]))

    assert len(scorer.blend.past.row(4)[0]) == 20
    assert len(items) == SMALL.own_candidates
    assert np.isfinite(scorer.scores(np.array([4]))).all()


def test_seen__tells_the_trees_what_is_known_of_user_item_and_pair():
    log = [(0, 0, 60.0), (0, 0, 20.0), (0, 1, 20.0), (1, 1, 5.0), (1, 2, 5.0), (-1, 2, 1.0), (2, 3, 45.0)]
    scorer = _fit(log, 3, 4)

    block, (items,), table = _seen(scorer, np.array([0]))

    order = items.tolist()
    assert sorted(order) == [0, 1, 2, 3]
    of = {item: dict(zip(NAMES, table[at].tolist(), strict=True)) for at, item in enumerate(order)}
    assert of[0]["baskets with it"] == 2
    assert of[0]["days since taken"] == 20
    assert of[0]["wait over own gap"] == pytest.approx(20 / 40)
    assert of[1]["share of baskets"] == 1
    assert of[1]["in the last basket"] == 1
    assert of[2]["baskets with it"] == ABSENT
    assert of[2]["share of guests"] == pytest.approx(1 - 2 / 4)
    assert of[3]["days unsold"] == 45
    assert of[0]["days on sale"] == 60
    assert of[2]["baskets of the user"] == pytest.approx(np.log(2))
    assert {each["days between the user's baskets"] for each in of.values()} == {40}
    assert [each["had before"] for each in of.values()].count(1) == 2
    assert of[1]["the blend's score"] == pytest.approx(block[0, 1])
    assert sorted(each["the blend's place"] for each in of.values()) == [1, 2, 3, 4]


def test_signals__have_a_column_for_each_name(rng):
    matrix = grouped(random_log(rng), 30, 20)

    found = signals(matrix)

    assert found.items.shape == (20, len(ITEM_SIGNALS))
    assert found.users.shape == (30, len(USER_SIGNALS))
    assert found.pairs.shape == (matrix.nnz, len(PAIR_SIGNALS))
    assert not np.isinf(found.items).any()
    assert not np.isinf(found.pairs).any()


def test_fit__learns_when_an_item_is_due_which_no_sum_of_signals_tells():
    """Two items are taken in turn, each every 40 days, and two were given up: due is neither the latest nor the oldest."""
    rng = np.random.default_rng(2)
    events, due = [], []
    for user in range(120):
        recent, waits, *given_up = rng.choice(20, size=4, replace=False).tolist()
        for item, phase in ((recent, 0), (waits, 20)):
            events += [(user, item, phase + float(rng.uniform(0, 20)) + 40 * turn) for turn in range(5)]
        events += [(user, item, 100 + float(rng.uniform(0, 100))) for item in given_up for _ in range(5)]
        due.append(waits)

    scorer = _fit(events, 120, 20, SMALL.model_copy(update={"windows": 6}))

    first, _ = recommend(scorer, np.arange(120), 1)
    by_blend, _ = recommend(scorer.blend, np.arange(120), 1)
    assert np.mean(first[:, 0] == due) > 0.8
    assert np.mean(by_blend[:, 0] == due) < 0.4


def test_fit__leaves_everything_to_the_blend_where_nothing_can_be_learned():
    log = [
        (user, item, 3.0) for user in range(5) for item in range(5)
    ]  # one moment: no window reaches behind it

    scorer = _fit(log, 6, 6)

    assert scorer.trees == ()
    np.testing.assert_array_equal(scorer.scores(np.arange(6)), scorer.blend.scores(np.arange(6)))


def test_explain__adds_the_signal_that_the_trees_go_by(rng):
    matrix = grouped(random_log(rng), 30, 20)
    scorer = lambdamart.fit(matrix, SMALL, rng=np.random.default_rng(7))
    items = recommend(scorer, np.array([4]), 5)[0][0]

    config = SMALL.settled(matrix, rng=np.random.default_rng(7))
    found = lambdamart.explain(scorer, matrix.by_user, 4, items, config)

    plain = blend.explain(scorer.blend, matrix.by_user, 4, items, config.candidates)
    assert [each.past for each in found] == [each.past for each in plain]
    added = [new.how.removeprefix(old.how) for new, old in zip(found, plain, strict=True)]
    assert any(text.startswith("; ") and text[2:].rpartition(" +")[0] in NAMES for text in added)


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize(("split", "figure"), [("validation", 0.198), ("test", 0.262)])
def test_lambdamart__reaches_its_measured_precision_on_online_retail(split, figure):
    matrix, baskets = retail_split.load(split)

    scorer = lambdamart.fit(matrix, lambdamart.Config(), rng=np.random.default_rng(7))

    lists, _ = recommend(scorer, np.arange(matrix.n_users), 5)
    assert (
        abs(retail_split.precision_at_5(lists, cold_start_list(scorer.cold_start, 5), baskets) - figure)
        <= 0.002
    )
