"""A run tells those whom its dataset file names, and is the same run where nobody hears."""

import json

import pytest
from receivers import hook
from small_shop import write_dataset

NOTIFY = '[notify]\nkind = "webhook"\nurl_env = "WHERE_TO"\non = {}\n\n[evaluation]'
ALL = '["published", "undecided", "rejected", "failed"]'
CLOSED = ("[evaluation]", "[gate]\nmin_coverage = 1.0\n\n[evaluation]")
BROKEN = ("max_reject_rate = 0.10", "max_reject_rate = 0.001")


def words(tmp_path, log, *changes, on=ALL):
    path = write_dataset(tmp_path, [*changes, ("[evaluation]", NOTIFY.format(on))])
    return ["run", "--dataset", path, "--source", log, "--quiet"]


@pytest.mark.parametrize(
    ("changes", "event", "code"), [((), "published", 0), ((CLOSED,), "rejected", 4), ((BROKEN,), "failed", 3)]
)
def test_run__tells_how_it_ended(
    warm_home, shelftalker, tmp_path, small_log, monkeypatch, changes, event, code
):
    with hook() as server:
        monkeypatch.setenv("WHERE_TO", f"http://127.0.0.1:{server.server_port}/")
        result = shelftalker(*words(tmp_path, small_log, *changes), "--home", warm_home)
    (told,) = server.got

    assert (told["event"], told["dataset"], result.exit_code) == (event, "small", code), result.output
    assert result.stdout == ""
    assert bool(result.stderr) == (event != "published")


def test_run__tells_of_what_is_refused_before_it_begins(
    warm_home, shelftalker, tmp_path, small_log, monkeypatch
):
    with hook() as server:
        monkeypatch.setenv("WHERE_TO", f"http://127.0.0.1:{server.server_port}/")
        no_suite = ('suite = "sample"', 'suite = "nowhere.json"')
        result = shelftalker(*words(tmp_path, small_log, no_suite), "--home", warm_home)
    (told,) = server.got

    assert (told["event"], result.exit_code) == ("failed", 2)
    assert told["text"].startswith("Configuration: ")


def test_run__nobody_who_hears_changes_nothing(warm_home, shelftalker, tmp_path, small_log, monkeypatch):
    monkeypatch.setenv("WHERE_TO", "http://127.0.0.1:1/SECRET")
    result = shelftalker(*words(tmp_path, small_log), "--json", "--home", warm_home)

    assert (result.exit_code, json.loads(result.stdout)["live"]) == (0, True)
    assert "no notification went to webhook (address in WHERE_TO): Connection refused" in result.stderr
    assert "SECRET" not in result.output


def backfilled(shelftalker, home, path, log, *more):
    dates = ("--from", "2025-05-20", "--to", "2025-05-27", "--every", "1w")
    return shelftalker("backfill", "--dataset", path, "--source", log, *dates, *more, "--home", home)


def test_backfill__tells_once_at_its_end_and_is_quiet_if_all_is_well(
    warm_home, shelftalker, tmp_path, small_log, monkeypatch
):
    path = write_dataset(tmp_path, [("[evaluation]", NOTIFY.format(ALL))])
    with hook() as server:
        monkeypatch.setenv("WHERE_TO", f"http://127.0.0.1:{server.server_port}/")
        first = backfilled(shelftalker, warm_home, path, small_log, "--quiet")
        again = backfilled(shelftalker, warm_home, path, small_log, "--quiet")
    (told,) = server.got  # nothing was done the second time

    assert (first.exit_code, first.output, again.exit_code, again.output) == (0, "", 0, "")
    assert (told["event"], told["as_of"]) == ("published", None)
    assert told["dates"] == {"2025-05-20": "published", "2025-05-27": "published"}
    assert told["text"] == "backfill from 2025-05-20 to 2025-05-27, 2 dates: 2 published"


def test_backfill__the_worst_date_is_what_it_tells_of(
    warm_home, shelftalker, tmp_path, small_log, monkeypatch
):
    path = write_dataset(tmp_path, [CLOSED, ("[evaluation]", NOTIFY.format('["rejected", "failed"]'))])
    with hook() as server:
        monkeypatch.setenv("WHERE_TO", f"http://127.0.0.1:{server.server_port}/")
        result = backfilled(shelftalker, warm_home, path, small_log, "--quiet")
    (told,) = server.got

    assert (told["event"], result.exit_code, result.stdout) == ("rejected", 4, "")
    assert [line.split(":")[0] for line in result.stderr.splitlines()[-2:]] == [
        "2025-05-20 gate closed",
        "2025-05-27 gate closed",
    ]


def test_backfill__one_that_cannot_begin_tells_that_it_failed(
    warm_home, shelftalker, tmp_path, small_log, monkeypatch
):
    path = write_dataset(
        tmp_path, [('suite = "sample"', 'suite = "nowhere.json"'), ("[evaluation]", NOTIFY.format(ALL))]
    )
    with hook() as server:
        monkeypatch.setenv("WHERE_TO", f"http://127.0.0.1:{server.server_port}/")
        result = backfilled(shelftalker, warm_home, path, small_log)
        assert backfilled(shelftalker, warm_home, path, small_log, "--dry-run").exit_code == 2
    (told,) = server.got

    assert (told["event"], told["dates"], result.exit_code) == ("failed", {}, 2)
