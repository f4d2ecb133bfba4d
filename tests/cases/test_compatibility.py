"""Odd files of the kinds that people have: each is drafted, read, and compared with what is right."""

import pytest
from accepted import accept
from odd_files import ODD, Odd, rows
from write_compatibility import PAGE, outcome, page

from data_contracts.errors import ConfigurationError, ContractError


def seen(events, key):
    """One aspect of all events, in order."""
    form = {"time": "%Y-%m-%d %H:%M:%S", "minute": "%Y-%m-%d %H:%M", "day": "%Y-%m-%d"}
    if key in form:
        return [event["event_time"].strftime(form[key]) for event in events]
    return [event[f"{key}_id"] for event in events]


def right(key):
    form = {"time": "%Y-%m-%d %H:%M:%S", "minute": "%Y-%m-%d %H:%M", "day": "%Y-%m-%d"}
    return [row["at"].strftime(form[key]) if key in form else row[key] for row in rows()]


@pytest.mark.parametrize("odd", [odd for odd in ODD if not odd.refused], ids=lambda odd: odd.name)
def test_odd_file__is_read_as_its_owner_means_it(tmp_path, odd: Odd):
    toml, _, facts, events, _ = accept(tmp_path, odd.make(tmp_path))

    for key in odd.exact:
        assert seen(events, key) == right(key)
    for words in odd.says:
        assert words in toml
    assert facts["rows_read"] == odd.rows
    assert facts["rows_read"] == facts["rows_accepted"] + facts["rows_rejected"]
    assert (facts["rows_rejected"], facts["anonymous"]) == (odd.rejected, odd.anonymous)
    assert sum(event["user_id"] is None for event in events) == facts["anonymous"]
    if odd.values:
        values = [event["value"] for event in events]
        assert (min(values), max(values)) == pytest.approx(odd.values)


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd.refused], ids=lambda odd: odd.name)
def test_odd_file__is_refused_with_what_would_help(tmp_path, odd: Odd):
    with pytest.raises((ConfigurationError, ContractError), match=odd.refused):
        accept(tmp_path, odd.make(tmp_path))


def test_page__lists_every_odd_file_and_is_up_to_date(tmp_path):
    assert len(ODD) >= 40
    assert PAGE.read_text(encoding="utf-8") == page(), "run tests/reference/write_compatibility.py"


def test_outcome__says_what_happens_in_words():
    assert outcome(ODD[0]).startswith("read")
