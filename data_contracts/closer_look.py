"""What is found when the lists of the winner are looked at more closely: by category, how varied, how far scores can be trusted."""

from typing import Literal

from data_contracts.evaluation import Interval, Scenario
from data_contracts.summary_part import SummaryPart


class CategoryResult(SummaryPart):
    """How the lists do for the items of one category."""

    name: str
    """The label; ``other`` is all the rest, items without a label included."""
    other: bool = False
    """Whether it is the rest."""
    items: int
    """Items of the category that the models know."""
    taken: int
    """Pairs of a user and an item of it in the hold-out."""
    share_of_taken: float
    """Of all such pairs; an item of several categories counts in each."""
    share_of_places: float
    """Of all places of the lists."""
    metric: Interval | None
    """The metric, where only items of the category are truth; None where it has no value."""
    recall: Interval | None
    """The same of recall, which does not depend on how large a category is."""


class Diversity(SummaryPart):
    """Intra-list diversity: the mean dissimilarity of two items of a list, mean over lists (Smyth and McClave 2001)."""

    by: str
    """What items are compared by: the name of a column of labels, or ``users``."""
    measure: Literal["jaccard", "cosine"]
    """Of labels 1 - Jaccard; of the users who had the items 1 - cosine."""
    lists: float | None
    """Of the lists; None without two comparable items on any."""
    taken: float | None
    """The same of what these users took in the hold-out, for comparison."""
    n_lists: int
    """Lists that were looked at: a sample."""


class ScoreBin(SummaryPart):
    """Places of lists with much the same score, and how many of them were hits."""

    low: float
    """The lowest score of the bin."""
    high: float
    """The highest."""
    mean: float
    """The mean score."""
    places: int
    """Places of lists in it."""
    hits: Interval
    """Share of the places whose item the user took, with the Wilson interval (Wilson 1927)."""


class CloserLook(SummaryPart):
    """The winner of a comparison, as it was trained for it, on the hold-out."""

    model: str
    """Name of the model."""
    scenario: Scenario
    """The deciding scenario."""
    metric: str
    """What categories are measured by: the deciding metric, or ndcg where that cannot be cut by items."""
    k: int
    """Length of the lists."""
    n_users: int
    """Users who were looked at: all who are scored, or a sample."""
    categories_of: str | None
    """Column of the labels; None where items have none."""
    categories: tuple[CategoryResult, ...]
    """The largest by `taken`, and the rest."""
    diversity: tuple[Diversity, ...]
    """By labels, where there are any, and by users."""
    scores: tuple[ScoreBin, ...]
    """Tenths of the places of known users by their score, lowest first; fewer where scores repeat."""
