from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy.sparse import random_array

from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import GroupedMatrix, History
from data_contracts.predictions import SIMILAR_ITEMS, SIMILAR_SCHEMA, ranked_rows
from tasks import models
from tasks.lookup import OpenPublication
from tasks.lookup.answers import SessionItem
from tasks.numeric.similar import similar_by_users
from tasks.publication.registry import Publication, publish
from tasks.training.serialization import save_scorer

N_ITEMS = 12


@pytest.fixture
def live(home, tmp_path, rng):
    """A publication of a small model of any kind, and the matrix behind it."""

    def make(kind, *, with_history=False, **parameters):
        import pyarrow.parquet as pq

        matrix = GroupedMatrix.from_csr(random_array((40, N_ITEMS), density=0.3, rng=rng, dtype=np.float32))
        if with_history:
            past = matrix.by_user
            ages = np.arange(past.nnz, 0, -1, dtype=np.float32)
            matrix = replace(matrix, history=History(past.indptr, past.indices, ages, past.values))
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


def named(*item_ids):
    return [SessionItem(item_id=each) for each in item_ids]


def test_for_session__gives_a_trained_user_the_list_of_the_model(live):
    publication, matrix, scorer = live("wals", n_factors=4, iterations=20, weighting="binary")
    codes = matrix.by_user.row(3)[0]
    answer = OpenPublication(publication).for_session(named(*(f"i{code:02}" for code in codes)), 3)
    scores = scorer.scores(np.array([3]))[0].copy()
    scores[codes] = -np.inf

    assert [item.item_id for item in answer.items] == [f"i{code:02}" for code in np.argsort(-scores)[:3]]
    assert [item.rank for item in answer.items] == [1, 2, 3]
    assert [item.score for item in answer.items] == pytest.approx(
        np.sort(scores)[::-1][:3].tolist(), abs=1e-4
    )
    assert (answer.source, answer.how) == ("fold_in", "the model applied to this history")


def test_for_session__asks_the_model_for_what_may_be_listed_alone(live):
    publication, _, _ = live("wals", n_factors=4, iterations=20, weighting="binary")
    shop = OpenPublication(publication)
    free = [item.item_id for item in shop.for_session(named("i00"), N_ITEMS).items]
    shop.forbidden = frozenset([shop.columns.find_item(free[0])])
    left = shop.for_session(named("i00"), N_ITEMS, exclude=[free[1]])

    assert free[0] != "i00"
    assert [item.item_id for item in left.items] == free[2:]
    assert left.short


def test_for_session__adds_up_similar_items_where_a_model_cannot_fold_in(live):
    publication, _, _ = live("popularity")
    answer = OpenPublication(publication).for_session(named("i00", "i01", "no such item"), 4)

    assert {"i00", "i01"}.isdisjoint(item.item_id for item in answer.items)
    assert [item.score for item in answer.items] == sorted(
        (item.score for item in answer.items), reverse=True
    )
    assert answer.how == "similar items of this history, added up"
    assert answer.unknown_items == ("no such item",)


def test_for_session__weighs_items(live):
    publication, _, _ = live("popularity")
    shop = OpenPublication(publication)
    heavy = shop.for_session([SessionItem(item_id="i00", weight=100), SessionItem(item_id="i01")], 1)

    assert heavy.items[0].item_id == next(
        shop.columns.items[code]
        for code, _ in shop.columns.similar_to(shop.columns.find_item("i00"))
        if shop.columns.items[code] != "i01"
    )


def test_for_session__of_nothing_known_is_the_popular_list(live):
    publication, _, _ = live("popularity")
    answer = OpenPublication(publication).for_session(named("x"), 4)

    assert (answer.source, answer.unknown_items) == ("popular", ("x",))


def test_for_session__follows_a_sequence_by_its_times(live):
    publication, _, _ = live("transitions", with_history=True)
    shop = OpenPublication(publication)
    given = [SessionItem(item_id="i01", time=2), SessionItem(item_id="i02", time=1)]

    assert shop.for_session(given, 5).items == shop.for_session(named("i02", "i01"), 5).items
    assert shop.for_session(given, 5).items != shop.for_session(named("i01", "i02"), 5).items
