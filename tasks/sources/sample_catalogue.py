"""What the made-up shop sells: items with a category, a style, a place among the best sellers and a time on sale."""

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
SEASONS = {
    "Garden": (130, 45, 2.0),
    "Picnic": (185, 40, 2.5),
    "Travel": (190, 45, 1.0),
    "Desk": (250, 25, 1.0),
    "Easter": (95, 20, 4.0),
    "Christmas": (335, 25, 4.0),
    "Candles": (340, 45, 1.0),
    "Baking": (340, 35, 1.0),
}
"""Peak (day of the calendar year), width (days), and what the peak adds to the utility over the time out of season."""
PERIODS = {
    **dict.fromkeys(("Baby", "Pets", "Coffee"), 20),
    **dict.fromkeys(("Tea", "Bath", "Baking", "Candles"), 40),
    **dict.fromkeys(("Spices", "Paper", "Gift Wrap", "Party"), 60),
}
"""Days after which the items of a category are used up; those of other categories last."""
STYLES = (
    *("Small", "Large", "Blue", "Red", "Green", "White", "Retro", "Striped", "Wooden", "Glass", "Set of 6"),
)
NOUNS = (
    *("Box", "Holder", "Sign", "Cup", "Cloth", "Bowl", "Card", "Tin", "Hook", "Tray"),
    *("Case", "Ribbon", "Jar"),
)
LAUNCHED, DISCONTINUED = 0.3, 0.2
"""Shares of the items that were not sold yet on the first day, or no longer on the last."""

FIRST_DAY = np.datetime64("2024-07-01")
N_DAYS = 365


@dataclass(frozen=True)
class Catalogue:
    """Products, grouped by category, the best seller of each category first.

    Parameters
    ----------
    codes, titles
        Text of each item.
    category, style
        int64 (n_items,); the style is the adjective of the title.
    rank
        int64 (n_items,): place within the category, from 0.
    launch, end
        int64 (n_items,): first day of sale, and the day after the last.
    price
        float64 (n_items,).

    """

    codes: npt.NDArray[np.str_]
    titles: npt.NDArray[np.str_]
    category: Ints
    style: Ints
    rank: Ints
    launch: Ints
    end: Ints
    price: Floats


def make_catalogue(rng: np.random.Generator, n_items: int) -> Catalogue:
    """Draw a catalogue; the best seller of each category is on sale all year."""
    category = np.sort(np.arange(n_items) % len(CATEGORIES))
    rank = np.arange(n_items) - np.searchsorted(category, category)
    numbers = 20_000 + rng.permutation(60_000)[:n_items]
    letters = np.where(rng.random(n_items) < 0.3, rng.choice(list("ABCDEFG"), n_items), "")
    style, noun = rng.integers(0, len(STYLES), n_items), rng.choice(NOUNS, n_items)
    titles = [
        f'{CATEGORIES[kind]} {thing}, "{STYLES[look]}" no. {at % 100}'
        if at % 40 == 7
        else f"{STYLES[look]} {CATEGORIES[kind]} {thing} {at % 100}"
        for at, (kind, look, thing) in enumerate(zip(category, style, noun, strict=True))
    ]
    fate = np.where(rank > 0, rng.random(n_items), 1.0)
    day = rng.integers(20, N_DAYS - 10, n_items)
    launch = np.where(fate < LAUNCHED, day, 0)
    end = np.where((fate >= LAUNCHED) & (fate < LAUNCHED + DISCONTINUED), day, N_DAYS)
    price = np.round(np.exp(rng.normal(1.2, 0.8, n_items)) + 0.25, 1) + 0.05
    codes = np.char.add(numbers.astype(np.str_), letters)
    return Catalogue(codes, np.array(titles), category, style, rank, launch, end, price)
