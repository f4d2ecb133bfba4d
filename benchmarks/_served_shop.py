"""A publication of any size for the look-up service: random lists, and WALS factors for sessions."""

import os
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.identifiers import Vocabulary
from data_contracts.predictions import (
    PREDICTIONS,
    PREDICTIONS_SCHEMA,
    SIMILAR_ITEMS,
    SIMILAR_SCHEMA,
    STRANGERS,
    STRANGERS_SCHEMA,
    ranked_rows,
)
from data_contracts.published_files import ITEMS_FILE, LOOKUP, TITLES, USERS_FILE
from tasks.lookup.index import Meaning, build, tables_of
from tasks.models import wals
from tasks.numeric.scorers import Factors
from tasks.publication.registry import Publication, publish
from tasks.training.serialization import save_scorer

BLOCK = 50_000
RESERVE = 30
"""Length of the lists: 10 places and a reserve of 20."""
N_BRANDS = 50


TRAINED = 50_000
"""Users, the first ones, who have factors: no load asks for those of the others."""
RUNS = ("first", "second")


def publish_shop(
    home: Path, users: int, items: int, n_factors: int, *, rng: np.random.Generator
) -> tuple[str, ...]:
    """Publish a shop named ``shop`` into a home, under two names; returns them, the live one last."""
    os.environ["SHELFTALKER_HOME"] = str(home)
    parts = home / "parts"
    (parts / LOOKUP).mkdir(parents=True)
    vocabulary = Vocabulary("item_id", pa.array([f"i{at:06}" for at in range(items)], pa.large_string()))
    everyone = Vocabulary("user_id", pa.array([f"u{at:08}" for at in range(users)], pa.large_string()))
    vocabulary.save(parts / ITEMS_FILE)
    trained = Vocabulary("user_id", everyone.ids[:TRAINED])
    trained.save(parts / USERS_FILE)
    with pq.ParquetWriter(parts / PREDICTIONS, PREDICTIONS_SCHEMA, compression="zstd") as writer:
        for first in range(0, users, BLOCK):
            ids = everyone.ids[first : first + BLOCK]
            made = np.full(len(ids), "wals")
            lists = _lists(len(ids), items, RESERVE, rng)
            writer.write_table(ranked_rows(PREDICTIONS_SCHEMA, ids, vocabulary, lists, made))
    popular = ranked_rows(STRANGERS_SCHEMA, None, vocabulary, _lists(1, items, 1000, rng), np.array(["wals"]))
    pq.write_table(popular, parts / STRANGERS)
    alike = ranked_rows(SIMILAR_SCHEMA, vocabulary.ids, vocabulary, _lists(items, items, 10, rng), None)
    pq.write_table(alike, parts / SIMILAR_ITEMS)
    brands = [f"brand {at % N_BRANDS}" for at in range(items)]
    titles = {
        "item_id": vocabulary.ids,
        "title": [f"Item number {at}" for at in range(items)],
        "brand": brands,
    }
    pq.write_table(pa.table(titles), parts / TITLES)
    build(tables_of(parts), parts / LOOKUP, Meaning(separators={"brand": None}))
    config = wals.Config(n_factors=n_factors, unobserved_weight=0.1, regularization=0.01)
    x, y = (rng.normal(0, 0.1, (n, n_factors)).astype(np.float32) for n in (len(trained), items))
    (parts / "model").mkdir()
    save_scorer(Factors(x, y), parts / "model")
    names = (PREDICTIONS, STRANGERS, SIMILAR_ITEMS, TITLES, ITEMS_FILE, USERS_FILE, LOOKUP, "model")
    facts = {"kind": "wals", "parameters": config.model_dump(mode="json")}
    for day, run in enumerate(RUNS, start=1):
        publication = Publication(dataset="shop", as_of=date(2026, 1, day), run=run)
        publish(publication, {name: parts / name for name in names}, {"model": facts})
    return RUNS


def _lists(rows: int, items: int, k: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Lists of different items, (rows, k): a random start, and a stride that no item repeats in."""
    k = min(k, items)
    start, stride = rng.integers(0, items, (rows, 1)), rng.integers(1, max(2, items // k), (rows, 1))
    codes = (start + stride * np.arange(k)) % items
    scores = np.linspace(1, 0.1, k, dtype=np.float32)
    return codes.astype(np.int32), np.broadcast_to(scores, codes.shape)
