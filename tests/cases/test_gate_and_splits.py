"""Logs whose lists or verdict once were wrong: whole runs on small ones made here."""

import random
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from case_logs import START, log, write_csv, write_toml

from data_contracts.errors import ContractError
from data_contracts.parameters import NightlyParameters
from tasks.publication.registry import latest

pytestmark = pytest.mark.usefixtures("home", "prefect_server")


def run(path, **given):
    from flows.nightly import nightly

    return nightly(NightlyParameters(dataset=str(path), **given), return_state=True)


def rules(summary):
    return {rule.name: rule for rule in summary.gate.rules}


def lists(summary):
    found = {}
    for row in pq.read_table(Path(summary.path) / "predictions.parquet").to_pylist():
        found.setdefault(row["user_id"], set()).add(row["item_id"])
    return found


def had(rows):
    found = {}
    for row in rows:
        found.setdefault(row["user"], set()).add(row["item"])
    return found


def test_split_file__without_a_day_the_test_file_is_used_whole(tmp_path):
    rows = log()
    write_csv(tmp_path / "log.csv", rows[:500])
    write_csv(tmp_path / "test.csv", rows[500:])
    path = write_toml(tmp_path, '[window]\nsplit = "file"\ntest_path = "test.csv"')

    whole = run(path).result()

    assert whole.counts.holdout.n_users == len(had(rows[500:]))
    assert whole.counts.holdout.n_events == 200
    assert whole.as_of == rows[499]["time"].date() + timedelta(days=1)
    with pytest.raises(ContractError, match="leave out --as-of"):
        run(path, as_of=rows[499]["time"].date()).result()


def test_nobody_known__is_undecided_and_the_fallback_goes_out_only_where_nothing_is_live(tmp_path):
    rows = log()
    write_csv(tmp_path / "log.csv", rows[:500])
    write_csv(tmp_path / "test.csv", [{**row, "user": f"{row['user']}.0"} for row in rows[500:]])
    window = '[window]\nsplit = "file"\ntest_path = "test.csv"\ndefault_as_of = 2024-04-30\n'

    kept = run(write_toml(tmp_path, window + '[gate]\nundecided = "keep"'))
    summary = kept.result()
    assert (kept.name, summary.gate.verdict, summary.published) == ("Undecided", "undecided", False)
    assert rules(summary)["known_users"].value == 0
    assert latest("case") is None

    first = run(write_toml(tmp_path, window)).result()
    assert (first.gate.verdict, first.gate.winner, first.published) == (
        "undecided",
        "recent_popularity",
        True,
    )

    again = run(write_toml(tmp_path, window), as_of=date(2024, 5, 2))
    assert (again.name, again.result().published) == ("Undecided", False)
    assert latest("case").run == first.run_id


def test_stale_log__is_undecided_and_says_how_old_it_is(tmp_path):
    write_csv(tmp_path / "log.csv", log())
    path = write_toml(tmp_path, "[window]\nholdout_days = 40")

    summary = run(path, as_of=date(2024, 5, 25)).result()

    assert summary.gate.verdict == "undecided"
    assert rules(summary)["log_age_days"].value == pytest.approx(25, abs=1)
    assert [name for name, rule in rules(summary).items() if rule.broken] == ["log_age_days"]


def test_discovery__somebody_who_had_everything_does_not_close_the_shop(tmp_path):
    crawler = [{"user": "crawler", "item": f"i{n:02}", "time": START} for n in range(20)]
    rows = [*crawler, *log()]
    write_csv(tmp_path / "log.csv", rows)
    path = write_toml(tmp_path, '[evaluation]\ndecides = "discovery"\nmetric = "ndcg@5"')

    summary = run(path).result()

    assert summary.published
    found, past = lists(summary), had(rows)
    assert set(found) == {user for user, items in past.items() if len(items) < 20}
    # A catalogue of 20: lists are as long as they can be, and never hold what was had.
    assert all(len(items) == min(10, 20 - len(past[user])) for user, items in found.items())
    assert not any(found[user] & past[user] for user in found)


