"""A made-up shop: its catalogue, its customers' tastes, and a year of what they buy."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CATEGORIES = (
    *("Kitchen", "Baking", "Tea", "Coffee", "Lighting", "Candles", "Bath", "Bedroom", "Desk", "Paper"),
    *("Gift Wrap", "Toys", "Baby", "Pets", "Bags", "Jewellery", "Scarves", "Tools", "Cycling", "Travel"),
    *("Party", "Vintage", "Frames", "Clocks", "Books", "Spices", "Garden", "Picnic", "Easter", "Christmas"),
)
SEASONS = {"Garden": (60, 210), "Picnic": (120, 250), "Easter": (60, 115), "Christmas": (285, 358)}
"""First and last day of the calendar year on which a seasonal category sells."""

_ADJECTIVES = (
    "Small",
    "Large",
    "Blue",
    "Red",
    "Green",
    "White",
    "Retro",
    "Striped",
    "Wooden",
    "Glass",
    "Set of 6",
)
_NOUNS = (
    "Box",
    "Holder",
    "Sign",
    "Cup",
    "Cloth",
    "Bowl",
    "Card",
    "Tin",
    "Hook",
    "Tray",
    "Case",
    "Ribbon",
    "Jar",
)

N_DAYS = 365
FIRST_DAY = np.datetime64("2024-07-01")
REPERTOIRE = 24
"""Items that a customer comes back for."""


@dataclass(frozen=True)
class Catalogue:
    """Products, grouped by category, the best seller of each category first.

    Parameters
    ----------
    codes, titles
        Text of each item.
    category
        int64 (n_items,).
    starts
        int64 (n_categories + 1,): items of category c are ``starts[c]:starts[c + 1]``.
    launch
        int64 (n_items,): first day of sale.
    price
        float64 (n_items,).

    """

    codes: npt.NDArray[np.str_]
    titles: npt.NDArray[np.str_]
    category: Ints
    starts: Ints
    launch: Ints
    price: Floats


def make_catalogue(rng: np.random.Generator, n_items: int) -> Catalogue:
    """Draw a catalogue; a tenth of the items is launched during the year."""
    category = np.sort(np.arange(n_items) % len(CATEGORIES))
    starts = np.searchsorted(category, np.arange(len(CATEGORIES) + 1))
    numbers = 20_000 + rng.permutation(60_000)[:n_items]
    letters = np.where(rng.random(n_items) < 0.3, rng.choice(list("ABCDEFG"), n_items), "")
    launch = np.where(rng.random(n_items) < 0.1, rng.integers(30, N_DAYS - 20, n_items), 0)
    launch[starts[:-1][starts[:-1] < n_items]] = 0
    first, second = rng.choice(_ADJECTIVES, n_items), rng.choice(_NOUNS, n_items)
    titles = [
        f'{CATEGORIES[kind]} {noun}, "{adjective}" no. {at % 100}'
        if at % 40 == 7
        else f"{adjective} {CATEGORIES[kind]} {noun} {at % 100}"
        for at, (kind, adjective, noun) in enumerate(zip(category, first, second, strict=True))
    ]
    price = np.round(np.exp(rng.normal(1.2, 0.8, n_items)) + 0.25, 1) + 0.05
    codes = np.char.add(numbers.astype(np.str_), letters)
    return Catalogue(codes, np.array(titles), category, starts, launch, price)


@dataclass(frozen=True)
class Lines:
    """Invoice lines in order of time: parallel arrays.

    Parameters
    ----------
    invoice, user, item, day, minute, quantity
        int64 (n_lines,).

    """

    invoice: Ints
    user: Ints
    item: Ints
    day: Ints
    minute: Ints
    quantity: Ints


def make_lines(rng: np.random.Generator, shop: Catalogue, n_users: int, n_lines: int) -> Lines:
    """Draw a year of purchases: tastes, favourites bought again, seasons, newcomers."""
    taste = np.cumsum(_tastes(rng, n_users), axis=1)
    favourites = _draw(rng, shop, taste, np.repeat(np.arange(n_users), REPERTOIRE)).reshape(
        n_users, REPERTOIRE
    )
    n_drawn = n_lines + n_lines // 4
    invoice, user, day, minute = _invoices(rng, n_users, n_drawn)
    again = rng.random(n_drawn) < 0.55
    # Of their favourites, customers like the first ones best.
    place = np.minimum(rng.geometric(0.15, n_drawn) - 1, REPERTOIRE - 1)
    item = np.where(again, favourites[user, place], _draw(rng, shop, taste, user))
    item = _in_season(rng, shop, item, day)
    # Before an item is launched, its category's best seller is bought in its place.
    item = np.where(shop.launch[item] <= day, item, shop.starts[shop.category[item]])
    quantity = np.where(rng.random(n_drawn) < 0.1, 12, rng.geometric(0.5, n_drawn))
    kept = _one_line_an_item(rng, invoice * len(shop.codes) + item, n_lines)
    return Lines(*(part[kept] for part in (invoice, user, item, day, minute, quantity)))


def _one_line_an_item(rng: np.random.Generator, pair: Ints, n_lines: int) -> Ints:
    """Choose `n_lines` lines, no pair of invoice and item twice while there are enough different ones."""
    _, first = np.unique(pair, return_index=True)
    if len(first) >= n_lines:
        chosen: Ints = rng.choice(first, n_lines, replace=False)
    else:
        rest = np.setdiff1d(np.arange(len(pair)), first)
        chosen = np.concatenate([first, rest[: n_lines - len(first)]])
    return np.sort(chosen)


def _tastes(rng: np.random.Generator, n_users: int) -> Floats:
    """Share of each category for each customer: a few matter, and some matter to many."""
    common = rng.dirichlet(np.full(len(CATEGORIES), 2.0))
    return rng.dirichlet(3.0 * common + 0.02, n_users)


def _draw(rng: np.random.Generator, shop: Catalogue, taste: Floats, user: Ints) -> Ints:
    """One item for each entry of `user`: a category by taste, then an item by its rank in it."""
    drawn = rng.random(len(user))[:, None]
    kind = np.minimum((taste[user] < drawn).sum(axis=1), len(CATEGORIES) - 1)
    size = np.maximum(shop.starts[kind + 1] - shop.starts[kind], 1)
    # Zipf: the rank's logarithm is even between 0 and the category's size.
    rank = np.floor(np.exp(rng.random(len(user)) * np.log(size + 1)) - 1).astype(np.int64)
    item: Ints = np.minimum(shop.starts[kind] + rank, len(shop.codes) - 1)
    return item


def _in_season(rng: np.random.Generator, shop: Catalogue, item: Ints, day: Ints) -> Ints:
    """Out of season, four of five buy something else; in season, some buy what everybody buys."""
    # The shop's year starts in July; seasons are days of the calendar year.
    dates = FIRST_DAY + day
    of_year = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) + 1
    for name, (first, last) in SEASONS.items():
        kind = CATEGORIES.index(name)
        inside = (of_year >= first) & (of_year <= last)
        leave = (shop.category[item] == kind) & ~inside & (rng.random(len(item)) < 0.8)
        item = np.where(leave, rng.integers(0, len(shop.codes), len(item)), item)
        size = max(int(shop.starts[kind + 1] - shop.starts[kind]), 1)
        rank = np.floor(np.exp(rng.random(len(item)) * np.log(size + 1)) - 1).astype(np.int64)
        join = inside & (rng.random(len(item)) < 0.06)
        item = np.where(join, np.minimum(shop.starts[kind] + rank, len(shop.codes) - 1), item)
    return item


def _invoices(rng: np.random.Generator, n_users: int, n_lines: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Invoice number, customer, day and minute of each line, in order of time."""
    n_invoices = max(1, n_lines // 8)
    activity = rng.gamma(0.7, 1.0, n_users) + 0.2
    buyer = rng.choice(n_users, n_invoices, p=activity / activity.sum())
    joined = np.where(rng.random(n_users) < 0.6, 0, rng.integers(0, N_DAYS - 5, n_users))
    day = joined[buyer] + np.floor(rng.random(n_invoices) * (N_DAYS - joined[buyer])).astype(np.int64)
    minute = rng.integers(8 * 60, 20 * 60, n_invoices)
    order = np.lexsort((buyer, minute, day))
    weights = rng.gamma(1.2, 1.0, n_invoices) + 0.1
    extra = rng.multinomial(n_lines - n_invoices, weights / weights.sum()) if n_lines > n_invoices else 0
    repeat = np.repeat(np.arange(n_invoices), 1 + extra)[:n_lines]
    return repeat, buyer[order][repeat], day[order][repeat], minute[order][repeat]
