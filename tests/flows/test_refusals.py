"""What cannot be right is refused in one message that names it, before a server or a log is asked; no traceback."""

import gzip
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_shop import write_dataset

from data_contracts.database_url import masked
from flows import cli_common
from flows.cli import main

SUITE = '{"expectations": [%s]}'
NOT_NULL = '{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "user_id"}%s}'


@pytest.fixture
def call(home, monkeypatch):
    """A command that gets no server: whatever asks for one fails."""
    monkeypatch.setattr("flows.own_server.begin", lambda: None)
    # The tests go on in this process, and DuckDB with them.
    monkeypatch.setattr("gc.freeze", lambda: None)
    monkeypatch.setattr("gc.set_threshold", lambda _n: None)
    monkeypatch.setattr(cli_common, "SETTINGS", {})
    monkeypatch.setattr("flows.own_server.wait", lambda: pytest.fail("this was to be refused before"))
    monkeypatch.setenv("PREFECT_RESULTS_LOCAL_STORAGE_PATH", str(home / "results"))

    def run(*words):
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def changed(tmp_path):
    """The small shop's dataset file with keys put into its sections."""

    def write(section, *lines):
        path = write_dataset(tmp_path)
        text = path.read_text()
        wanted = [line.partition(" =")[0] for line in lines]
        kept = [line for line in text.splitlines() if line.partition(" =")[0] not in wanted]
        head = f"[{section}]"
        if head not in kept:
            kept.append(head)
        kept[kept.index(head) + 1 : kept.index(head) + 1] = lines
        path.write_text("\n".join(kept))
        return path

    return write


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        ("evaluation", 'metric = "profit@5"', "unknown metric 'profit@5'"),
        ("evaluation", 'metric = "coverage@5"', "no values per user"),
        ("evaluation", "ks = [5, 100_000_000]", "evaluation.ks.1 = 100000000"),
        ("evaluation", "bootstrap_samples = 100_000_000", "evaluation.bootstrap_samples = 100000000"),
        ("export", "k = 100_000_000", "export.k = 100000000"),
        ("export", "users_per_item_k = 100_000_000", "export.users_per_item_k = 100000000"),
        ("window", "holdout_days = 1_000_000_000", "window.holdout_days = 1000000000"),
        ("window", "lookback_days = 1_000_000_000_000", "window.lookback_days = 1000000000000"),
        ("window", "default_as_of = 0001-01-01", "1900-01-01"),
        ("grouping", "half_life_days = inf", "grouping.half_life_days = inf"),
        ("gate", "margin_live = nan", "gate.margin_live = nan"),
        ("gate", "max_age_days = inf", "gate.max_age_days = inf"),
        ("source", 'timezone = "localtime"', "source.timezone = 'localtime'"),
        ("source", "skip_rows = 1_000_000_000_000", "source.skip_rows = 1000000000000"),
        ("source", 'pasword = "not-this"', "source.pasword: there is no such key"),
        ("source", 'path = "postgresql://me:not-this@db/shop"', "with its password"),
        ("source", 'encoding = ["postgresql://me:not-this@db/shop"]', "postgresql://me:***@db/shop"),
        ("evaluation", f'cold_start = "{"x" * 9000}"', "xxx..."),
        ("models.popularity", "n_factors = 3", "n_factors"),
        ("models.wals", "n_factors = 100_000_000", "n_factors = 100000000"),
        ("models.bpr", "learning_rate = inf", "learning_rate = inf"),
        ("models.recent_popularity", "half_life_days = inf", "half_life_days = inf"),
    ],
)
def test_run__refuses_a_wrong_key_and_names_it(call, changed, section, line, said):
    done = call("run", "--dataset", changed(section, line))

    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert "not-this" not in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 100_000, "no readable TOML"),
        ("a = 1" + "0" * 5_000, "no readable TOML"),
        ("\xff", "no readable TOML"),
        ("", "name: Field required"),
    ],
)
def test_run__refuses_a_file_that_is_no_dataset(call, tmp_path, text, said):
    path = tmp_path / "odd.toml"
    path.write_text(text, "latin-1")
    done = call("run", "--dataset", path)

    assert (done.exit_code, said in done.stderr, str(path) in done.stderr) == (2, True, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no readable suite"),
        ("{}", "no readable suite"),
        ("[" * 100_000, "no readable suite"),
        ('{"expectations": {}}', "expectations must be a JSON array; got dict"),
        (SUITE % "1", "expectations[0] must be a JSON object; got int"),
        (SUITE % '{"type": 1}', "expectations[0].type must be a JSON text; got int"),
        (
            SUITE % '{"type": "expect_x", "kwargs": []}',
            "expectations[0].kwargs must be a JSON object; got list",
        ),
        (SUITE % NOT_NULL % ', "meta": 3', "expectations[0].meta must be a JSON object; got int"),
        ('{"meta": [1], "expectations": [1]}', "meta must be a JSON object; got list"),
    ],
)
def test_run__refuses_a_suite_of_another_shape(call, changed, tmp_path, text, said):
    (tmp_path / "suite.json").write_text(text)
    done = call("run", "--dataset", changed("contract", 'suite = "suite.json"'))

    assert (done.exit_code, said in done.stderr, "suite.json" in done.stderr) == (2, True, True), done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--seed", 2**70), "--seed"),
        (("run", "--as-of", "0001-01-01"), "1900-01-01"),
        (("run", "--dataset", ""), "dataset: String should have at least 1 character"),
        (("run", "--source", "postgresql://me:not-this@db/shop"), "source: is a path"),
        (("tune", "--minutes", "nan"), "minutes: Input should be a finite number"),
        (("backfill", "--from", "0001-01-01", "--to", "9999-12-31", "--dry-run"), "1900-01-01"),
        (("backfill", "--from", "1990-01-01", "--to", "2100-12-31", "--dry-run"), "3660 at most"),
        (("recommend", "--dataset", "", "--user", "1"), "dataset '' must be letters"),
        (("rollback", "--dataset", "shop\a"), r"dataset 'shop\x07'"),
        (("similar", "--item", "1", "-k", 2**70), "-k"),
        (("similar", "--item", b"a\xffb".decode("utf-8", "surrogateescape")), "not UTF-8"),
        (("fold-in", "--item", b"a\xffb".decode("utf-8", "surrogateescape")), "not UTF-8"),
        (("runs", "--home", "a?b"), "has '?' in its path"),
        (("runs", "--home", "a\\b"), r"has '\\' in its path"),
        (("runs", "--home", b"a\xffb".decode("utf-8", "surrogateescape")), r"has '\udcff' in its path"),
    ],
)
def test_commands__refuse_arguments_beyond_all_bounds(call, words, said):
    done = call(*words)

    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert "not-this" not in done.stderr
    assert "\a" not in done.stderr


