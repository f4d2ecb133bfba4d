from dataclasses import replace

import pytest

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from tasks import models
from tasks.models import Capability
from tasks.training.requirements import check_metric

RATINGS = {
    "name": "shop",
    "source": {"path": "shop.csv"},
    "columns": {"user": "u", "item": "i", "time": "t", "value": "v"},
    "feedback": {"kind": "rating", "threshold": 4.0},
    "evaluation": {"metric": "rmse"},
    "models": {"popularity": {"baseline": True}, "wals": {}, "recent_popularity": {"baseline": True}},
}


def test_check_metric__names_the_baselines_where_none_predicts_ratings():
    spec = DatasetSpec.model_validate(RATINGS)

    with pytest.raises(ConfigurationError, match=r"none of the baselines \(popularity, recent_popularity\)"):
        check_metric(spec, spec.models)


def test_check_metric__one_baseline_that_predicts_ratings_is_enough(monkeypatch):
    spec = DatasetSpec.model_validate(RATINGS)
    able = replace(models.load_spec("popularity"), offers=frozenset({Capability.RATINGS}))
    real = models.load_spec
    monkeypatch.setattr(models, "load_spec", lambda kind: able if kind == "popularity" else real(kind))

    check_metric(spec, spec.models)
    assert spec.evaluation.list_k == 10


def test_check_metric__lists_need_no_ratings():
    spec = DatasetSpec.model_validate({**RATINGS, "evaluation": {"metric": "ndcg@10"}})

    check_metric(spec, spec.models)
