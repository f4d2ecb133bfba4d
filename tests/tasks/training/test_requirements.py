"""What models need of a log, asked of the dataset file."""

from dataclasses import replace

import pytest
from small_logs import COLUMNS, dataset

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ConfigurationError
from data_contracts.matrix_parts import NO_PARTS
from tasks import models
from tasks.models import Capability, ModelSpec, Need
from tasks.training.requirements import check_metric, check_needs, matrix_parts, with_models

FULL = COLUMNS + 'basket = "basket"\nvalue = "stars"\ntitle = "name"\nnumbers = ["price"]'
RATING = '[feedback]\nkind = "rating"\nthreshold = 4.0\n'


@pytest.fixture
def declare(monkeypatch):
    """Let every model declare this."""

    def declare(**given):
        monkeypatch.setattr(models, "load_spec", lambda _kind: ModelSpec(**given))
        return [ModelSection(kind="popularity")]

    return declare


@pytest.mark.parametrize("need", list(Need))
def test_check_needs__names_model_need_and_what_to_do(tmp_path, declare, need):
    sections = declare(needs=frozenset({need}))
    bare = dataset(tmp_path, columns='[columns]\nuser = "user"\nitem = "item"', split="random")

    with pytest.raises(ConfigurationError, match=f"'mine' .* needs {need.replace('_', ' ')}: write"):
        check_needs("mine", sections[0], bare)
    check_needs("mine", sections[0], dataset(tmp_path, RATING, columns=FULL))


def test_matrix_parts__are_those_that_a_model_asks_for_and_the_log_has(tmp_path, declare):
    full, plain = dataset(tmp_path, RATING, columns=FULL), dataset(tmp_path)

    assert matrix_parts(full, declare(needs=frozenset({Need.TIMES, Need.HISTORY}))) == NO_PARTS
    sections = declare(needs=frozenset({Need.RATINGS}), uses=frozenset({Need.BASKETS, Need.ITEM_FEATURES}))
    found = matrix_parts(full, sections)
    assert (found.ratings, found.baskets) == (True, True)
    assert found.item_features.numbers == ("price",)
    assert matrix_parts(plain, sections) == NO_PARTS


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


def test_with_models__of_nothing_changes_nothing(tmp_path):
    spec = dataset(tmp_path)

    assert with_models(spec, ()) == (spec, {})


def test_with_models__keeps_baselines_and_adds_kinds_with_their_defaults(tmp_path):
    chosen, lacking = with_models(dataset(tmp_path), ("wals", "lambdamart"))

    assert list(chosen.models) == [
        *("popularity", "recent_popularity", "personal_frequency", "als", "wals", "lambdamart")
    ]
    assert not chosen.models["lambdamart"].baseline
    assert lacking == {}


def test_with_models__all_adds_every_kind_that_the_log_can_feed_and_says_why_not_the_others(tmp_path):
    chosen, lacking = with_models(dataset(tmp_path), ("all",))

    assert {section.kind for section in chosen.models.values()} | set(lacking) == set(models.names())
    assert "needs ratings: write value" in lacking["predicts_ratings"]
    assert "lambdamart" in chosen.models


def test_with_models__refuses_a_name_that_is_no_model(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no model is called 'walls'; .* kinds .*wals"):
        with_models(dataset(tmp_path), ("walls",))