def test_discovery__what_was_rated_low_was_had(tmp_path):
    rows = log(400, value=lambda rng: int(rng.integers(1, 6)))
    write_csv(tmp_path / "log.csv", rows)
    sections = (
        '[window]\nsplit = "leave_last"\n[feedback]\nkind = "rating"\nthreshold = 4.0\n'
        '[evaluation]\ndecides = "discovery"\nmetric = "ndcg@5"'
    )

    summary = run(write_toml(tmp_path, sections, columns=("user", "item", "time", "value"))).result()

    found, past = lists(summary), had(rows)
    assert sum(len(found[user] & past[user]) for user in found) == 0
    assert rules(summary)["no_forbidden_item"].passed
    assert summary.counts.holdout.n_ratings > 0
    assert "rmse" not in summary.models["popularity"].repeat  # no baseline predicts ratings
    assert "next_item_accuracy@5" in summary.models["popularity"].repeat


def tastes():
    """Everybody rates half of 30 items: by taste, those of the own parity, and by quality, the first ones, higher."""
    rng = random.Random(0)
    return [
        {"user": f"u{user:02}", "item": f"i{item:02}", "time": START + timedelta(hours=hour), "value": value}
        for user in range(60)
        for hour, item in enumerate(rng.sample(range(30), 15))
        for value in [2 + (user % 2 == item % 2) + 2 * (item < 15)]
    ]


def test_rmse__the_lower_error_wins_and_opens_the_gate(tmp_path):
    write_csv(tmp_path / "log.csv", tastes())
    sections = (
        '[window]\nsplit = "leave_last"\nleave_last_n = 3\n[feedback]\nkind = "rating"\nthreshold = 2.0\n'
        '[evaluation]\ndecides = "discovery"\nmetric = "rmse"\ncold_start = "rating_means"\n'
        "[models.rating_means]\nbaseline = true\n"
        '[models.taste]\nkind = "explicit_mf"\nn_factors = 4\nregularization = 1.0\n'
        '[models.blind]\nkind = "explicit_mf"\nregularization = 1e9\nbias_regularization = 1e9\n'
    )

    summary = run(write_toml(tmp_path, sections, columns=("user", "item", "time", "value"))).result()

    gate, names = summary.gate, ("taste", "rating_means", "blind")
    errors = [summary.models[name].discovery["rmse"].value for name in names]
    assert errors == sorted(errors)
    assert (gate.verdict, gate.winner, gate.best_baseline) == ("open", "taste", "rating_means")
    assert gate.differences["taste"].value == pytest.approx(errors[1] - errors[0], abs=1e-5)
    assert gate.differences["blind"].value == pytest.approx(errors[1] - errors[2], abs=1e-5)


def test_discovery__what_was_had_before_the_lookback_was_had(tmp_path):
    rows = log(400)
    write_csv(tmp_path / "log.csv", rows)
    sections = '[window]\nlookback_days = 60\n[evaluation]\ndecides = "discovery"\nmetric = "ndcg@5"'

    summary = run(write_toml(tmp_path, sections)).result()

    found, past = lists(summary), had(rows)
    assert set(found) == set(past)  # those who have not come for long get a list, too
    assert sum(len(found[user] & past[user]) for user in found) == 0


def test_leave_last_basket__holds_out_whole_baskets(tmp_path):
    rows = [{**row, "basket": f"{row['user']}-{row['time'].date()}"} for row in log(700, days=40)]
    write_csv(tmp_path / "log.csv", rows)
    sections = '[window]\nsplit = "leave_last_basket"\n[evaluation]\nmetric = "basket_precision@5"'

    summary = run(write_toml(tmp_path, sections, columns=("user", "item", "time", "basket"))).result()

    last = {row["user"]: row["basket"] for row in rows}
    held = [row for row in rows if row["basket"] == last[row["user"]]]
    assert summary.counts.holdout.n_events == len(held)
    assert summary.counts.holdout.n_known_baskets == len(last)
    assert summary.gate.verdict == "open"
