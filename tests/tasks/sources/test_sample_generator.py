"""That each part of a customer's utility shows in what is bought."""

import numpy as np
import pytest

from tasks.sources.sample_catalogue import CATEGORIES, FIRST_DAY, N_DAYS, make_catalogue
from tasks.sources.sample_generator import make_lines

N_ITEMS, N_LINES = 300, 20_000


@pytest.fixture(scope="module")
def shop():
    return make_catalogue(np.random.default_rng(1), N_ITEMS)


@pytest.fixture(scope="module")
def lines(shop):
    return make_lines(np.random.default_rng(2), shop, 500, N_LINES)


def test_make_lines__are_in_order_and_no_basket_has_an_item_twice(lines):
    assert len(lines.item) == N_LINES
    assert (np.diff(lines.invoice) >= 0).all()
    assert (np.diff(lines.day * 1440 + lines.minute) >= 0).all()
    assert len(np.unique(lines.invoice * N_ITEMS + lines.item)) == N_LINES


def test_make_lines__nothing_is_sold_before_its_launch_or_after_its_end(shop, lines):
    assert (shop.launch > 0).any()
    assert (shop.end < N_DAYS).any()
    assert (lines.day >= shop.launch[lines.item]).all()
    assert (lines.day < shop.end[lines.item]).all()


def test_make_lines__what_is_new_sells_better_than_later(shop, lines):
    age = lines.day - shop.launch[lines.item]
    early = (shop.launch > 0) & (shop.launch < N_DAYS - 80)
    sold = early[lines.item]

    assert (sold & (age < 20)).sum() > 1.5 * (sold & (age >= 60) & (age < 80)).sum()


def test_make_lines__seasonal_goods_sell_in_their_season(shop, lines):
    month = (FIRST_DAY + lines.day).astype("datetime64[M]").astype(int) % 12 + 1
    christmas = shop.category[lines.item] == CATEGORIES.index("Christmas")

    share = [christmas[month == each].mean() for each in (6, 12)]
    assert share[1] > 5 * share[0]


def test_make_lines__what_is_used_up_is_bought_again_sooner_the_shorter_its_period(shop, lines):
    order = np.lexsort((lines.day, lines.item, lines.user))
    same = (np.diff(lines.user[order]) == 0) & (np.diff(lines.item[order]) == 0)
    gap, kind = np.diff(lines.day[order])[same], shop.category[lines.item[order]][1:][same]

    def typical(*names):
        return np.median(gap[np.isin(kind, [CATEGORIES.index(name) for name in names])])

    assert 1.4 * typical("Baby", "Pets", "Coffee") < typical("Spices", "Paper", "Gift Wrap", "Party")


def test_make_lines__customers_have_tastes_of_their_own(shop, lines):
    def own(user):
        """Share of a customer's lines that are of the three categories which they buy most, repeats left out."""
        pairs = np.unique(user * N_ITEMS + lines.item)
        counts = np.zeros((500, len(CATEGORIES)))
        np.add.at(counts, (pairs // N_ITEMS, shop.category[pairs % N_ITEMS]), 1)
        return np.sort(counts, axis=1)[:, -3:].sum() / counts.sum()

    shuffled = np.random.default_rng(3).permutation(lines.user)

    assert own(lines.user) > 1.2 * own(shuffled)


@pytest.mark.parametrize(("n_users", "n_items"), [(1, 30), (3, 31)])
def test_make_lines__a_tiny_shop_has_the_lines_asked_for(n_users, n_items):
    rng = np.random.default_rng(4)

    assert len(make_lines(rng, make_catalogue(rng, n_items), n_users, 1_000).item) == 1_000
