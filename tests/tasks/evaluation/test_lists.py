from dataclasses import dataclass, replace

import numpy as np
import pytest
from event_logs import full_log, only, random_log
from holdouts import csr, holdout

from data_contracts.holdout import HeldOutEvents, HeldOutRatings
from tasks import models
from tasks.evaluation.lists import MARGIN, Subject, both_lists, make_lists, more_values
from tasks.models import Capability
from tasks.numeric.list_limits import ListLimits
from tasks.numeric.scorers import ItemScores

N_ITEMS = 5
COLD = np.array([0.1, 0.5, 0.4, 0.3, 0.2])


@dataclass
class Toy:
    """Everybody the same list; rates all 3; guesses the item after the last one."""

    lists: ItemScores

    @property
    def shape(self):
        return self.lists.shape

    def top_k(self, user_codes, k, *, exclude=None, allow=None):
        return self.lists.top_k(user_codes, k, exclude=exclude, allow=allow)

    def predict_ratings(self, user_codes, item_codes):
        return np.full(len(user_codes), 3.0, np.float32)

    def next_scores(self, sequences):
        scores = np.zeros((len(sequences.user_codes), N_ITEMS))
        last = sequences.indptr[1:] - 1
        known = np.diff(sequences.indptr) > 0
        scores[known, (sequences.items[last[known]] + 1) % N_ITEMS] = 1.0
        return scores


def _case():
    truth = holdout([0, -1, -1], [[1, 2], [3], [1]], n_items=N_ITEMS)
    events = HeldOutEvents(
        np.array([0, 0, 1, 2], np.int32),
        np.array([1, 2, 3, 1], np.int32),
        np.full(4, -1, np.int32),
        np.arange(4),
    )
    codes = np.array([0, -1], np.int32)
    ratings = HeldOutRatings(
        codes,
        np.array([1, 3], np.int32),
        np.array([5.0, 3.0], np.float32),
        np.array([0, 1], np.int32),
        codes,
    )
    # The last one is cold to the model, and had item 1 long ago.
    return replace(truth, past_rows=np.array([0, -1, 2], np.int32), events=events, ratings=ratings)


SEEN = csr([[1], [], [1]], N_ITEMS)


@pytest.fixture
def subject(monkeypatch):
    def make(*offers):
        spec = replace(models.load_spec("popularity"), offers=frozenset(offers))
        monkeypatch.setattr(models, "load_spec", lambda _kind: spec)
        scorer = Toy(ItemScores(np.array([5.0, 4.0, 3.0, 2.0, 1.0]), 2))
        return Subject("toy", scorer, COLD)

    return make


def test_make_lists__who_came_back_gets_the_cold_start_list_without_what_he_had(subject):
    made = make_lists(subject(), _case(), 3, SEEN)

    assert made.rows.tolist() == [[0, 2, 3], [1, 2, 3], [2, 3, 4]]
    assert made.cold_start.tolist() == [1, 2, 3]
    assert make_lists(subject(), _case(), 3, None).rows.tolist() == [[0, 1, 2], [1, 2, 3], [1, 2, 3]]


@pytest.mark.parametrize("kind", ["popularity", "personal_frequency", "wals", "bpr", "blend", "lambdamart"])
def test_both_lists__are_those_of_two_rankings(kind, rng):
    n_users, n_items = 60, 150
    events = random_log(rng, n_users=n_users, n_items=n_items, n_events=2_500)
    events += [
        (user, item, 3.0) for user in range(0, n_users - 1, 3) for item in range(1, 60)
    ]  # long histories
    module = models.load(kind)
    matrix = only(full_log(events, n_users, n_items), module.SPEC.needs | module.SPEC.uses)
    small = {"windows": 1, "rounds": 5} if kind == "lambdamart" else {}
    scorer = module.fit(matrix, module.Config(**small), rng=np.random.default_rng(1))
    truth = holdout([*range(0, n_users, 2), -1], [[1, 2]] * 31, n_items=n_items)
    subject = Subject(kind, scorer, rng.random(n_items), np.arange(n_items) != 4)

    made = both_lists(subject, truth, 5, matrix.by_user)

    assert (matrix.by_user.lengths() > MARGIN + 5).any()
    for scenario, seen in (("repeat", None), ("discovery", matrix.by_user)):
        alone = make_lists(subject, truth, 5, seen)
        np.testing.assert_array_equal(made[scenario].rows, alone.rows)
        np.testing.assert_array_equal(made[scenario].cold_start, alone.cold_start)


