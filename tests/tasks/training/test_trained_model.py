"""A trained model under its name, and the source that a step's key depends on."""

import pytest

from data_contracts.dataset_sections import ModelSection
from tasks.runtime import store
from tasks.training.trained_model import TrainedModel, model_code


@pytest.fixture
def artifact(home):
    return store.obtain("train", {"x": 1}, "code", lambda folder: {})


def test_model_code__names_the_module_of_a_section_and_of_a_trained_model(artifact):
    section = ModelSection(kind="wals")
    trained = TrainedModel("mine", section, artifact)

    assert model_code("choice")({"name": "mine", "choice": section}) == ("tasks.models.wals",)
    assert model_code("model")({"model": trained, "seed": 1}) == ("tasks.models.wals",)


def test_trained_model__its_name_kind_and_artifact_are_part_of_a_key(artifact):
    models = [
        TrainedModel("mine", ModelSection(kind="wals"), artifact),
        TrainedModel("other", ModelSection(kind="wals"), artifact),
        TrainedModel("mine", ModelSection(kind="bpr"), artifact),
        TrainedModel("mine", ModelSection(kind="wals"), store.obtain("train", {"x": 2}, "", lambda _: {})),
    ]

    assert len({store.key_of("evaluate", {"model": each}, "code") for each in models}) == 4
