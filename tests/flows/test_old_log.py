"""Scheduled nights of a log that does not go on."""

from datetime import date, timedelta

import pytest
from small_shop import run

from data_contracts.errors import ContractError
from flows import old_log, planning
from tasks.publication.registry import latest, publications

LAST_DAY = date(2025, 6, 30)


@pytest.fixture
def scheduled(monkeypatch):
    """Let runs have been scheduled for a day."""

    def on(day):
        for module in (planning, old_log):
            monkeypatch.setattr(module, "scheduled_day", lambda _spec: day)

    return on


def test_nothing_new__ends_as_skipped_where_what_is_live_saw_all_of_it(
    warm_home, small, first_run, scheduled
):
    scheduled(date(2026, 6, 30))

    state = run(small())

    assert state.is_completed()
    assert state.name == "Skipped"
    assert f"nothing new since the lists as of {first_run.as_of}" in state.message
    assert f"ends on {LAST_DAY}, 365 days before the run's day, 2026-06-30" in state.message
    assert len(publications("small")) == 1


def test_nothing_new__is_a_failure_that_says_what_to_do_where_nothing_is_live(home, small, scheduled):
    scheduled(date(2026, 6, 30))
    given = small()

    with pytest.raises(ContractError) as raised:
        run(given).result()

    for words in (f"ends on {LAST_DAY}", "2026-06-30", "the day of its schedule", "Deliver newer events"):
        assert words in str(raised.value)
    assert f"shelftalker run --dataset {given.dataset} --as-of {LAST_DAY + timedelta(days=1)}" in str(
        raised.value
    )
    assert latest("small") is None


@pytest.mark.parametrize("named", [True, False])
def test_nothing_new__lets_others_go_on(warm_home, small, scheduled, named):
    day = date(2026, 6, 30) if named else LAST_DAY + timedelta(days=20)
    scheduled(day)

    state = run(small(as_of=day) if named else small())

    assert state.name != "Skipped"
    if named:  # somebody asked for this day, and is told what it lacks
        assert "it has no event at all" in state.message


def test_nothing_new__looks_back_as_far_as_the_training_does(warm_home, small, scheduled):
    scheduled(LAST_DAY + timedelta(days=9))

    state = run(small([("[window]", "[window]\nlookback_days = 8")]))

    assert state.name == "Skipped"