def test_init__a_torn_gzip_is_one_line(call, tmp_path, small_log):
    whole = gzip.compress(small_log.read_bytes())
    path = tmp_path / "torn.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    done = call("init", path)

    assert done.exit_code in {1, 2, 3}
    assert "Aborted" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_commands__what_nobody_foresaw_is_one_line_and_a_file(call, home, monkeypatch):
    def broken(_dataset):
        raise LookupError("no such \a thing at postgresql://me:not-this@db/shop\nand more")

    monkeypatch.setattr("flows.cli_lookups.dataset_name", broken)
    done = call("runs")
    (kept,) = (home / cli_common.ERRORS).iterdir()

    assert done.exit_code == 1
    assert done.stderr == (
        r"LookupError: no such \x07 thing at postgresql://me:***@db/shop; this was not foreseen, its traceback is "
        f"in {kept}\n"
    )
    assert "Traceback" in kept.read_text()
    assert "not-this" not in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_commands__where_the_home_cannot_be_written_to_the_traceback_is_elsewhere(call, home, monkeypatch):
    monkeypatch.setattr("flows.cli_lookups.dataset_name", lambda _name: 1 // 0)
    home.parent.joinpath("home").write_text("a file")
    kept = Path(call("runs").stderr.strip().rpartition(" in ")[2])

    assert "ZeroDivisionError" in kept.read_text()
    kept.unlink()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "see postgresql+psycopg://me:pa/ss@w@db:5/x?a=1 there",
            "see postgresql+psycopg://me:***@db:5/x?a=1 there",
        ),
        ("'mysql://me:x@h/d?password=y&z=1'", "'mysql://me:***@h/d?password=***&z=1'"),
        ("https://example.org/a:b", "https://example.org/a:b"),
        ("C:/x@y", "C:/x@y"),
    ],
)
def test_masked__passwords_of_urls(text, shown):
    assert masked(text) == shown
