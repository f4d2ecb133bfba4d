"""The whole run, small: a sample shop of a few hundred customers, a handful of fast models."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter
from small_shop import FAST_MODELS, published_bytes, run, write_dataset

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.run_summary import RunSummary
from flows import run_events, ui_artifacts
from tasks.publication.registry import latest
from tasks.runtime import store


def test_nightly__publishes_lists_for_every_user_and_item(warm_home, first_run):
    summary = first_run
    folder = Path(summary.path)
    rows = pq.read_table(folder / "predictions.parquet").to_pandas()
    ids = rows.groupby("user_id", sort=False)["rank"].agg(["min", "max", "size"])

    assert summary.published
    assert latest("small").run == summary.run_id
    assert rows.columns.tolist() == ["user_id", "rank", "item_id", "score", "model"]
    assert rows.sort_values(["user_id", "rank"]).index.tolist() == rows.index.tolist()
    assert (ids["min"] == 1).all()
    assert (ids["max"] == ids["size"]).all()
    assert (ids["size"] == 10).all()
    assert len(ids) == summary.counts.users
    items = pq.read_table(folder / "users_per_item.parquet").to_pandas()
    assert items.columns.tolist() == ["item_id", "rank", "user_id", "score", "model"]
    assert set(items["user_id"]) <= set(rows["user_id"])


def test_nightly__summary_has_every_key_that_programs_read(first_run):
    summary = first_run.to_json()

    assert RunSummary.model_validate_json(json.dumps(summary)) == first_run

    assert {"run_id", "dataset", "as_of", "counts", "models", "gate", "published", "path"} <= set(summary)
    for model in summary["models"].values():
        assert {"fit", "score"} == set(model["seconds"])
        for scenario in ("repeat", "discovery"):
            assert {"value", "low", "high"} == set(model[scenario]["precision@5"])
            assert {"basket_precision@5", "recall@10", "ndcg@10", "coverage@10"} <= set(model[scenario])
    assert {"verdict", "open", "winner", "rules"} <= set(summary["gate"])
    assert all({"name", "value", "limit", "passed"} <= set(rule) for rule in summary["gate"]["rules"])


def test_nightly__a_report_is_part_of_the_publication(first_run):
    page = Path(first_run.report)
    listed = pq.read_table(page.parent / "predictions.parquet").column("user_id").to_pylist()

    assert page == Path(first_run.path) / "report.html"
    assert page.name in json.loads((page.parent / "manifest.json").read_text())["files"]
    assert 'id="examples"' in page.read_text()
    assert any(f">{user}</bdi>" in page.read_text() for user in set(listed))


def test_nightly__same_inputs_give_the_same_bytes(home, first_run, small):
    first, second = first_run, run(small()).result()

    assert first.run_id == second.run_id
    assert published_bytes(first) == published_bytes(second)


def test_nightly__again_reuses_every_step(warm_home, small):
    home = warm_home
    before = sorted(path.stat().st_mtime_ns for path in home.glob("artifacts/*/*/manifest.json"))
    run(small()).result()
    after = sorted(path.stat().st_mtime_ns for path in home.glob("artifacts/*/*/manifest.json"))

    assert before == after


def test_nightly__a_change_in_one_model_runs_it_and_what_follows_and_nothing_else(
    warm_home, small, monkeypatch
):
    from tasks.runtime import step

    plain = step.code_hash
    monkeypatch.setattr(
        step,
        "code_hash",
        lambda *modules: plain(*modules) + ("changed" if "tasks.models.wals" in modules else ""),
    )
    before = {path.parent for path in warm_home.glob("artifacts/*/*/manifest.json")}
    run(small())
    new = [path.parent for path in warm_home.glob("artifacts/*/*/manifest.json") if path.parent not in before]

    # personal frequency wins, so its lists stay as they are
    assert sorted(folder.parent.name for folder in new) == ["evaluate", "gate", "report", "train"]


def test_nightly__rebuilds_a_step_whose_artifact_is_damaged(warm_home, first_run, small):
    expected = published_bytes(first_run)
    victim = next(warm_home.glob("artifacts/grouping/*/by_user_indices.npy"))
    victim.write_bytes(victim.read_bytes()[:-4] + b"\0\0\0\0")
    again = run(small()).result()

    assert published_bytes(again) == expected
    assert not store.damage(victim.parent)


def test_nightly__a_closed_gate_publishes_nothing_and_keeps_its_report(unpublished_home, small):
    state = run(small([("[evaluation]", "[gate]\nmin_coverage = 1.0\n\n[evaluation]")]))
    summary = state.result()

    assert (state.type.value, state.name) == ("COMPLETED", "Rejected")
    assert "coverage is" in state.message
    assert not summary.published
    assert latest("small") is None
    assert RunSummary.model_validate_json(Path(summary.path).read_text()) == summary
    assert Path(summary.report) == Path(summary.path).with_suffix(".html")
    assert "The gate is closed" in Path(summary.report).read_text()


def test_nightly__a_broken_contract_fails_the_run(home, small):
    state = run(small([("max_reject_rate = 0.10", "max_reject_rate = 0.001")]))

    assert state.name == "Failed"
    with pytest.raises(ContractError, match=r"max_reject_rate|share"):
        state.result()
    assert latest("small") is None


def test_nightly__dry_run_publishes_nothing(unpublished_home, small):
    summary = run(small(dry_run=True)).result()

    assert summary.gate.open
    assert not summary.published
    assert latest("small") is None


def test_nightly__an_as_of_before_the_data_says_so(warm_home, small):
    with pytest.raises(ContractError, match="holds 0 different user_id; at least 2 are needed"):
        run(small(as_of="2020-01-01")).result()


def test_nightly__a_holdout_with_no_events_says_so(warm_home, small):
    with pytest.raises(ContractError, match="no event with an item known before it: it has no event at all"):
        run(small(as_of="2027-01-01")).result()


def test_nightly__a_wrong_parameter_is_refused_before_anything_is_read(home, small):
    wrong = FAST_MODELS.replace("n_factors = 8", "n_factors = 0")

    with pytest.raises(ConfigurationError, match=r"model 'wals' of kind 'wals': n_factors = 0: .*greater"):
        run(small(models=wrong)).result()
    assert not (home / "artifacts").exists()


def test_nightly__discovery_lists_hold_only_new_items(warm_home, small):
    summary = run(small([('decides = "repeat"', 'decides = "discovery"')])).result()
    predictions = pq.read_table(Path(summary.path) / "predictions.parquet", columns=["user_id", "item_id"])
    events = pq.read_table(
        next(warm_home.glob("artifacts/ingest/*/events.parquet")), columns=["user_id", "item_id"]
    )
    had = set(zip(*events.to_pydict().values(), strict=True))

    assert not had & set(zip(*predictions.to_pydict().values(), strict=True))


def test_nightly__a_log_without_times_is_split_at_random_and_says_so(home, small):
    untimed = [
        ('time = "Date"\n', ""),
        ('split = "time"', 'split = "random"'),
        ("default_as_of = 2025-07-01     # the day after the last row\n", ""),
        ('suite = "sample"', 'suite = "raw_events"'),
        ("drop_exact_duplicates = true", "drop_exact_duplicates = false"),
    ]
    summary = run(small(untimed)).result()

    assert summary.as_of is None
    assert summary.split == "20% of each user's events are held out at random, whatever their time"
    assert "/published/small/undated/" in summary.path


def test_nightly__a_given_test_file_is_held_out(home, small, small_log, tmp_path):
    lines = small_log.read_bytes().splitlines(keepends=True)
    cut = len(lines) * 9 // 10
    (tmp_path / "train.csv").write_bytes(b"".join(lines[:cut]))
    (tmp_path / "test.csv").write_bytes(lines[0] + b"".join(lines[cut:]))
    by_file = [
        ('split = "time"', 'split = "file"\ntest_path = "test.csv"'),
        ('path = "sample.csv"', 'path = "train.csv"'),
    ]
    parameters = small(by_file).model_copy(update={"source": None})
    summary = run(parameters).result()

    assert summary.split == "test.csv is held out"
    assert summary.counts.holdout.n_baskets > 100
    assert summary.published


def test_run__that_does_not_become_live_says_so_and_how_to_mend_it(
    home_with_date, shelftalker, tmp_path, small_log
):
    live, toml = latest("small"), write_dataset(tmp_path)
    words = ["--dataset", toml, "--source", small_log, "--as-of", "2025-05-20", "--json"]
    result = shelftalker("run", *words, "--home", home_with_date)
    summary = json.loads(result.stdout)

    assert (result.exit_code, summary["published"], summary["live"]) == (0, True, False)
    said = result.stderr.splitlines()[-1]
    command = f"shelftalker rollback --dataset small --to {summary['run_id']} --home {home_with_date}"
    assert said == (
        f"NOT LIVE: that of {live.as_of} (run {live.run}), a later day, stays live; if its day is wrong, make "
        f"this one live with: {command}"
    )
    with get_client(sync_client=True) as client:
        only = ArtifactFilter.model_validate({"key": {"any_": ["small-not-live"]}})
        assert said in [each.data for each in client.read_artifacts(artifact_filter=only)]
    assert shelftalker(*command.split()[1:]).exit_code == 0
    assert latest("small").run == summary["run_id"]


def test_nightly__its_state_and_log_say_what_happened(warm_home, small, caplog):
    with caplog.at_level("INFO", "prefect.flow_runs"):
        state = run(small())
    lines = [each.getMessage() for each in caplog.records if each.name == "prefect.flow_runs"]

    assert state.message.startswith("personal_frequency published: basket_precision@5 0.")
    assert "; gate open" in state.message
    with get_client(sync_client=True) as client:
        name = client.read_flow_run(state.state_details.flow_run_id).name
    assert re.fullmatch(
        r"\S+ as of .*: personal_frequency published, basket_precision@5 0\.\d+, gate open", name
    )
    assert any(line.startswith("train wals: ") and line.endswith("reused") for line in lines)
    assert any("30,000 rows read" in line for line in lines)
    assert state.message in lines


def test_nightly__creates_artifacts_in_the_ui(first_run):
    names = ("profile", "quarantine", "metrics", "gate", "metrics-plot", "history-plot", "report")
    keys = [f"small-{name}" for name in names]
    # Key by key: an answer holds 200 at most, and other tests ran on this server before.
    filters = {key: ArtifactFilter.model_validate({"key": {"any_": [key]}}) for key in keys}
    with get_client(sync_client=True) as client:
        found = {key: client.read_artifacts(artifact_filter=only) for key, only in filters.items()}
    by_key = {key: [each.data for each in several] for key, several in found.items()}

    assert all(by_key.values())
    assert any("30,000" in str(each) for each in by_key["small-profile"])
    assert all(each.startswith("data:image/svg+xml;base64,") for each in by_key["small-metrics-plot"])
    assert any(first_run.report in each for each in by_key["small-report"])


def test_nightly__links_the_report_through_the_server_that_shows_it(first_home, monkeypatch):
    home, summary = first_home
    monkeypatch.setenv("SHELFTALKER_HOME", str(home))
    monkeypatch.setenv(ui_artifacts.REPORTS_URL, "http://127.0.0.1:4280/")
    page = Path(summary.report)

    assert ui_artifacts.address(str(page)) == f"http://127.0.0.1:4280/{page.relative_to(home).as_posix()}"
    assert ui_artifacts.address("/elsewhere/report.html") == "file:///elsewhere/report.html"


@pytest.mark.parametrize(
    ("changes", "event"),
    [
        ([], run_events.PUBLISHED),
        ([("[evaluation]", "[gate]\nmin_coverage = 1.0\n\n[evaluation]")], run_events.REJECTED),
        ([("max_reject_rate = 0.10", "max_reject_rate = 0.001")], run_events.CONTRACT_BROKEN),
    ],
)
def test_nightly__announces_how_it_ended(warm_home, small, monkeypatch, changes, event):
    said = []
    monkeypatch.setattr(run_events, "emit_event", lambda **given: said.append(given))
    run(small(changes))

    assert [each["event"] for each in said] == [event]
    name = "small" if event != run_events.CONTRACT_BROKEN else small(changes).dataset
    assert said[0]["resource"]["prefect.resource.id"] == f"shelftalker.dataset.{name}"


def test_nightly__a_sampled_holdout_is_said_wherever_it_is_described(warm_home, small):
    summary = run(small([("[evaluation]\n", "[evaluation]\nmax_users = 50\n")], dry_run=True)).result()

    counts = summary.counts.holdout
    assert (counts.n_users, counts.n_known_users <= 50, counts.n_users_in_all > 100) == (50, True, True)
    assert f"a sample of 50 of its {counts.n_users_in_all:,} users is scored" in summary.split
