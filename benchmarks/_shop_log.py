"""A synthetic log with tastes, of any size: power-law users and items, tastes in clusters, some months."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.sparse import coo_matrix

from benchmarks._event_log import cache_folder
from data_contracts.interactions import GroupedMatrix

CHUNK: Final = 1_000_000
CLUSTERS: Final = 200
LOYALTY: Final = 0.7
"""Share of a user's events that fall into the user's own clusters."""
OWN_CLUSTERS: Final = 3
AGAIN: Final = 0.15
"""Share of a user's events that repeat an item which the cluster's regulars take again and again."""
SECONDS: Final = 182 * 86_400
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
ITEM_EXPONENT, USER_SIGMA = 0.9, 1.0


def shop_log(n_events: int, n_users: int, n_items: int, seed: int = 0) -> Path:
    """Return the path of a Parquet log ``user, item, time``, written before the first time.

    Every user belongs to three of two hundred clusters of items. Users' activity is log-normal, items are
    drawn within a cluster by a power law of their rank; three of ten events go to the whole catalogue.
    """
    path = cache_folder() / f"shop-{n_events}-{n_users}-{n_items}-{seed}.parquet"
    if not path.exists():
        rng = np.random.default_rng(seed)
        draw = _Draw(n_users, n_items, rng)
        partial = path.with_suffix(".partial")
        with pq.ParquetWriter(partial, _SCHEMA, compression="zstd") as writer:
            for first in range(0, n_events, CHUNK):
                size = min(CHUNK, n_events - first)
                writer.write_table(draw.table(size, first / n_events, (first + size) / n_events))
        partial.rename(path)
    return path


def shop_matrix(n_events: int, n_users: int, n_items: int, seed: int = 0) -> GroupedMatrix:
    """The same log as a matrix of its users and items, all values 1."""
    table = pq.read_table(shop_log(n_events, n_users, n_items, seed), columns=["user", "item"])
    users, items = (table[name].combine_chunks().dictionary_encode().indices for name in ("user", "item"))
    pairs = coo_matrix((np.ones(len(users), np.float32), (users, items))).tocsr()
    pairs.data[:] = 1.0
    return GroupedMatrix.from_csr(pairs)


_SCHEMA: Final = pa.schema(
    [("user", pa.string()), ("item", pa.string()), ("time", pa.timestamp("us", tz="UTC"))]
)


class _Draw:
    """What all chunks share."""

    def __init__(self, n_users: int, n_items: int, rng: np.random.Generator) -> None:
        self.rng = rng
        self.activity = np.cumsum(rng.lognormal(sigma=USER_SIGMA, size=n_users))
        self.own = rng.integers(0, CLUSTERS, (n_users, OWN_CLUSTERS))
        self.order = rng.permutation(n_items)  # rank r of the catalogue is item order[r]
        self.popularity = np.cumsum((np.arange(n_items) + 5.0) ** -ITEM_EXPONENT)
        # An item's cluster is its rank modulo CLUSTERS: each cluster has popular and rare items.
        self.ranks = np.arange(n_items // CLUSTERS) * CLUSTERS
        self.within = np.cumsum((np.arange(len(self.ranks)) + 2.0) ** -ITEM_EXPONENT)

    def table(self, size: int, begin: float, end: float) -> pa.Table:
        """Events of one stretch of time, in order."""
        users = self._pick(self.activity, size)
        cluster = self.own[users, self.rng.integers(0, OWN_CLUSTERS, size)]
        ranks = self.ranks[self._pick(self.within, size)] + cluster
        # Regulars: the same few ranks for a user, whatever the day.
        again = self.rng.random(size) < AGAIN
        ranks[again] = self.own[users[again], 0] + CLUSTERS * (users[again] % min(7, len(self.ranks)))
        roam = self.rng.random(size) >= LOYALTY
        ranks[roam] = self._pick(self.popularity, int(roam.sum()))
        times = np.sort(self.rng.random(size) * (end - begin) + begin) * SECONDS * 1e6
        moments = times.astype(np.int64) + int(START.timestamp() * 1e6)
        return pa.table(
            [_ids("U", users), _ids("P", self.order[ranks]), pa.array(moments, _SCHEMA.field("time").type)],
            schema=_SCHEMA,
        )

    def _pick(self, cumulative: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.int64]:
        found = np.searchsorted(cumulative, self.rng.random(size) * cumulative[-1], side="right")
        codes: npt.NDArray[np.int64] = np.minimum(found, len(cumulative) - 1).astype(np.int64)
        return codes


def _ids(letter: str, codes: npt.NDArray[np.int64]) -> pa.Array:
    return pc.binary_join_element_wise(letter, pa.array(codes).cast(pa.string()), "")
