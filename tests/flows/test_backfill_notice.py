"""What is said of a backfill."""

from datetime import date

from data_contracts.parameters import BackfillParameters
from flows.backfill_notice import in_a_sentence, tell_backfill
from flows.one_date import CLOSED, DONE_BEFORE, FAILED, PUBLISHED, row_of

GIVEN = BackfillParameters(dataset="shop", first=date(2026, 1, 1), last=date(2026, 1, 9))


def rows(*results):
    return [
        row_of(date(2026, 1, 1 + place), result, "no file" if result == FAILED else "run x")
        for place, result in enumerate(results)
    ]


def test_in_a_sentence__names_the_dates_that_did_not_end_well():
    assert in_a_sentence(GIVEN, rows(PUBLISHED, FAILED, DONE_BEFORE, CLOSED, PUBLISHED)) == (
        "backfill from 2026-01-01 to 2026-01-09, 5 dates: 2 published, 1 failed, 1 done before, 1 gate closed "
        "(2026-01-02 failed: no file; 2026-01-04 gate closed)"
    )


def test_in_a_sentence__does_not_grow_with_the_dates():
    assert in_a_sentence(GIVEN, rows(*[CLOSED] * 9)).endswith("2026-01-05 gate closed; and 4 more)")


def test_tell_backfill__where_nothing_was_done_nobody_is_told():
    tell_backfill("shop", GIVEN, rows(DONE_BEFORE), receivers=None)  # asks for no receivers
