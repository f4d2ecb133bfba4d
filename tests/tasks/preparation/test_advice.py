from datetime import UTC, datetime

import pytest

from data_contracts.selection import Selection
from tasks.preparation.advice import nothing_to_score, too_little_to_learn

END = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"split": "leave_last"}, "smaller leave_last_n"),
        ({"split": "random"}, "smaller random_share"),
        ({"end": END}, "split = 'leave_last'"),
        ({"end": END, "start": END}, "longer lookback_days"),
        ({"threshold": 4.0}, "lower threshold"),
    ],
)
def test_too_little_to_learn__fits_the_split(keys, words):
    assert words in too_little_to_learn(Selection(**keys))


@pytest.mark.parametrize("split", ["leave_last", "random"])
def test_too_little_to_learn__no_later_day_where_that_cannot_help(split):
    selection = Selection(split=split, end=END)

    assert "--as-of" not in too_little_to_learn(selection) + nothing_to_score(selection)


def test_nothing_to_score__by_time_and_by_user():
    assert "holdout_days" in nothing_to_score(Selection(start=END))
    assert "name the column of the person" in nothing_to_score(Selection(split="leave_last"))
