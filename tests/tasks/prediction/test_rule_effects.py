import numpy as np
from holdouts import csr

from data_contracts.identifiers import Vocabulary
from tasks.numeric.list_limits import ListLimits
from tasks.numeric.scorers import ItemScores
from tasks.prediction import rule_effects as module
from tasks.preparation.seen import Seen
from tasks.rules.applied import ItemRules

SCORER = ItemScores(np.array([4.0, 3.0, 2.0, 1.0]), 3)
"""Everybody's list of two is 0, 1."""


def test_effects__each_rule_is_counted_by_itself(monkeypatch):
    rules = ItemRules(
        {
            "never tags": np.array([True, False, False, True]),
            "withdrawn": np.array([True, True, False, False]),
        },
        np.array([False, False, True, False]),
        ListLimits(csr([[0], [0], [], []], 1), np.ones(1, np.int32), np.zeros(1, np.int32)),
        Seen(csr([[1, 2], [], [3]], 4), Vocabulary.from_ids("user_id", [])),
    )

    found = module.rule_effects(SCORER, rules, 2, seen=None, allow=None)

    assert (found.users, found.places) == (3, 6)
    assert found.taken == {"never tags": 3, "withdrawn": 6, "blocks": 1, "at_most": 3}
    monkeypatch.setattr(module, "COMPARED_USERS", 2)
    assert module.rule_effects(SCORER, rules, 2, seen=None, allow=None).users == 2
