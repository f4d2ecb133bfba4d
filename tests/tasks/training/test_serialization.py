import json
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.sparse import random_array

from data_contracts.errors import ContractError
from data_contracts.interactions import GroupedMatrix
from tasks.numeric.scorers import Factors, ItemScores, PersonalScores
from tasks.training.serialization import DESCRIPTION, load_scorer, save_scorer


def scorers(rng):
    matrix = GroupedMatrix.from_csr(random_array((9, 6), density=0.4, rng=rng, dtype=np.float32))
    yield Factors(rng.random((9, 4), np.float32), rng.random((6, 4), np.float32))
    yield Factors(rng.random((9, 4), np.float32), rng.random((6, 4), np.float32), rng.random(6, np.float32))
    yield ItemScores(rng.random(6), 9)
    yield PersonalScores(matrix.by_user, rng.random(6), rng.random(6))


@pytest.mark.parametrize("which", range(4))
def test_save_scorer__round_trips_every_kind(tmp_path, rng, which):
    scorer = list(scorers(rng))[which]
    save_scorer(scorer, tmp_path)
    loaded = load_scorer(tmp_path)

    assert type(loaded) is type(scorer)
    assert loaded.shape == (9, 6)
    np.testing.assert_array_equal(loaded.scores(np.arange(9)), scorer.scores(np.arange(9)))


@pytest.mark.parametrize(
    "name", ["os:system", "tasks.runtime.store:ArtifactRef", "data_contracts.scoring:np"]
)
def test_load_scorer__makes_no_class_but_scorers_of_ours(tmp_path, name):
    (tmp_path / DESCRIPTION).write_text(json.dumps({"class": name, "fields": {}}))

    with pytest.raises(ContractError, match="names class"):
        load_scorer(tmp_path)


def test_load_scorer__ignores_folders_in_array_names(tmp_path, rng):
    save_scorer(ItemScores(rng.random(6), 9), tmp_path)
    text = (tmp_path / DESCRIPTION).read_text().replace("items.npy", "../../items.npy")
    (tmp_path / DESCRIPTION).write_text(text)

    assert load_scorer(tmp_path).shape == (9, 6)


def test_save_scorer__says_what_cannot_be_kept(tmp_path):
    @dataclass
    class Odd:
        thing: object

    with pytest.raises(TypeError, match="field 'thing' of a scorer is a set"):
        save_scorer(Odd({1}), tmp_path)
