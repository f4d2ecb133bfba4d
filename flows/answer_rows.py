"""Answers of look-ups as rows, for tables at a terminal and for ``--json``."""

from typing import Any

from data_contracts.columns import BECAUSE, ITEM_ID, MODEL, RANK, SCORE, TITLE, USER_ID, WHY
from data_contracts.published_files import SIMILAR_ID
from tasks.lookup.answers import Audience, Recommendations, SimilarItems

HOW, SOURCE = "how", "source"

Row = dict[str, Any]


def rows_for_user(answer: Recommendations, *, explain: bool = False) -> list[Row]:
    """One row per item of a user's list; with `explain`, what speaks for it as well.

    Where the list is not the model's own for this user, each row has the `source` of the answer.
    """
    return [
        {
            **({} if answer.user_id is None else {USER_ID: answer.user_id}),
            RANK: item.rank,
            ITEM_ID: item.item_id,
            SCORE: item.score,
            MODEL: answer.model,
            TITLE: item.title,
            **({} if answer.source == "model" else {SOURCE: answer.source}),
            **({BECAUSE: [each.model_dump() for each in item.because], WHY: item.why} if explain else {}),
        }
        for item in answer.items
    ]


def rows_for_session(answer: Recommendations) -> list[Row]:
    """One row per item for somebody who came after the training."""
    return [
        {RANK: item.rank, ITEM_ID: item.item_id, TITLE: item.title, SCORE: item.score, HOW: answer.how}
        for item in answer.items
    ]


def rows_for_similar(answer: SimilarItems) -> list[Row]:
    """One row per similar item."""
    return [
        {
            ITEM_ID: answer.item_id,
            RANK: each.rank,
            SIMILAR_ID: each.item_id,
            SCORE: each.score,
            TITLE: each.title,
        }
        for each in answer.items
    ]


def rows_for_audience(answer: Audience) -> list[Row]:
    """One row per user to show an item to."""
    return [
        {
            ITEM_ID: answer.item_id,
            RANK: each.rank,
            USER_ID: each.user_id,
            SCORE: each.score,
            MODEL: answer.model,
        }
        for each in answer.users
    ]
