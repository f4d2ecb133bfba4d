"""What a run's log says of its steps."""

import logging

from flows.diary import Diary, step_line
from tasks.runtime.progress import Silent


def test_step_line__says_what_came_of_a_step_and_how_long_it_took():
    facts = {"rows_read": 2000, "rows_accepted": 1990, "rows_rejected": 10, "users_sha256": "f" * 64}

    assert step_line("read log.csv", 2.94, reused=False, facts=facts) == (
        "read log.csv: 2,000 rows read, 1,990 accepted, 10 rejected, 2.9 s"
    )
    assert step_line("group", 0.0, reused=True, facts={"n_users": 3}) == "group: 3 users, reused"
    assert step_line("decide", 0.0, reused=False, facts={"verdict": "open", "winner": "wals"}) == (
        "decide: gate open, best is wals, 0.0 s"
    )


def test_diary__warns_once_and_tells_who_listened_before(caplog):
    heard = []

    class Ear(Silent):
        def finished(self, step, seconds, *, reused, facts):
            heard.append(step)

    diary = Diary(logging.getLogger("diary"), Ear())
    with caplog.at_level(logging.INFO, "diary"):
        for step in ("one", "two"):
            diary.finished(step, 1.0, reused=False, facts={"warnings": ["look at 100 %s of it"]})

    assert heard == ["one", "two"]
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("INFO", "one: 1.0 s"),
        ("WARNING", "look at 100 %s of it"),
        ("INFO", "two: 1.0 s"),
    ]
