"""`shelftalker check`: what it says of a log, and that a run finds what it made."""

import json

import pytest
from click.testing import CliRunner
from rich.console import Console
from small_shop import write_dataset

from data_contracts.check_result import CheckResult
from flows.cli import main
from flows.display_check import show_check
from tasks.ingestion.task import find_source, ingest
from tasks.runtime.step import without_prefect


@pytest.fixture
def check(home, monkeypatch):
    """The command, with neither a server nor the settings that it makes for one."""
    monkeypatch.setattr("flows.cli_common.settle", lambda home, **_: None)
    return lambda *words: CliRunner().invoke(main, ["check", *map(str, words)])


@pytest.fixture
def checked(check, tmp_path, small_log):
    """The result on the small shop."""
    done = check(write_dataset(tmp_path), "--source", small_log, "--json")
    assert done.exit_code == 0, done.stderr
    return CheckResult.model_validate_json(done.stdout)


def test_check__counts_the_log_and_both_sides_of_the_split(checked):
    assert checked.rows_read == 30_000
    assert checked.rows_accepted + checked.rows_rejected == 30_000
    assert sum(found.rows for found in checked.contract) >= checked.rows_rejected > 0
    assert {each.role: each.column for each in checked.mapping}["user"] == "Customer"
    assert len(checked.rows) == 10
    train, held = checked.split.train, checked.split.holdout
    assert train.last < held.first
    assert 0 < held.known_users <= held.users < train.users
    assert held.baskets > 0
    assert [each.name for each in checked.models if each.baseline]
    assert checked.minutes_to_train >= 0


def test_check__trains_nothing_and_leaves_what_a_run_reuses(checked, home, small_log):
    assert not (home / "artifacts" / "train").exists()
    from data_contracts.dataset import DatasetSpec

    with without_prefect():
        (folder,) = (home / "artifacts" / "ingest").iterdir()
        assert ingest(find_source(DatasetSpec.load(checked.file), str(small_log))).folder == folder


def test_check__broken_contract_is_exit_code_3_and_still_shows_the_mapping(check, tmp_path, small_log):
    toml = write_dataset(tmp_path, [("max_reject_rate = 0.10", "max_reject_rate = 0.001")])
    done = check(toml, "--source", small_log, "--json")

    assert done.exit_code == 3
    found = json.loads(done.stdout)
    assert "breaks its contract" in found["problem"]
    assert "breaks its contract" in done.stderr
    assert found["mapping"]
    assert found["rows_read"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "unknown dataset 'nowhere'"),
        (["sample", "--models", "wall"], "no model is called 'wall'"),
    ],
)
def test_check__wrong_usage_is_exit_code_2(check, words, said):
    done = check(*words)

    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize("width", [60, 100])
def test_show_check__fits_the_terminal_and_cuts_no_word(checked, width, capsys):
    show_check(checked, Console(width=width))
    shown = capsys.readouterr().out

    tables = [line for line in shown.splitlines() if line[:1] in "┏┃┡│└"]
    assert max(map(len, tables)) <= width
    assert "…" not in shown
    for name in [each.name for each in checked.models] + [each.reason for each in checked.contract]:
        assert name in shown
    assert "no room for" in shown or width > 60


def test_init__says_what_it_guessed_and_what_it_left_unused(home, tmp_path):
    rows = "".join(f"u{at % 9},i{at % 5},2025-01-{1 + at % 28:02},{at % 7},DE\n" for at in range(90))
    (tmp_path / "log.csv").write_text("user,item,time,shelf,country\n" + rows)
    done = CliRunner().invoke(main, ["init", str(tmp_path / "log.csv"), "--output", str(tmp_path)])

    assert done.exit_code == 0
    shown = " ".join(done.stdout.split())
    for words in ("│ user │ user", "│ feedback │ count", "│ country │ always 'DE'", "shelftalker check "):
        assert words in shown
