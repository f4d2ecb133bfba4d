"""MovieLens small, a random tenth of the ratings held out: errors of the models that predict ratings, and of Surprise's SVD.

Surprise (``pip install scikit-surprise``) runs in the Python that $SURPRISE_PYTHON names, or in this one; where neither
has it, a row says so. Seconds of its row are those of its ``fit`` alone, too.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from benchmarks.models._rows import Row
from data_contracts.interactions import GroupedMatrix
from tasks import models

TITLE: Final = "MovieLens small, random 90/10"
SPLITS: Final = 3
KINDS: Final = ("rating_means", "explicit_mf", "autoencoder", "gmf")
SURPRISE: Final = """
import json, sys, time
import pandas as pd
from surprise import SVD, Dataset, Reader, accuracy
known, held = (pd.read_csv(path) for path in sys.argv[1:3])
reader = Reader(rating_scale=(0.5, 5))
train = Dataset.load_from_df(known, reader).build_full_trainset()
began = time.perf_counter()
model = SVD(random_state=0).fit(train)
seconds = time.perf_counter() - began
found = model.test(list(held.itertuples(index=False, name=None)))
print(json.dumps({"rmse": accuracy.rmse(found, verbose=False), "seconds": seconds}))
"""


def measure(data: Path, seed: int) -> list[Row]:
    """Train on several splits; the mean over them, and their range."""
    table = pd.read_csv(data / "movielens_small_ratings.csv")[["userId", "movieId", "rating"]]
    found: dict[str, list[dict[str, float]]] = {}
    for split in range(seed, seed + SPLITS):
        order = np.random.default_rng(split).permutation(len(table))
        held = order[: len(table) // 10]
        for name, figures in _one_split(table, held).items():
            found.setdefault(name, []).append(figures)
    if "surprise_svd" in found:
        peer = fmean(each["rmse"] for each in found["surprise_svd"])
        return [_row(name, each, peer) for name, each in found.items()]
    absent = Row(
        model="surprise_svd", metric="left out", value=0.0, note="name a Python with it in $SURPRISE_PYTHON"
    )
    return [*(_row(name, each, None) for name, each in found.items()), absent]


def _row(name: str, figures: list[dict[str, float]], peer: float | None) -> Row:
    errors = [each["rmse"] for each in figures]
    return Row(
        model=name,
        metric="rmse",
        value=fmean(errors),
        low=min(errors),
        high=max(errors),
        published=None if name == "surprise_svd" else peer,
        published_by="" if name == "surprise_svd" or peer is None else "Surprise's SVD, same splits",
        seconds=fmean(each["seconds"] for each in figures),
        note=f"range over {len(figures)} splits",
    )


def _one_split(table: pd.DataFrame, held: np.ndarray) -> dict[str, dict[str, float]]:
    users = table["userId"].astype("category").cat.codes.to_numpy()
    items = table["movieId"].astype("category").cat.codes.to_numpy()
    stars = table["rating"].to_numpy(np.float32)
    known = np.ones(len(table), np.bool_)
    known[held] = False
    ratings = csr_matrix(
        (stars[known], (users[known], items[known])), shape=(users.max() + 1, items.max() + 1)
    )
    found = {}
    for kind in KINDS:
        if models.missing_modules(kind):
            continue
        model: Any = models.load(kind)
        # Kernels are compiled, or read from their cache, before the clock starts.
        model.fit(_matrix(ratings[:50]), model.Config(), rng=np.random.default_rng(0))
        matrix = _matrix(ratings)
        began = time.perf_counter()
        scorer = model.fit(matrix, model.Config(), rng=np.random.default_rng(0))
        seconds = time.perf_counter() - began
        errors = scorer.predict_ratings(users[held], items[held]) - stars[held]
        found[kind] = {"rmse": float(np.sqrt(np.mean(errors.astype(np.float64) ** 2))), "seconds": seconds}
    if python := _surprises_python():
        found["surprise_svd"] = _surprise(python, table[known], table[~known])
    return found


def _matrix(ratings: csr_matrix) -> GroupedMatrix:
    matrix = GroupedMatrix.from_csr(ratings)
    return GroupedMatrix(matrix.by_user, matrix.by_item, ratings=matrix.by_user)


def _surprises_python() -> str | None:
    here = sys.executable if importlib.util.find_spec("surprise") else None
    return os.environ.get("SURPRISE_PYTHON", here)


def _surprise(python: str, known: pd.DataFrame, held: pd.DataFrame) -> dict[str, float]:
    """Fit and score Surprise's SVD with its defaults in its own Python."""
    with tempfile.TemporaryDirectory() as name:
        paths = [str(Path(name) / f"{part}.csv") for part in ("known", "held")]
        for frame, path in zip((known, held), paths, strict=True):
            frame.to_csv(path, index=False)
        done = subprocess.run([python, "-c", SURPRISE, *paths], capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result
