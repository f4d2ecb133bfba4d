from datetime import date

import numpy as np
import pytest
from scipy.sparse import random_array
from tasks.lookup.fold_in import items_for_history

from data_contracts.errors import UnknownItemError
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import GroupedMatrix
from data_contracts.predictions import SIMILAR_ITEMS, SIMILAR_SCHEMA, ranked_rows
from tasks import models
from tasks.numeric.similar import similar_by_users
from tasks.publication.registry import Publication, publish
from tasks.training.serialization import save_scorer

N_ITEMS = 12


@pytest.fixture
def live(home, tmp_path, rng):
    """A publication of a small model of any kind, and the matrix behind it."""

    def make(kind, **parameters):
        import pyarrow.parquet as pq

        matrix = GroupedMatrix.from_csr(random_array((40, N_ITEMS), density=0.3, rng=rng, dtype=np.float32))
        module = models.load(kind)
        config = module.Config(**parameters).settled(matrix, rng=rng)
        scorer = module.fit(matrix, config, rng=rng)
        items = Vocabulary.from_ids("item_id", [f"i{n:02}" for n in range(N_ITEMS)])
        (tmp_path / "model").mkdir()
        save_scorer(scorer, tmp_path / "model")
        items.save(tmp_path / "items.parquet")
        alike = ranked_rows(SIMILAR_SCHEMA, items.ids, items, similar_by_users(matrix, 5), None)
        pq.write_table(alike, tmp_path / SIMILAR_ITEMS)
        publication = Publication(dataset="shop", as_of=date(2026, 1, 1), run="aaa")
        parts = {name: tmp_path / name for name in ("model", "items.parquet", SIMILAR_ITEMS)}
        publish(publication, parts, {"model": {"kind": kind, "parameters": config.model_dump(mode="json")}})
        return publication, matrix, scorer

    return make


def test_items_for_history__gives_a_trained_user_the_list_of_the_model(live):
    publication, matrix, scorer = live("wals", n_factors=4, iterations=20, weighting="binary")
    codes = matrix.by_user.row(3)[0]
    rows = items_for_history(publication, [f"i{code:02}" for code in codes], 3)
    scores = scorer.scores(np.array([3]))[0].copy()
    scores[codes] = -np.inf

    assert [row["item_id"] for row in rows] == [f"i{code:02}" for code in np.argsort(-scores)[:3]]
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert [row["score"] for row in rows] == pytest.approx(np.sort(scores)[::-1][:3].tolist(), abs=1e-4)


def test_items_for_history__adds_up_similar_items_where_a_model_cannot_fold_in(live):
    publication, _, _ = live("popularity")
    rows = items_for_history(publication, ["i00", "i01", "no such item"], 4)

    assert {"i00", "i01"}.isdisjoint(row["item_id"] for row in rows)
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert rows[0]["how"] == "similar items of this history, added up"


def test_items_for_history__says_when_nothing_is_known(live):
    publication, _, _ = live("popularity")

    with pytest.raises(UnknownItemError, match=r"none of the items \['x'\] is in the catalogue"):
        items_for_history(publication, ["x"], 4)
