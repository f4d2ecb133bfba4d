"""A made-up year: customers choose what they buy by appeal, taste, season, novelty and habit.

Each line of a basket is a multinomial choice among the items on sale. The utility of an item is the sum of

appeal
    Some items sell better than others, to everybody.
taste
    A customer belongs to one or two of some hidden groups, which like categories, styles and items; a rest is their own.
season
    Of categories in the calendar; every other item has its weeks, too.
novelty
    What was launched draws the curious for some weeks; what was discontinued cannot be bought.
habit
    What a customer has had is due again after a period of their own; long after it, it is forgotten.

No part of it knows a model of this project. The constants were chosen so that a log has the shape of real ones; those of the
sample, of UCI Online Retail and of Ta-Feng, customers without an account and cancellations left out:

| | sample | Online Retail | Ta-Feng |
|---|---|---|---|
| lines of a customer, baskets of a customer, lines of a basket (medians) | 30, 5, 5 | 41, 2, 15 | 31, 5, 4 |
| lines that the customer had before; in the last 28 days | .37, .47 | .31, .48 | .12, - |
| days until the same customer buys the same item again (quartiles) | 15, 32, 63 | 20, 45, 92 | - |
| Gini coefficient of items, of customers | .61, .55 | .64, .63 | .63, .43 |
| customers whom the best seller reaches | .23 | .20 | .32 |
| items first sold after 60 days, items not sold in the last 60 | .30, .21 | .29, .21 | - |
| lines of the last 28 days whose item nobody had before them (of new things the sample has more) | .056 | .009 | - |
| cosine of the items' sales 4, 12, 24 weeks apart, less what is chance | .94, .79, .70 | .94, .79, .66 | - |
| singular values 2, 5, 10 of customers x items over those of shuffled pairs | 1.7, 1.5, 1.4 | 2.2, 1.7, 1.5 | 1.3, 1.2, 1.1 |
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.sources.sample_catalogue import (
    CATEGORIES,
    FIRST_DAY,
    N_DAYS,
    PERIODS,
    SEASONS,
    STYLES,
    Catalogue,
    Floats,
    Ints,
)

LINES_PER_BASKET = 6.5

N_GROUPS, GROUP_MIX = 16, 0.1
"""Hidden groups; parameter of the Dirichlet distribution of a customer's share in them."""
CATEGORY_TASTE, STYLE_TASTE, ITEM_TASTE, OWN_TASTE = 1.6, 0.8, 1.4, 0.6
"""Standard deviations: of groups for categories, styles and items; of customers for items."""
CATEGORY_APPEAL, RANK_APPEAL = 0.5, 0.7
"""Standard deviation between categories; what is lost with the logarithm of the place within one."""
VOGUE, VOGUE_DAYS = 0.9, 45.0
"""Mean height and width of the peak of items whose category has no season."""
CURIOSITY, FRESH_DAYS = 1.5, 25.0
"""Mean of what a launch adds; days in which e times less is left of it."""
HABIT, LASTING_HABIT, LASTING_PERIOD = 2.5, 1.25, 90.0
"""What having had an item adds when it is due: used up, or lasting (one more, one to give away), with the latter's period."""


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
    """Let the customers choose, day after day, what they put into their baskets."""
    user, day, minute, size = _visits(rng, n_users, n_lines, max(1, len(shop.codes) // 4))
    lasting = np.exp(_appeal(rng, shop) + _tastes(rng, shop, n_users))
    season = _seasons(rng, shop)
    curiosity = rng.gamma(2.0, CURIOSITY / 2.0, n_users)
    habits = _Habits.none(rng, shop, n_users)
    start = np.searchsorted(day, np.arange(N_DAYS + 1))
    chosen: list[Ints] = []
    for today in range(N_DAYS):
        visits = slice(start[today], start[today + 1])
        who = user[visits]
        weight = lasting[who] * (season[today] * ((shop.launch <= today) & (today < shop.end)))
        new = np.flatnonzero((shop.launch > 0) & (shop.launch <= today))
        weight[:, new] *= np.exp(np.outer(curiosity[who], np.exp((shop.launch[new] - today) / FRESH_DAYS)))
        habits.weigh(weight, who, today)
        basket, item = _choose(rng, weight, size[visits])
        habits.remember(who[basket], item, today)
        chosen.append(item)
    invoice = np.repeat(np.arange(len(size)), size)
    quantity = np.where(rng.random(n_lines) < 0.1, 12, rng.geometric(0.5, n_lines))
    return Lines(invoice, user[invoice], np.concatenate(chosen), day[invoice], minute[invoice], quantity)


def _choose(rng: np.random.Generator, weight: Floats, size: Ints) -> tuple[Ints, Ints]:
    """Basket and item of each choice; items in the order in which they were chosen."""
    arrival = rng.standard_exponential(weight.shape) / np.maximum(weight, 1e-200)
    last = np.take_along_axis(np.sort(arrival, axis=1), size[:, None] - 1, axis=1)
    basket, item = np.nonzero(arrival <= last)
    order = np.lexsort((arrival[basket, item], basket))
    return basket[order], item[order]


@dataclass(frozen=True)
class _Habits:
    """What customers had so far.

    Parameters
    ----------
    times, last
        int16 (n_users, n_items): how often an item was bought, and on which day last.
    period, strength
        float64 (n_items,): days until it is due again; utility added then.
    pace
        float64 (n_users,): a customer's periods, as a multiple.

    """

    times: npt.NDArray[np.int16]
    last: npt.NDArray[np.int16]
    period: Floats
    strength: Floats
    pace: Floats

    @classmethod
    def none(cls, rng: np.random.Generator, shop: Catalogue, n_users: int) -> "_Habits":
        """Before the first day."""
        used_up = np.array([name in PERIODS for name in CATEGORIES])[shop.category]
        typical = np.array([PERIODS.get(name, LASTING_PERIOD) for name in CATEGORIES])[shop.category]
        times, last = np.zeros((2, n_users, len(shop.codes)), np.int16)
        period = typical * rng.lognormal(0.0, 0.3, len(typical))
        return cls(
            times, last, period, np.where(used_up, HABIT, LASTING_HABIT), rng.lognormal(0.0, 0.4, n_users)
        )

    def weigh(self, weight: Floats, who: Ints, today: int) -> None:
        """Multiply what each of `who` had by what habit makes of it: most when due, and more the oftener it was bought."""
        row, item = np.nonzero(self.times[who])
        user = who[row]
        periods = (today - self.last[user, item]) / (self.pace[user] * self.period[item])
        often = 1.0 + 0.3 * np.log2(np.minimum(self.times[user, item], 8))
        weight[row, item] *= np.exp(self.strength[item] * often * periods * np.exp(1.0 - periods))

    def remember(self, user: Ints, item: Ints, today: int) -> None:
        """Note purchases."""
        np.add.at(self.times, (user, item), 1)
        self.last[user, item] = today


def _appeal(rng: np.random.Generator, shop: Catalogue) -> Floats:
    """Utility to everybody, (n_items,)."""
    between = rng.normal(0.0, CATEGORY_APPEAL, len(CATEGORIES))
    appeal: Floats = between[shop.category] - RANK_APPEAL * np.log1p(shop.rank)
    return appeal


def _tastes(rng: np.random.Generator, shop: Catalogue, n_users: int) -> Floats:
    """Utility by taste, (n_users, n_items)."""
    liked = (
        rng.normal(0.0, CATEGORY_TASTE, (N_GROUPS, len(CATEGORIES)))[:, shop.category]
        + rng.normal(0.0, STYLE_TASTE, (N_GROUPS, len(STYLES)))[:, shop.style]
        + rng.normal(0.0, ITEM_TASTE, (N_GROUPS, len(shop.codes)))
    )
    mix = rng.dirichlet(np.full(N_GROUPS, GROUP_MIX), n_users)
    taste: Floats = mix @ liked + rng.normal(0.0, OWN_TASTE, (n_users, len(shop.codes)))
    return taste


def _seasons(rng: np.random.Generator, shop: Catalogue) -> Floats:
    """What the day makes of each item's weight, (N_DAYS, n_items)."""
    dates = FIRST_DAY + np.arange(N_DAYS)
    of_year = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) + 1
    n_items = len(shop.codes)
    peak, width = rng.uniform(0.0, 365.0, n_items), np.full(n_items, VOGUE_DAYS)
    height = rng.gamma(1.0, VOGUE, n_items)
    for name, season in SEASONS.items():
        peak, width, height = (
            np.where(shop.category == CATEGORIES.index(name), named, drawn)
            for named, drawn in zip(season, (peak, width, height), strict=True)
        )
    away = np.abs((of_year[:, None] - peak + 182.0) % 365.0 - 182.0) / width
    weight: Floats = np.exp(height * (np.exp(-0.5 * away**2) - 0.5))
    return weight


def _visits(
    rng: np.random.Generator, n_users: int, n_lines: int, largest: int
) -> tuple[Ints, Ints, Ints, Ints]:
    """Customer, day, minute and number of lines of each basket, in order of time."""
    size = np.minimum(rng.negative_binomial(1.2, 1.2 / (LINES_PER_BASKET + 0.2), n_lines) + 1, largest)
    size = size[: np.searchsorted(np.cumsum(size), n_lines) + 1]
    size[-1] -= size.sum() - n_lines
    activity = rng.gamma(0.6, 1.0, n_users) + 0.15
    joined = np.where(rng.random(n_users) < 0.4, 0, rng.integers(0, N_DAYS - 5, n_users))
    # Some leave for good; nobody is told.
    left = np.where(rng.random(n_users) < 0.25, rng.integers(joined + 1, N_DAYS + 1), N_DAYS)
    rate = activity * (left - joined)
    buyer = rng.choice(n_users, len(size), p=rate / rate.sum())
    day = joined[buyer] + np.floor(rng.random(len(size)) * (left - joined)[buyer]).astype(np.int64)
    minute = rng.integers(8 * 60, 20 * 60, len(size))
    order = np.lexsort((buyer, minute, day))
    return buyer[order], day[order], minute[order], size
