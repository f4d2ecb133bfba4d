"""Three models that lie outside the project, one file each, go the whole way without a line changed elsewhere."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from rated_shop import N_USERS, NEW, parameters
from small_shop import run

from data_contracts.identifiers import Vocabulary
from flows.cli import main
from tasks import models
from tasks.models import Capability
from tasks.preparation.grouping import open_grouped
from tasks.runtime.files import read_json

COMPARED = """[models.popularity]
baseline = true

[models.needs_item_features]

[models.predicts_ratings]

[models.scores_sequences]
fading = 0.5

[models.bpr]
n_factors = 4
epochs = 5
"""
ALONE = {
    "needs_item_features": "[models.popularity]\nbaseline = true\n\n[models.needs_item_features]\n",
    "predicts_ratings": "[models.predicts_ratings]\nbaseline = true\n",
    "scores_sequences": "[models.popularity]\nbaseline = true\n\n[models.scores_sequences]\n",
}
"""Models of a run that each toy wins: the ratings have nothing to beat, and so stand in for a baseline."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory, prefect_server):
    """Give (home, dataset file, summary) of a finished run by the name of its models; each runs once."""
    runs = {}

    def run_of(name):
        if name not in runs:
            folder = tmp_path_factory.mktemp("rated")
            sections = ALONE.get(name, COMPARED)
            given = parameters(folder, sections, "popularity" if "popularity" in sections else name)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SHELFTALKER_HOME", str(folder / "home"))
                runs[name] = folder / "home", given.dataset, run(given).result().to_json()
        return runs[name]

    return run_of


@pytest.fixture
def published(finished, monkeypatch):
    """The same, with that home in use."""

    def of(name):
        home, dataset, summary = finished(name)
        monkeypatch.setenv("SHELFTALKER_HOME", str(home))
        return home, dataset, summary

    return of


