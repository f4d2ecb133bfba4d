"""Times that init did not see, so that a log was split at random: by content now, whatever the column is called."""

import pytest
from accepted import accept
from odd_files import rows
from small_logs import write_csv

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from tasks.onboarding.draft import look_at


def log(folder, time, *, name="time", form="{user},{item},{time}", header=None):
    body = [form.format(user=row["user"], item=row["item"], time=time(row["at"])) for row in rows()]
    return write_csv(folder, body, header=header or f"user,item,{name}")


@pytest.mark.parametrize(
    ("written", "name", "expected"),
    [
        ("%m/%d/%Y %I:%M:%S %p", "time", "%m/%d/%Y %I:%M:%S %p"),
        ("%d-%m-%Y %H:%M", "time", "%d-%m-%Y %H:%M"),
        ("%d.%m.%Y", "Datum", "%d.%m.%Y"),
        ("%Y-%m-%d", "dt", "auto"),
        ("%Y-%m-%d %H:%M:%S", "viewed_at", "auto"),
        ("%Y-%m-%d %H:%M:%S", "x7", "auto"),
    ],
)
def test_times__are_found_by_content(tmp_path, written, name, expected):
    got = accept(tmp_path, log(tmp_path, lambda at: at.strftime(written), name=name))

    assert got.spec.columns.by_role() == {"user": "user", "item": "item", "time": name}
    assert got.spec.source.time_format == expected
    assert got.spec.window.split != "random"
    assert got.facts["rows_rejected"] == 0
    assert f"{got.events[0]['event_time']:%Y-%m-%d}" == "2024-01-03"


@pytest.mark.parametrize(
    ("per_second", "form"),
    [
        (1, "epoch_seconds"),
        (10**3, "epoch_milliseconds"),
        (10**6, "epoch_microseconds"),
        (10**9, "epoch_nanoseconds"),
    ],
)
def test_times__since_1970_in_any_unit(tmp_path, per_second, form):
    got = accept(
        tmp_path,
        log(
            tmp_path, lambda at: int((at - at.replace(1970, 1, 1, 0, 0, 0)).total_seconds() + 4) * per_second
        ),
    )

    assert got.spec.source.time_format == form


def test_times__constant_or_of_the_load_do_not_win(tmp_path):
    path = log(
        tmp_path,
        str,
        form="{user},{item},{time},2024-07-05 03:00:00",
        header="user,item,order_date,last_update_timestamp",
    )

    got = accept(tmp_path, path)

    assert got.spec.columns.time == "order_date"
    assert "# not used: 'last_update_timestamp' (a time that is the same in every row" in got.toml


def test_times__a_date_is_no_user(tmp_path):
    path = log(
        tmp_path,
        lambda at: at.strftime("%d.%m.%Y"),
        form="{time};{item};{user}",
        header="Datum;Artikelnummer;Kundennummer",
    )

    assert accept(tmp_path, path).spec.columns.user == "Kundennummer"


@pytest.mark.parametrize("order", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"])
def test_times__day_and_month_that_may_be_swapped_follow_the_order_of_the_rows(tmp_path, order):
    body = [
        f"{row['user']},{row['item']},{row['at'].replace(day=1 + at // 12, month=3).strftime(order)}"
        for at, row in enumerate(rows(120))
    ]

    made = look_at(write_csv(tmp_path, body))

    assert f'time_format = "{order}"' in made.toml
    assert any(note.startswith("WARNING: day and month") for note in made.notes)


def test_times__that_nothing_reads_are_a_warning_and_no_random_split(tmp_path):
    path = log(tmp_path, lambda at: f"{at.day}. Januar 2024", name="datum")
    made = look_at(path)
    (tmp_path / "log.toml").write_text(made.toml, encoding="utf-8")

    assert any(
        note.startswith("WARNING: no time was found, but") and "'datum'" in note for note in made.notes
    )
    assert '\nsplit = "random"' not in made.toml
    with pytest.raises(ConfigurationError, match="needs a time column"):
        DatasetSpec.load(tmp_path / "log.toml")


def test_times__a_log_without_any_is_still_split_at_random_and_says_so(tmp_path):
    made = look_at(write_csv(tmp_path, [f"u{at % 7},i{at % 5}" for at in range(50)], header="user,item"))

    assert 'split = "random"' in made.toml
    assert "max_reject_rate = 0.01" in made.toml
    assert any("no column looks like a time" in note for note in made.notes)
