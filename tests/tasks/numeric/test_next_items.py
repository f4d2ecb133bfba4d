from dataclasses import dataclass

import numpy as np
import pytest
from holdouts import csr, holdout

from data_contracts.holdout import HeldOutEvents
from data_contracts.interactions import History
from tasks.numeric import next_items
from tasks.numeric.next_items import MISSED, accuracy, new_events, ranks_in_lists, ranks_of_guesses

N_ITEMS = 6


@dataclass
class Echo:
    """Scores the items of the sequence by how late they came; keeps what it was shown."""

    shown: list

    def next_scores(self, sequences):
        scores = np.zeros((len(sequences.user_codes), N_ITEMS))
        for line, code in enumerate(sequences.user_codes):
            items = sequences.items[sequences.indptr[line] : sequences.indptr[line + 1]]
            self.shown.append((int(code), items.tolist()))
            for place, item in enumerate(items):
                scores[line, item] = place + 1
        return scores


def _case():
    truth = holdout([1, -1], [[0, 2, 3], [4]], n_items=N_ITEMS, unknown=[1, 0])
    events = HeldOutEvents(
        rows=np.array([0, 0, 0, 0, 1], np.int32),
        items=np.array([2, -1, 0, 3, 4], np.int32),
        baskets=np.full(5, -1, np.int32),
        guessed=np.arange(5),
    )
    history = History(
        np.array([0, 1, 3], np.int64), np.array([5, 0, 1], np.int32), np.zeros(3, np.float32), np.ones(3, np.float32)
    )  # fmt: skip
    return truth, events, history


def test_ranks_in_lists__finds_each_event_in_its_users_list():
    _, events, _ = _case()
    lists = np.array([[0, 3, -1], [-1, -1, -1]], np.int32)

    assert ranks_in_lists(lists, events).tolist() == [MISSED, MISSED, 0, 1, MISSED]


def test_ranks_of_guesses__shows_everything_before_each_event_and_nothing_after():
    truth, events, history = _case()
    model = Echo([])

    ranks = ranks_of_guesses(model, truth, events, history)

    # The unknown item cannot be shown, and cannot be guessed.
    assert model.shown == [(1, [0, 1]), (1, [0, 1, 2]), (1, [0, 1, 2]), (1, [0, 1, 2, 0]), (-1, [])]
    # Items are ranked 1, 0 then 2, 3, 4, 5 by code; 2 is third; 0 is third of (2, 1, 0); 3 comes after three.
    assert ranks.tolist() == [2, MISSED, 2, 3, 4]


def test_ranks_of_guesses__excluded_items_are_no_guess_and_blocks_change_nothing(monkeypatch):
    truth, events, history = _case()
    seen = csr([[], [0, 1], []], N_ITEMS)
    allow = np.array([True, True, True, True, True, False])
    whole = ranks_of_guesses(Echo([]), truth, events, history, exclude=seen, allow=allow)
    monkeypatch.setattr(next_items, "BLOCK_ROWS", 2)

    assert whole.tolist() == [0, MISSED, MISSED, 1, 4]
    assert (
        ranks_of_guesses(Echo([]), truth, events, history, exclude=seen, allow=allow).tolist()
        == whole.tolist()
    )
    assert new_events(truth, events, seen).tolist() == [True, True, False, True, True]


def test_accuracy__counts_ranks_below_k_of_guessed_events_alone():
    _, events, _ = _case()
    some = HeldOutEvents(events.rows, events.items, events.baskets, np.array([0, 3]))
    found = accuracy(np.array([4, 5], np.int32), some, [5, 10])

    assert found.columns["next_item_accuracy@5"].tolist() == [1.0, 0.0]
    assert found.columns["next_item_accuracy@10"].tolist() == [1.0, 1.0]
    assert found.clusters.tolist() == [0, 0]


def test_ranks_of_guesses__refuses_scores_of_another_shape():
    truth, events, history = _case()

    class Short:
        def next_scores(self, sequences):
            return np.zeros((1, 2))

    with pytest.raises(ValueError, match=r"next_scores must give \(5, 6\) numbers"):
        ranks_of_guesses(Short(), truth, events, history)