@pytest.fixture
def look_up(monkeypatch):
    """Rows of a look-up command."""
    monkeypatch.setattr("flows.cli_common.settle", lambda *_args, **_given: None)

    def call(*words):
        result = CliRunner().invoke(main, [*map(str, words), "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


def test_toys__are_evaluated_beside_a_baseline_and_judged_by_the_gate(published):
    _, _, compared = published("compared")
    ndcg = {name: model["repeat"]["ndcg@5"]["value"] for name, model in compared["models"].items()}

    assert set(ndcg) == {"popularity", "needs_item_features", "predicts_ratings", "scores_sequences", "bpr"}
    assert ndcg["scores_sequences"] > 2 * ndcg["popularity"]
    assert ndcg["needs_item_features"] > 2 * ndcg["popularity"]
    assert ndcg["predicts_ratings"] > 0
    assert compared["gate"]["verdict"] == "open"
    assert compared["gate"]["winner"] == "scores_sequences"


def test_toys__their_parts_of_the_training_data_are_made_and_aligned_with_codes(published):
    home, _, _ = published("compared")
    folders = [path.parent for path in home.glob("artifacts/grouping/*/item_features.json")]
    facts = [read_json(folder / "manifest.json")["facts"] for folder in folders]
    # One matrix to compare on, one to refit on; "new-0" is taken in between.
    assert sorted(each["catalogue_items"] for each in facts) == [2, 3]
    folder, known = next((f, k) for f, k in zip(folders, facts, strict=True) if k["catalogue_items"] == 3)
    matrix = open_grouped(folder, known)
    (ids,) = (
        vocabulary.ids.to_pylist()
        for path in home.glob("artifacts/mapping/*/items.parquet")
        if (vocabulary := Vocabulary.load(path)).sha256 == known["items_sha256"]
    )
    genres = matrix.item_features.labels["genres"]

    assert ids[-3:] == list(NEW)
    assert genres.names == ("crime", "drama", "old", "space", "young")
    for code, item_id in enumerate(ids):
        labels = {genres.names[label] for label in genres.by_item.row(code)[0]}
        assert item_id in NEW or item_id.partition("-")[0] in labels
    assert matrix.item_features.titles.to_pylist()[-1] == "Brand new-2"
    assert np.isnan(matrix.item_features.numbers["price"][-3:]).all()
    assert (matrix.ratings.values < 4).any()
    assert matrix.ratings.nnz > matrix.nnz
    # No model of the run asks for baskets.
    assert matrix.history.baskets is None


def test_toys__what_no_model_asks_for_is_not_made(home, tmp_path, prefect_server):
    run(parameters(tmp_path, "[models.popularity]\nbaseline = true\n", "popularity")).result()

    assert list(home.glob("artifacts/grouping/*/by_user_indptr.npy"))
    assert not list(home.glob("artifacts/grouping/*/item_features.json"))
    assert not list(home.glob("artifacts/grouping/*/ratings_indptr.npy"))


@pytest.mark.parametrize("name", ALONE)
def test_winner__is_published_and_looked_up(name, published, look_up):
    _, dataset, summary = published(name)
    folder = Path(summary["path"])
    rows = pq.read_table(folder / "predictions.parquet").to_pandas()

    assert summary["gate"]["winner"] == name
    assert summary["published"]
    assert rows["user_id"].nunique() == N_USERS
    assert set(rows["model"]) <= {name, "popularity"}
    ranked = look_up("recommend", "--dataset", dataset, "--user", "u01", "-k", 5)
    assert [row["rank"] for row in ranked] == [1, 2, 3, 4, 5]
    assert [row["item_id"] for row in ranked] == rows[rows["user_id"] == "u01"]["item_id"].tolist()[:5]
    assert len(look_up("recommend", "--dataset", dataset, "--user", "nobody", "-k", 5)) == 5
    alike = look_up("similar", "--dataset", dataset, "--item", "drama-3", "-k", 3)
    assert "drama-3" not in [row["similar_item_id"] for row in alike]
    assert len(alike) == 3
    users = look_up("target", "--dataset", dataset, "--item", "drama-3", "-k", 3)
    assert len({row["user_id"] for row in users}) == 3
    past = look_up("fold-in", "--dataset", dataset, "--item", "drama-2", "--item", "drama-3", "-k", 4)
    assert not {"drama-2", "drama-3"} & {row["item_id"] for row in past}
    explained = look_up("recommend", "--dataset", dataset, "--user", "u01", "-k", 5, "--explain")
    assert all(row["why"] for row in explained)


@pytest.mark.parametrize("name", ALONE)
def test_winner__tables_by_item_are_sorted_by_id_whatever_the_codes(name, published):
    folder = Path(published(name)[2]["path"])
    for file in ("users_per_item.parquet", "similar_items.parquet"):
        table = pq.read_table(folder / file).to_pandas()

        assert table.sort_values(["item_id", "rank"], kind="stable").index.tolist() == table.index.tolist()


@pytest.mark.parametrize("name", ALONE)
def test_winner__lists_items_without_events_only_if_it_can_score_them(name, published):
    folder = Path(published(name)[2]["path"])
    listed = set(pq.read_table(folder / "predictions.parquet").column("item_id").to_pylist())
    owners = set(pq.read_table(folder / "users_per_item.parquet").column("item_id").to_pylist())
    similar = pq.read_table(folder / "similar_items.parquet").to_pandas()
    without_events = set(NEW[1:])

    can = Capability.NEW_ITEMS in models.load_spec(name).offers
    assert (without_events <= listed) is can
    assert (without_events <= owners) is can
    assert bool(without_events & (set(similar["item_id"]) | set(similar["similar_item_id"]))) is can


def test_winner__a_session_of_a_sequence_model_goes_on_where_it_ended(published, look_up):
    _, dataset, _ = published("scores_sequences")
    rows = look_up("fold-in", "--dataset", dataset, "--item", "space-3", "--item", "space-4", "-k", 1)

    assert [(row["item_id"], row["how"]) for row in rows] == [("space-5", "what follows this sequence")]


def test_winner__content_explains_itself_by_labels(published, look_up):
    _, dataset, _ = published("needs_item_features")
    rows = look_up("recommend", "--dataset", dataset, "--user", "u01", "-k", 3, "--explain")

    assert {row["why"] for row in rows} == {"labels in common"}
    assert all(past["item_id"].startswith("drama") for row in rows for past in row["because"][:1])
