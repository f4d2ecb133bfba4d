import re
from datetime import date

import pytest
from pydantic import ValidationError

from data_contracts.parameters import BackfillParameters, NightlyParameters, TuneParameters


def test_dates__are_oldest_first_and_end_with_the_range():
    first, last = date(2026, 1, 1), date(2026, 1, 15)

    assert len(BackfillParameters(first=first, last=last).dates()) == 15
    weekly = BackfillParameters(first=first, last=date(2026, 1, 14), every="1w").dates()
    assert weekly == [date(2026, 1, 1), date(2026, 1, 8)]


def test_backfill__refuses_a_range_that_runs_backwards():
    with pytest.raises(ValidationError, match="last must not be before first"):
        BackfillParameters(first=date(2026, 1, 2), last=date(2026, 1, 1))


def test_dates__are_refused_by_a_schema_that_does_not_know_formats():
    as_of = NightlyParameters.model_json_schema()["properties"]["as_of"]["anyOf"][0]

    assert re.fullmatch(as_of["pattern"], "2026-01-31")
    assert not re.fullmatch(as_of["pattern"], "yesterday")


def test_tune__refuses_a_password_and_does_not_repeat_it():
    with pytest.raises(ValidationError, match="must not stand in the URL") as caught:
        TuneParameters(study="postgresql://me:not-this@db/studies")

    assert "not-this" not in str(caught.value)
    assert TuneParameters(study="postgresql://me:{PASSWORD}@db/studies").study
