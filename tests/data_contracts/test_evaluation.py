import dataclasses

import numpy as np
import pytest
from holdouts import holdout

from data_contracts.evaluation import METRICS, metric_name, parse_metric


def test_parse_metric__reads_what_metric_name_writes():
    for base in METRICS:
        assert parse_metric(metric_name(base, 10)) == (base, 10)


@pytest.mark.parametrize("name", ["precision", "precision@", "precision@0", "precision@-1", "auc@5", "@5"])
def test_parse_metric__says_which_names_exist(name):
    with pytest.raises(ValueError, match="write NAME@K with NAME one of precision, recall"):
        parse_metric(name)


@pytest.mark.parametrize(("base", "k"), [("auc", 5), ("ndcg", 0)])
def test_metric_name__refuses_what_parse_metric_would_not_read(base, k):
    with pytest.raises(ValueError, match="is unknown"):
        metric_name(base, k)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_relevant": np.array([1], np.int32)}, "2 users and 1 baskets have lengths"),
        ({"items": np.array([1], np.int32)}, "does not end at the number of its items"),
        ({"n_relevant": np.array([1, 1], np.int32)}, "row 0 says n_relevant = 1; .* its 2 known items"),
        ({"n_relevant": np.array([2, 0], np.int32)}, "row 1 says n_relevant = 0; every row needs at least 1"),
    ],
)
def test_holdout__refuses_parts_that_do_not_fit(change, message):
    whole = holdout([3, -1], [[1, 2], [4]], [(0, [1])], n_items=5)

    with pytest.raises(ValueError, match=message):
        dataclasses.replace(whole, **change)