def _more(asked):
    truth = _case()
    lists = {
        "repeat": make_lists(asked, truth, 2, None),
        "discovery": make_lists(asked, truth, 2, SEEN),
    }
    return more_values(asked, lists, truth, None, SEEN, [1, 2])


def test_both_lists__what_is_blocked_is_in_neither(subject):
    seen, blocked = csr([[1, 2], [], [1, 3]], N_ITEMS), csr([[2], [], [3]], N_ITEMS)

    lists = both_lists(replace(subject(), blocked=blocked), _case(), 4, seen)

    for row, kept_out in ((0, 2), (2, 3)):
        assert kept_out not in lists["repeat"].rows[row]
        assert kept_out not in lists["discovery"].rows[row]
    assert 1 in lists["repeat"].rows[0]


def test_more_values__every_model_guesses_from_its_lists(subject):
    found = _more(subject())

    assert found["repeat"]["next_items"].columns["next_item_accuracy@2"].tolist() == [1, 0, 0, 1]
    # What was had before leaves lists and truth: events 0 and 3.
    assert found["discovery"]["next_items"].columns["next_item_accuracy@2"].tolist() == [1, 0]
    assert "ratings" not in found["repeat"]


def test_more_values__a_sequence_model_guesses_anew_after_each_event(subject):
    found = _more(subject(Capability.SEQUENCES))

    # Of nothing all are alike and the lower codes first; after item 1 comes 2.
    assert found["repeat"]["next_items"].columns["next_item_accuracy@1"].tolist() == [0, 1, 0, 0]
    assert found["repeat"]["next_items"].columns["next_item_accuracy@2"].tolist() == [1, 1, 0, 1]
    assert found["repeat"]["next_items"].clusters.tolist() == [0, 0, 1, 2]


def test_more_values__ratings_of_models_that_predict_them(subject):
    found = _more(subject(Capability.RATINGS))

    assert found["repeat"]["ratings"].columns["rmse"].tolist() == [4.0, 0.0]
    assert found["repeat"]["ratings"].columns["mae"].tolist() == [2.0, 0.0]
    assert found["discovery"]["ratings"].columns["mae"].tolist() == [0.0]


def test_both_lists__under_rules_are_those_that_are_published(subject):
    # Items 0 and 1 are of one brand, of which a list may hold one; user 0 must not see item 2.
    limits = ListLimits(csr([[0], [0], [], [], []], 1), np.ones(1, np.int32), np.zeros(1, np.int32))
    ruled = replace(subject(), limits=limits, blocked=csr([[2], [], []], N_ITEMS))

    made = both_lists(ruled, _case(), 3, SEEN)

    assert made["repeat"].rows.tolist() == [[0, 3, 4], [1, 2, 3], [1, 2, 3]]
    assert made["discovery"].rows.tolist() == [[0, 3, 4], [1, 2, 3], [2, 3, 4]]
    assert made["repeat"].cold_start.tolist() == [1, 2, 3]


def test_both_lists__blocked_items_alone_leave_one_ranking(subject):
    blocked = replace(subject(), blocked=csr([[2], [], []], N_ITEMS))

    made = both_lists(blocked, _case(), 3, SEEN)

    assert made["repeat"].rows.tolist() == [[0, 1, 3], [1, 2, 3], [1, 2, 3]]
    assert made["discovery"].rows.tolist() == [[0, 3, 4], [1, 2, 3], [2, 3, 4]]
