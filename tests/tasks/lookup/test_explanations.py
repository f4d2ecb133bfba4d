"""Reasons in look-ups, from nothing but what a publication holds."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.sparse import random_array

from data_contracts.errors import ConfigurationError, VocabularyMismatchError
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import GroupedMatrix
from data_contracts.predictions import (
    PREDICTIONS,
    PREDICTIONS_SCHEMA,
    STRANGERS,
    STRANGERS_SCHEMA,
    ranked_rows,
)
from data_contracts.published_files import HISTORY
from tasks.lookup import OpenPublication
from tasks.models import wals
from tasks.numeric.reasons import wals_contributions
from tasks.numeric.wals_side import GivenWeights
from tasks.publication.registry import Publication, publish
from tasks.training.serialization import save_scorer

CONFIG = wals.Config(n_factors=4, iterations=3, unobserved_weight=0.3)


@pytest.fixture
def matrix(rng):
    values = random_array((12, 9), density=0.4, rng=rng, dtype=np.float32)
    values.data = np.ceil(values.data * 4)
    return GroupedMatrix.from_csr(values)


@pytest.fixture
def make(home, tmp_path, matrix, rng):
    """A publication of a WALS model; returns it and the model's factors."""

    def publish_one(*, with_history=True, wrong_hash=False):
        users = Vocabulary.from_ids("user_id", [f"u{n:02}" for n in range(matrix.n_users)])
        items = Vocabulary.from_ids("item_id", [f"i{n}" for n in range(matrix.n_items)])
        users.save(tmp_path / "users.parquet")
        items.save(tmp_path / "items.parquet")
        titles = pa.table({"item_id": items.ids, "title": [f"Title {n}" for n in range(matrix.n_items)]})
        pq.write_table(titles, tmp_path / "titles.parquet")
        for folder in ("model", HISTORY):
            (tmp_path / folder).mkdir()
        factors = wals.fit(matrix, CONFIG, rng=rng)
        save_scorer(factors, tmp_path / "model")
        for part in ("indptr", "indices", "values"):
            np.save(tmp_path / HISTORY / f"by_user_{part}.npy", getattr(matrix.by_user, part))
        lists = (np.array([[3, 5]] * len(users), np.int32), np.array([[2, 1]] * len(users), np.float32))
        made = np.full(len(users), "wals")
        pq.write_table(ranked_rows(PREDICTIONS_SCHEMA, users.ids, items, lists, made), tmp_path / PREDICTIONS)
        first = (lists[0][:1], lists[1][:1])
        pq.write_table(ranked_rows(STRANGERS_SCHEMA, None, items, first, made[:1]), tmp_path / STRANGERS)
        names = [
            PREDICTIONS,
            STRANGERS,
            "users.parquet",
            "items.parquet",
            "titles.parquet",
            "model",
            *([HISTORY] if with_history else []),
        ]
        hashes = {"users_sha256": "0" * 64 if wrong_hash else users.sha256, "items_sha256": items.sha256}
        facts = {"kind": "wals", "parameters": CONFIG.model_dump(mode="json"), **hashes}
        one = Publication(dataset="shop", as_of=date(2026, 1, 1), run="a")
        publish(one, {name: tmp_path / name for name in names}, {"model": facts})
        return one, factors

    return publish_one


def test_recommend__names_the_past_items_that_add_most(make, matrix):
    publication, factors = make()
    found = OpenPublication(publication).recommend("u04", 2, explain=True).items
    users, _ = wals.sides(matrix, CONFIG, GivenWeights())
    past, _ = matrix.by_user.row(4)
    parts = wals_contributions(users, 4, factors.item_factors, np.array([3, 5]))

    assert [item.item_id for item in found] == ["i3", "i5"]
    for item, part in zip(found, parts, strict=True):
        best = past[part.argmax()]
        assert item.because[0].model_dump() == {
            "item_id": f"i{best}",
            "title": f"Title {best}",
            "share": pytest.approx(part.max() / part[part > 0].sum(), abs=1e-4),
        }
        assert len(item.because) <= 3
        assert item.why == "shares of the score"


def test_recommend__tells_an_unknown_user_so(make):
    publication, _ = make()
    item = OpenPublication(publication).recommend("unknown user", 1, explain=True).items[0]

    assert (item.because, item.why[:25]) == ((), "unknown user: this is the")


def test_recommend__of_an_old_publication_says_what_to_do(make):
    publication, _ = make(with_history=False)

    with pytest.raises(ConfigurationError, match=r"shop/2026-01-01/a .* publish again"):
        OpenPublication(publication).recommend("u04", explain=True)


def test_recommend__does_not_explain_by_a_model_of_other_ids(make):
    publication, _ = make(wrong_hash=True)

    with pytest.raises(VocabularyMismatchError, match="users_sha256"):
        OpenPublication(publication).recommend("u04", explain=True)


def test_factors__are_those_of_the_model(make):
    publication, factors = make()
    shop = OpenPublication(publication)

    assert shop.user_factors("u04").factors == pytest.approx(factors.user_factors[4].tolist())
    assert shop.item_factors("i3").factors == pytest.approx(factors.item_factors[3].tolist())
    assert shop.user_factors("nobody") is None
