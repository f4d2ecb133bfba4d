"""The course notebook's made-up films: ratings are noise, so that nothing can beat the mean, and the gate must say so.

10,000 users rate 3 or 4 of 1,000 films with 1 to 9, all by chance. The floor is the standard deviation of such ratings,
``sqrt((9^2 - 1) / 12)``; what lies below it by more than an interval would be luck or a mistake.
"""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix

from benchmarks._children import empty_folder
from benchmarks._event_log import cache_folder
from benchmarks.logs import Log, run_log
from benchmarks.models._rows import Row

TITLE: Final = "Made-up films, ratings by chance"
N_USERS, N_ITEMS, GENRES = 10_000, 1_000, ("Action", "Comedy", "Drama", "Horror", "Romance", "Sci-Fi")
NOTEBOOK, FLOOR = 2.579, float(np.sqrt(80 / 12))
DATASET: Final = """
name = "films"
description = "Ratings by chance."
[source]
path = "films.parquet"
format = "parquet"
timezone = "UTC"
[columns]
user = "user"
item = "film"
time = "time"
value = "rating"
labels = { genres = "|" }
[cleaning]
anonymous = "reject"
[feedback]
kind = "rating"
threshold = 1.0
[window]
split = "random"
random_share = 0.2
[evaluation]
decides = "discovery"
metric = "rmse"
ks = [5, 10]
cold_start = "rating_means"
[models.rating_means]
baseline = true
[models.gmf]
[models.explicit_mf]
[models.autoencoder]
"""


def write(folder: Path, data: Path, seed: int) -> None:
    """Draw the films, their genres and the ratings, as in the notebook from numpy's seed 42."""
    rng = np.random.RandomState(42)
    genres = ["|".join(sorted(rng.choice(GENRES, rng.randint(1, 4), replace=False))) for _ in range(N_ITEMS)]
    rows: list[dict[str, Any]] = []
    for user in range(N_USERS):
        for film in rng.choice(N_ITEMS, rng.randint(3, 5), replace=False):
            at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=len(rows))
            rating = float(rng.randint(1, 10))
            rows.append(
                {"user": f"U{user}", "film": f"F{film}", "genres": genres[film], "time": at, "rating": rating}
            )
    pq.write_table(pa.Table.from_pylist(rows), folder / "films.parquet")
    (folder / "films.toml").write_text(DATASET, "utf-8")


def measure(data: Path, seed: int) -> list[Row]:
    """Run the real command; errors, the floor beside them, what the gate said, and what similar items have in common."""
    folder = empty_folder(cache_folder(), "models")
    try:
        summary = run_log(Log("films", write=write), folder, data, seed)
        common = _genres_in_common(folder)
    finally:
        shutil.rmtree(folder)
    gate, rows = summary["gate"], []
    for name, model in summary["models"].items():
        error = model[gate["scenario"]]["rmse"]
        theirs = {"published": NOTEBOOK, "published_by": "the notebook's GMF"} if name == "gmf" else {}
        seconds = model["seconds"]["fit"]
        low, high = error["low"], error["high"]
        rows.append(
            Row(
                model=name, metric="rmse", value=error["value"], low=low, high=high, seconds=seconds, **theirs
            )
        )
    rows.append(Row(model="floor", metric="rmse", value=FLOOR, note="standard deviation of the noise"))
    won = gate["winner"]
    said = "nothing here beats the mean" if won == "rating_means" else f"{won} was let through"
    rows.append(Row(model=won, metric="winner", value=1.0, note=f"gate {gate['verdict']}: {said}"))
    return [*rows, *common]


def _genres_in_common(folder: Path) -> list[Row]:
    """Share of genres that a film shares with its ten nearest by GMF's vectors, with any ten, and with those by genre."""
    from data_contracts.interactions import GroupedMatrix
    from tasks.models import gmf

    table = pq.read_table(folder / "films.parquet").to_pandas()
    has = np.zeros((N_ITEMS, len(GENRES)))
    for film, genres in zip(table["film"], table["genres"], strict=True):
        has[int(film[1:]), [GENRES.index(each) for each in genres.split("|")]] = 1

    places = table["user"].str[1:].astype(int), table["film"].str[1:].astype(int)
    ratings = GroupedMatrix.from_csr(
        csr_matrix((table["rating"].astype(np.float32), places), shape=(N_USERS, N_ITEMS))
    )
    matrix = GroupedMatrix(ratings.by_user, ratings.by_item, ratings=ratings.by_user)
    scorer = gmf.fit(matrix, gmf.Config(), rng=np.random.default_rng(0))
    near, _ = scorer.similar_items(np.arange(N_ITEMS), 10)
    both = has @ has.T / np.maximum(has.sum(1)[:, None] + has.sum(1) - has @ has.T, 1)
    np.fill_diagonal(both, np.nan)
    by_genre = np.sort(np.nan_to_num(both, nan=-1), axis=1)[:, -10:].mean()
    by_vector = both[np.arange(N_ITEMS)[:, None], near]
    return [
        Row(
            model="gmf",
            metric="genres in common",
            value=float(np.nanmean(by_vector)),
            note="ten nearest by vector",
        ),
        Row(model="any", metric="genres in common", value=float(np.nanmean(both)), note="by chance"),
        Row(model="genre", metric="genres in common", value=float(by_genre), note="ten nearest by genre"),
    ]
