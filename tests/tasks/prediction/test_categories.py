import numpy as np
import pyarrow as pa

from data_contracts.identifiers import Vocabulary
from data_contracts.predictions import PER_CATEGORY_SCHEMA
from tasks.numeric.scorers import Factors
from tasks.prediction import categories
from tasks.prediction.categories import rows_per_category

USERS, ITEMS = (
    Vocabulary.from_ids(name, ids) for name, ids in (("user_id", ["a", "b", "c"]), ("item_id", list("vwxyz")))
)
MASKS = {"late": np.array([0, 0, 1, 1, 1], np.bool_), "early": np.array([1, 1, 0, 0, 0], np.bool_)}
COLD = np.array([5.0, 4.0, 3.0, 2.0, 1.0])


def made(scorer, **changed):
    given = {"k": 2, "reserve": 5, "seen": None, "limits": None, **changed}
    everyone = pa.array(["a", "b", "c", "new"], pa.large_string())
    return pa.concat_tables(rows_per_category(everyone, USERS, ITEMS, scorer, COLD, MASKS, **given))


def test_rows_per_category__sorted_and_of_the_category(rng, monkeypatch):
    scorer = Factors(*(rng.normal(size=(n, 3)).astype(np.float32) for n in (3, 5)))
    table = made(scorer)
    scores = scorer.scores(np.arange(3))

    assert table.schema == PER_CATEGORY_SCHEMA
    assert table["user_id"].to_pylist() == [user for user in ("a", "b", "c", "new") for _ in range(4)]
    assert table["category"].to_pylist() == ["early", "early", "late", "late"] * 4
    assert table["rank"].to_pylist() == [1, 2] * 8
    late = [
        row["item_id"] for row in table.to_pylist() if row["user_id"] == "b" and row["category"] == "late"
    ]
    assert late == ["xyz"[at] for at in np.argsort(-scores[1, 2:], kind="stable")[:2]]
    assert table["item_id"].to_pylist()[-4:] == ["v", "w", "x", "y"]
    monkeypatch.setattr(categories, "BLOCK_ROWS", 4)
    assert made(scorer) == table
