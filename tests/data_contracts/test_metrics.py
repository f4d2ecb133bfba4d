import pytest

from data_contracts.metrics import METRICS, is_better, metric_name, parse_metric


def test_parse_metric__reads_what_metric_name_writes():
    for base, metric in METRICS.items():
        k = 10 if metric.takes_k else None
        found = parse_metric(metric_name(base, k))

        assert (found.metric, found.k, found.name) == (metric, k, metric_name(base, k))


@pytest.mark.parametrize(
    "name",
    [
        "precision",
        "precision@",
        "precision@0",
        "precision@-1",
        "auc@5",
        "@5",
        "rmse@5",
        "rmse@",
        "precision@²",
    ],
)
def test_parse_metric__says_which_names_exist(name):
    with pytest.raises(ValueError, match=r"write NAME@K with NAME one of precision, recall.*; or rmse, mae"):
        parse_metric(name)


@pytest.mark.parametrize(
    ("base", "k", "said"),
    [
        ("auc", 5, "is unknown"),
        ("ndcg", 0, "takes k >= 1"),
        ("ndcg", None, "takes k >= 1"),
        ("mae", 5, "takes no k"),
    ],
)
def test_metric_name__refuses_what_parse_metric_would_not_read(base, k, said):
    with pytest.raises(ValueError, match=said):
        metric_name(base, k)


def test_registry__every_metric_says_what_it_is():
    assert all(name == metric.name and len(metric.definition) > 20 for name, metric in METRICS.items())
    assert {metric.name for metric in METRICS.values() if metric.direction == "lower"} == {"rmse", "mae"}
    assert {metric.reads for metric in METRICS.values()} == {"lists", "baskets", "ratings", "next_items"}
    assert [metric.name for metric in METRICS.values() if not metric.per_unit] == ["coverage"]


def test_gain__is_positive_for_the_better_one_in_either_direction():
    assert is_better(METRICS["ndcg"], 0.3, 0.2)
    assert is_better(METRICS["rmse"], 0.8, 0.9)
    assert not is_better(METRICS["rmse"], 0.9, 0.9)
