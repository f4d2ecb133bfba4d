import math
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from benchmarks.models import __main__ as command
from benchmarks.models import _logs, next_baskets
from benchmarks.models._rows import Row
from tasks.numeric.scorers import ItemScores

LOG = pd.DataFrame(
    [
        ("a", "x", 7, 1.0),
        ("a", "y", 7, 1.0),
        ("a", "x", 3, 4.0),
        ("b", "z", 5, 2.0),
        ("b", "x", 9, 3.0),
        ("b", "y", 8, 3.0),
    ],
    columns=["user", "item", "basket", "day"],
)


def _later(both):
    return both.later.to_scipy().toarray().tolist()


def test_last_baskets__are_by_time_and_of_one_moment_by_number():
    one, two = _logs.last_baskets(LOG), _logs.last_baskets(LOG, 2)

    assert _later(one) == [[1, 0, 0], [1, 0, 0]]
    assert _later(two) == [[2, 1, 0], [1, 1, 0]]


def test_last_events__and_since():
    assert _later(_logs.last_events(LOG, 1))[0] == [1, 0, 0]
    assert _later(_logs.since(LOG, 3.0)) == [[1, 0, 0], [1, 1, 0]]
    assert _logs.since(LOG, 3.0).known.history.ages.tolist() == [2, 2, 1]


def test_cut__gives_the_known_part_with_baskets_and_ages():
    known = _logs.cut(LOG, np.array([False, False, True, False, True, False])).known

    assert known.by_user.to_scipy().toarray().tolist() == [[1, 1, 0], [0, 1, 1]]
    assert known.history.items.tolist() == [0, 1, 2, 1]
    assert known.history.baskets.tolist() == [0, 0, 0, 1]
    assert known.history.ages.tolist() == [4, 4, 3, 2]
    assert known.item_events().tolist() == [1, 2, 1]
    assert known.item_events(1.0).tolist() == [0.0625, 0.3125, 0.125]


def test_accuracy__is_over_the_whole_basket():
    known = _logs.cut(LOG, np.zeros(6, np.bool_)).known
    truth = csr_matrix(np.array([[0, 1.0, 2.0], [0, 0, 0]]))
    both = _logs.Cut(known, _logs.GroupedMatrix.from_csr(truth).by_user)

    found = _logs.accuracy(ItemScores(np.array([3.0, 2.0, 1.0]), 2), both, 2, seed=0)
    new = _logs.accuracy(ItemScores(np.array([3.0, 2.0, 1.0]), 2), both, 1, seed=0, new_only=True)

    assert found["recall@2"].value == found["precision@2"].value == 0.5
    assert found["ndcg@2"].value == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    assert new["recall@1"].value == 1.0  # z alone is new to the user, who had x and y


def test_next_baskets__trains_and_scores_every_candidate(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    rows = [
        (f"u{u}", f"i{i}", basket) for u in range(12) for basket in range(4) for i in rng.choice(9, 3, False)
    ]
    log = pd.DataFrame(rows, columns=["user", "item", "basket"])
    log.to_parquet(tmp_path / "ta_feng_baskets.parquet")
    monkeypatch.setattr(next_baskets, "MODELS", ("popularity", "up_cf"))
    monkeypatch.setattr(next_baskets, "K", 3)

    found = next_baskets.measure(tmp_path, 0)

    assert {row.model for row in found} == {"popularity", "up_cf", *next_baskets.PAPERS}
    assert [row.metric for row in found] == ["ndcg@3"] * 4 + ["recall@3"] * 4 + ["precision@3"] * 4
    assert all(0 <= row.low <= row.value <= row.high <= 1 for row in found)


def test_command__prints_a_table_with_what_others_published(monkeypatch, capsys):
    row = Row(model="mine", metric="m", value=0.25, low=0.2, high=0.3, published=0.5, published_by="them")
    case = SimpleNamespace(TITLE="A case", measure=lambda data, seed: [row])
    monkeypatch.setattr(command.importlib, "import_module", lambda name: case)
    monkeypatch.setattr(sys, "argv", ["models", "next_baskets"])

    command.main()

    out = capsys.readouterr().out
    assert "### A case" in out
    assert "| mine | m | 0.2500 (0.2000 to 0.3000) | 0.5000 | them |  |  |" in out
