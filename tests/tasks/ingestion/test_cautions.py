"""What ingestion warns of in the users of a log."""

import pytest
from small_logs import dataset, run, write_csv


def log(n_of_the_bot):
    people = [f"u{n % 40},i{n % 9},2024-01-{1 + n % 28:02d}" for n in range(200)]
    return people + [f"b=1,i{n % 9},2024-01-{1 + n % 28:02d}" for n in range(n_of_the_bot)]


@pytest.mark.parametrize(
    ("cleaning", "advice"),
    [
        ("", "max_events_per_user under"),
        ("[cleaning]\nmax_events_per_user = 5\n", "is limited under [cleaning]"),
    ],
)
def test_many_events__a_user_with_half_of_all_events_is_named(tmp_path, cleaning, advice):
    facts, *_ = run(tmp_path, dataset(tmp_path, cleaning), write_csv(tmp_path, log(200)))

    (warning,) = facts["warnings"]
    assert "1 user is suspected to be a bot or a till: 'b=1' with 200 events (50% of all)" in warning
    assert advice in warning
    # The limit cuts what is trained on; here every row stays what it is.
    assert facts["rows_read"] == facts["rows_accepted"] + facts["rows_rejected"] == 400


def test_many_events__heavy_users_are_not_bots(tmp_path):
    facts, *_ = run(tmp_path, dataset(tmp_path), write_csv(tmp_path, log(100)))

    assert facts["warnings"] == []


def test_many_events__brackets_in_a_folders_name_are_no_pattern(tmp_path):
    odd = tmp_path / "home [1]"
    odd.mkdir()

    facts, *_ = run(odd, dataset(odd), write_csv(odd, log(200)))

    assert "'b=1' with 200 events" in facts["warnings"][0]
