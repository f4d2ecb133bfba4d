"""The commands as a user types them, and the exit codes that schedulers read."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_shop import write_dataset


def test_run__prints_one_json_object_on_stdout(warm_home, shelftalker, tmp_path, small_log):
    toml = write_dataset(tmp_path)
    result = shelftalker("run", "--dataset", toml, "--source", small_log, "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["published"] is True


def test_run__shows_tables_and_three_users(warm_home, shelftalker, tmp_path, small_log):
    result = shelftalker("run", "--dataset", write_dataset(tmp_path), "--source", small_log)

    assert result.exit_code == 0
    for words in (
        "30,000 rows read",
        "quarantined",
        "basket_precision@5",
        "The gate is open",
        "Predictions: /",
        "Report: /",
    ):
        assert words in result.stdout
    assert result.stdout.count("\nuser ") == 3
    assert not re.search(r"[0-9a-f]{32}", result.stdout)


def test_run__shows_hashes_if_asked(warm_home, shelftalker, tmp_path, small_log):
    words = ("run", "--dataset", write_dataset(tmp_path), "--source", small_log)
    result = shelftalker(*words, "--verbose")
    folder = json.loads(shelftalker(*words, "--json").stdout)["path"]
    manifest = json.loads((Path(folder) / "manifest.json").read_text("utf-8"))

    assert manifest["files"]["predictions.parquet"]["sha256"] in result.stdout
    for found in warm_home.glob("receipts/small/*/*.json"):
        receipt = json.loads(found.read_text("utf-8"))
        assert receipt["key"] in result.stdout
        assert all(path.rpartition("/")[2] in result.stdout for path in receipt["artifacts"])


def test_run__closed_gate_is_exit_code_4(unpublished_home, shelftalker, tmp_path, small_log):
    toml = write_dataset(tmp_path, [("[evaluation]", "[gate]\nmin_coverage = 1.0\n\n[evaluation]")])
    result = shelftalker("run", "--dataset", toml, "--source", small_log)

    assert result.exit_code == 4
    assert "GateClosed: nothing was published" in result.stderr


def test_run__broken_contract_is_exit_code_3(home, shelftalker, tmp_path, small_log):
    toml = write_dataset(tmp_path, [("max_reject_rate = 0.10", "max_reject_rate = 0.001")])
    result = shelftalker("run", "--dataset", toml, "--source", small_log, "--json")

    assert result.exit_code == 3
    assert "breaks its contract" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--dataset", "nowhere"], "unknown dataset 'nowhere'; known: movielens_small"),
        (["run", "--dataset", "nowhere.toml"], "shelftalker init FILE"),
        (["run", "--source", "/nowhere.csv", "--dataset", "online_retail"], "nowhere.csv"),
        (["run", "--quiet", "--verbose"], "ask for opposite things"),
        (["run", "--as-of", "yesterday"], "'yesterday' is no date; write YYYY-MM-DD"),
        (["backfill", "--from", "2026-01-02", "--to", "2026-01-01"], "lies before"),
        (["recommend", "--dataset", "sample", "--user", "1"], "nothing is published for dataset 'sample'"),
        (["runs", "--dataset", "../etc"], "letters, digits"),
        (["init", "/nowhere.csv"], "nowhere.csv does not exist"),
        (["tune", "--study", "postgresql://me:not-this@db/studies"], "--study holds a password"),
    ],
)
def test_commands__bad_usage_is_exit_code_2(home, shelftalker, words, said):
    result = shelftalker(*words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "not-this" not in result.stderr


def test_look_ups__answer_from_what_is_live(warm_home, shelftalker, first_run):
    def rows(*words):
        return json.loads(shelftalker(*words, "--dataset", "small", "--json").stdout)

    listed = rows("target", "--item", rows("recommend", "--user", "nobody knows me", "-k", "1")[0]["item_id"])
    user = listed[0]["user_id"]
    mine = rows("recommend", "--user", user, "-k", "3")

    assert [row["rank"] for row in mine] == [1, 2, 3]
    assert {row["user_id"] for row in mine} == {user}
    assert all(row["title"] for row in mine)
    alike = rows("similar", "--item", mine[0]["item_id"], "-k", "4")
    assert mine[0]["item_id"] not in {row["similar_item_id"] for row in alike}
    unknown = shelftalker("similar", "--dataset", "small", "--item", "' OR 1=1 --")
    assert (unknown.exit_code, "is not in the catalogue" in unknown.stderr) == (2, True)


def test_recommend__explains_each_item_by_what_the_user_had(warm_home, shelftalker, first_run):
    words = ("recommend", "--dataset", "small", "-k", "4", "--explain")
    user = str(pq.read_table(Path(first_run.path) / "users.parquet")["user_id"][0])
    rows = json.loads(shelftalker(*words, "--user", user, "--json").stdout)
    table = shelftalker(*words, "--user", user).stdout

    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    first = rows[0]["because"][0]
    assert set(first) == {"item_id", "title", "share"}
    assert first["item_id"] == rows[0]["item_id"]  # personal frequency: what was bought before
    assert first["title"]
    assert rows[0]["why"]
    assert all(f"because_{place}" in table for place in (1, 2, 3))


def test_recommend__explain_says_when_the_user_is_unknown(warm_home, shelftalker, first_run):
    words = ("recommend", "--dataset", "small", "-k", "2", "--explain", "--user", "nobody knows me")
    rows = json.loads(shelftalker(*words, "--json").stdout)

    assert [row["because"] for row in rows] == [[], []]
    assert all("unknown user" in row["why"] for row in rows)


def test_backfill__prints_rows_and_ends_with_the_code_of_its_worst_date(
    warm_home, shelftalker, tmp_path, small_log, first_run
):
    def call(toml, *words):
        return shelftalker("backfill", "--dataset", toml, "--source", small_log, "--json", *words)

    toml = write_dataset(tmp_path)
    fine = call(toml, "--from", "2025-06-03", "--to", "2025-06-04")
    broken = call(toml, "--from", "2020-01-01", "--to", "2020-01-01")
    (tmp_path / "closed").mkdir()
    gate = [("[evaluation]", "[gate]\nmin_coverage = 1.0\n\n[evaluation]")]
    closed = call(write_dataset(tmp_path / "closed", gate), "--from", "2025-06-03", "--to", "2025-06-03")

    assert [row["result"] for row in json.loads(fine.stdout)] == ["published"] * 2
    assert [call.exit_code for call in (fine, broken, closed)] == [0, 1, 4]
    assert json.loads(broken.stdout)[0]["result"] == "failed"
    assert "1 dates: 1 failed" in broken.stderr
    runs = json.loads(shelftalker("runs", "--dataset", "small", "--json").stdout)
    assert [row["live"] for row in runs] == ["", "", "yes"]
    back = shelftalker("rollback", "--dataset", "small")
    assert "published/small/2025-06-04/" in back.stdout


def test_prune__says_what_it_removed(warm_home, shelftalker):
    rows = json.loads(shelftalker("prune", "--keep-days", "0", "--json").stdout)

    assert {row["step"] for row in rows} >= {"train", "export"}
    assert all(row["removed"] == 0 for row in rows if row["step"] != "results")  # the live run used them


def test_init__draft_runs_as_it_is(home, shelftalker, tmp_path, small_log):
    drafted = shelftalker("init", small_log, "--output", tmp_path)
    again = shelftalker("init", small_log, "--output", tmp_path)

    assert drafted.exit_code == 0
    assert (tmp_path / "small.toml").exists()
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)


def test_run__saves_a_picture_that_needs_no_network(warm_home, shelftalker, tmp_path, small_log):
    picture = tmp_path / "run.svg"
    toml = write_dataset(tmp_path)
    shelftalker("run", "--dataset", toml, "--source", small_log, "--picture", picture)
    svg = picture.read_text()

    assert "basket_precision@5" in svg
    assert "url(http" not in svg.replace('"', "").replace(" ", "")
