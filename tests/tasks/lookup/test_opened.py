"""Answers of look-ups, against the lists that were published."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lookup_shop import FORMER, ITEMS, LISTS, POPULAR, publish_shop

from data_contracts.errors import ConfigurationError, DamagedError, UnknownItemError
from tasks.lookup import OpenPublication, open_publication


@pytest.fixture
def shop(home, tmp_path):
    return OpenPublication(publish_shop(tmp_path))


def ids(answer):
    return [int(item.item_id[1:]) for item in answer.items]


@pytest.mark.parametrize("user", LISTS)
def test_recommend__gives_each_user_the_published_list(shop, user):
    answer = shop.recommend(user, 10)

    assert tuple(ids(answer)) == LISTS[user]
    assert [item.rank for item in answer.items] == list(range(1, len(answer.items) + 1))
    assert [item.score for item in answer.items] == pytest.approx(
        [1 / rank for rank in range(1, len(answer.items) + 1)]
    )


@pytest.mark.parametrize(
    ("user", "source", "model"),
    [("a/b", "model", "popularity"), (FORMER, "cold_start", "recent"), ("nobody", "popular", "recent")],
)
def test_recommend__says_where_a_list_comes_from(shop, user, source, model):
    answer = shop.recommend(user)

    assert (answer.source, answer.model) == (source, model)
    assert (answer.publication, str(answer.as_of), answer.dataset) == ("first", "2026-01-01", "shop")


def test_recommend__shows_titles_where_items_have_one(shop):
    assert [item.title for item in shop.recommend("É 🧦").items] == [None, "Item 0", "Item 1"]


def test_recommend__goes_on_where_the_last_page_ended(shop):
    page = shop.recommend("a/b", 2, offset=2)

    assert ids(page) == [2, 3]
    assert [item.rank for item in page.items] == [3, 4]
    assert not page.short
    assert shop.recommend("a/b", 2, offset=3).short


def test_recommend__fills_with_popular_items_what_an_exclusion_took_away(shop):
    answer = shop.recommend("c%20d", 3, exclude=["i3", "no such item"])

    assert ids(answer) == [2, 4, 1]
    assert (answer.filled, answer.short) == (2, False)


def test_recommend__shows_one_category_alone(shop):
    assert ids(shop.recommend("a/b", 10, category="Acme")) == [0, 1, 3]
    assert ids(shop.recommend("a/b", 10, category="brand:Bolt")) == [2, 3]
    assert ids(shop.recommend("a/b", 10, category="nothing has this")) == []


def test_recommend__gives_every_answer_an_id_of_its_own(shop):
    assert shop.recommend("a/b").recommendation_id != shop.recommend("a/b").recommendation_id


@given(
    user=st.sampled_from([*LISTS, "nobody", "\ud800"]),
    n=st.integers(1, 6),
    excluded=st.sets(st.sampled_from(ITEMS)),
    forbidden=st.sets(st.integers(0, 4)),
    category=st.sampled_from([None, "Acme", "brand:Bolt"]),
)
@settings(max_examples=60, deadline=None)
def test_look_ups__never_show_what_is_excluded_or_forbidden(
    every_shop, user, n, excluded, forbidden, category
):
    shop = every_shop
    shop.forbidden = frozenset(forbidden)
    answers = [
        shop.recommend(user, n, exclude=excluded, category=category),
        shop.popular(n, exclude=excluded, category=category),
        shop.similar("i2", n, exclude=excluded, category=category),
    ]
    for answer in answers:
        shown = [item.item_id for item in answer.items]
        assert not excluded & set(shown)
        assert not forbidden & set(ids(answer))
        assert len(set(shown)) == len(shown) <= n
        assert answer.short == (len(shown) < n)


@pytest.fixture(scope="module")
def every_shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHELFTALKER_HOME", str(folder / "home"))
        yield OpenPublication(publish_shop(folder))


def test_users_for__gives_nobody_an_item_that_is_withdrawn(shop):
    assert [user.user_id for user in shop.users_for("i1").users] == ["a/b", "c%20d"]
    assert [user.user_id for user in shop.users_for("i1", exclude=["a/b"]).users] == ["c%20d"]
    shop.forbidden = frozenset([1])
    assert shop.users_for("i1").users == ()


def test_popular__is_the_list_of_unknown_users(shop):
    assert tuple(ids(shop.popular())) == POPULAR


@pytest.mark.parametrize("ask", ["similar", "users_for", "item_factors"])
def test_look_ups__name_an_item_that_is_not_there(shop, ask):
    with pytest.raises(UnknownItemError, match="'I0' is not in the catalogue"):
        getattr(shop, ask)("I0")


def test_look_ups__say_where_a_model_has_no_factors(shop):
    with pytest.raises(
        ConfigurationError, match="'popularity' of published/shop/2026-01-01/first has no factors"
    ):
        shop.user_factors("a/b")


def test_open_publication__opens_what_is_live_or_an_earlier_run(home, tmp_path):
    publish_shop(tmp_path, "first")
    publish_shop(tmp_path, "second", day=2)

    assert open_publication("shop").publication.run == "second"
    assert open_publication("shop", "fi").publication.run == "first"
    with pytest.raises(ConfigurationError, match="no single publication 'x'; there are: first"):
        open_publication("shop", "x")


def test_open_publication__answers_the_same_without_the_index_of_an_earlier_version(home, tmp_path):
    indexed = OpenPublication(publish_shop(tmp_path, "with"))
    plain = OpenPublication(publish_shop(tmp_path, "without", indexed=False))

    for user in (*LISTS, "nobody"):
        assert ids(plain.recommend(user)) == ids(indexed.recommend(user))
    with pytest.raises(ConfigurationError, match="knows no labels of items"):
        plain.recommend("a/b", category="Acme")


def test_open_publication__makes_an_index_of_another_layout_anew(home, tmp_path, monkeypatch):
    publication = publish_shop(tmp_path)
    monkeypatch.setattr("tasks.lookup.columns.VERSION", 2)

    assert ids(OpenPublication(publication).recommend("c%20d")) == list(LISTS["c%20d"])
    with pytest.raises(ConfigurationError, match="knows no labels of items"):
        open_publication("shop").recommend("a/b", category="Acme")


@pytest.mark.parametrize("file", ["lookup/user_items.codes", "lookup/items.bytes", "predictions.parquet"])
def test_open_publication__refuses_a_file_that_changed(home, tmp_path, file):
    publication = publish_shop(tmp_path)
    path = publication.folder / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(DamagedError, match=file):
        open_publication("shop")


def test_index__finds_every_id_of_many(home, tmp_path, rng):
    import pyarrow as pa

    from tasks.lookup.index import _write_texts
    from tasks.lookup.mapped import Texts

    words = sorted({bytes(rng.integers(97, 123, 5)).decode() + "é" * int(n) for n in rng.integers(0, 3, 300)})
    _write_texts(tmp_path, "words", pa.array(words, pa.large_string()))
    texts = Texts(tmp_path, "words")
    places = [texts.find(word, 0, len(texts)) for word in words]

    assert np.array_equal(places, np.arange(len(words)))
    assert texts.find("zzzzzz", 0, len(texts)) == -1
