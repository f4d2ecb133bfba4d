"""Dataset files of the home become deployments of their own; no tracked file is edited."""

import pytest
from click.testing import CliRunner

from data_contracts.errors import ConfigurationError
from deployments.description import describe
from deployments.drop_ins import served_datasets, with_drop_ins
from deployments.serve import main
from deployments.stack import DEPLOYMENTS

TEXT = 'name = "{}"\n[source]\npath = "log.csv"\ntimezone = "Europe/Prague"\n[columns]\nuser = "u"\nitem = "i"\ntime = "t"\n'


@pytest.fixture
def folder(home):
    (home / "datasets").mkdir(parents=True)
    return home / "datasets"


def described(tmp_path, datasets, at=None):
    found = describe(with_drop_ins(DEPLOYMENTS, datasets, at, tmp_path / "made.yaml"))
    return {f"{each.load().name}/{each.name}": each for each in found.deployments}


def test_drop_ins__each_gets_a_nightly_run_a_search_and_a_backfill(folder, tmp_path):
    (folder / "orders.toml").write_text(TEXT.format("orders"))
    (folder / "films.toml").write_text(TEXT.format("films") + '[schedule]\nat = "01:30"\ntimezone = "UTC"\n')
    found = described(tmp_path, served_datasets().datasets, "04:05")

    assert set(found) >= {
        "nightly/sample-nightly",
        "prune/home",
        *(
            f"{flow}/{name}-{flow}"
            for name in ("orders", "films")
            for flow in ("nightly", "tune", "backfill")
        ),
    }
    orders, films = found["nightly/orders-nightly"], found["nightly/films-nightly"]
    assert orders.parameters == {"parameters": {"dataset": "orders"}}
    assert [(each.cron, each.timezone) for each in orders.schedules] == [("5 4 * * *", "Europe/Prague")]
    assert [(each.cron, each.timezone) for each in films.schedules] == [("30 1 * * *", "UTC")]
    assert not found["tune/orders-tune"].schedules
    assert orders.work_pool.work_queue_name == "nightly"
    assert found["backfill/orders-backfill"].work_pool.work_queue_name == "backfill"


def test_drop_ins__a_bad_file_is_told_and_the_others_are_served(folder):
    (folder / "orders.toml").write_text(TEXT.format("orders"))
    (folder / "bad.toml").write_text(TEXT.format("bad") + "[windoww]\n")
    (folder / "worse.toml").write_text("name = \n")
    found = served_datasets()

    assert [each.spec.name for each in found.datasets] == ["orders"]
    assert "bad.toml is not served: " in found.problems[0]
    assert "windoww" in found.problems[0]
    assert "worse.toml is not served: " in found.problems[1]


def test_drop_ins__a_file_by_hand_runs_by_its_path(home, tmp_path):
    path = tmp_path / "orders.toml"
    path.write_text(TEXT.format("orders"))
    found = described(tmp_path, served_datasets([path]).datasets)

    assert found["nightly/orders-nightly"].parameters == {"parameters": {"dataset": str(path)}}
    assert found["nightly/orders-nightly"].schedules[0].cron == "15 3 * * *"


def test_drop_ins__two_of_one_name_are_refused(folder, tmp_path):
    for place in (folder, tmp_path):
        (place / "orders.toml").write_text(TEXT.format("orders"))

    with pytest.raises(ConfigurationError, match="both named 'orders'"):
        served_datasets([tmp_path / "orders.toml"])


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--at", "25:00"], "is no time of day"), (["--dataset", "bad.toml"], "there is no such key")],
)
def test_serve__refuses_a_wrong_file_or_time_before_anything_starts(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELFTALKER_HOME", str(tmp_path / "home"))
    (tmp_path / "bad.toml").write_text(TEXT.format("bad") + "[windoww]\nx = 1\n")
    done = CliRunner().invoke(main, [*words, "--home", str(tmp_path / "home")])

    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "home").exists()
