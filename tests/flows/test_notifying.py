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
