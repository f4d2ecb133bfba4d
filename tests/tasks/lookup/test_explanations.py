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
from tasks.lookup.explanations import HISTORY, with_reasons
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
        names = [
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


def test_with_reasons__names_the_past_items_that_add_most(make, matrix):
    publication, factors = make()
    rows = [{"rank": 1, "item_id": "i3"}, {"rank": 2, "item_id": "i5"}]
    found = with_reasons(publication, "u04", rows, n=2)
    users, _ = wals.sides(matrix, CONFIG, GivenWeights())
    past, _ = matrix.by_user.row(4)
    parts = wals_contributions(users, 4, factors.item_factors, np.array([3, 5]))

    assert [row["rank"] for row in found] == [1, 2]
    for row, part in zip(found, parts, strict=True):
        best = past[part.argmax()]
        assert row["because"][0] == {
            "item_id": f"i{best}",
            "title": f"Title {best}",
            "share": pytest.approx(part.max() / part[part > 0].sum(), abs=1e-4),
        }
        assert len(row["because"]) <= 2
        assert row["why"] == "shares of the score"


def test_with_reasons__an_unknown_user_is_told_so(make):
    publication, _ = make()
    (row,) = with_reasons(publication, "unknown user", [{"rank": 1, "item_id": "not even an item"}])

    assert (row["because"], row["why"][:25]) == ([], "unknown user: this is the")


def test_with_reasons__an_old_publication_says_what_to_do(make):
    publication, _ = make(with_history=False)

    with pytest.raises(ConfigurationError, match=r"shop/2026-01-01/a .* publish again"):
        with_reasons(publication, "u04", [{"rank": 1, "item_id": "i3"}])


def test_with_reasons__refuses_a_model_of_other_ids(make):
    publication, _ = make(wrong_hash=True)

    with pytest.raises(VocabularyMismatchError, match="users_sha256"):
        with_reasons(publication, "u04", [{"rank": 1, "item_id": "i3"}])
