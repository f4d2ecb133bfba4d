"""What models need of a log, asked of the dataset file."""

import pytest
from small_logs import COLUMNS, dataset

from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ConfigurationError
from data_contracts.matrix_parts import NO_PARTS
from tasks import models
from tasks.models import ModelSpec, Need
from tasks.training.requirements import check_needs, matrix_parts

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
