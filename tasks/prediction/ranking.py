"""Who ranks for everybody: this machine, or somebody else (:mod:`tasks.prediction.on_workers`)."""

from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa

from data_contracts.scoring import Lists
from tasks.prediction.list_inputs import ListInputs
from tasks.prediction.tables import ListLengths


class Ranking(Protocol):
    """Who ranks items for all users, and then users for all items."""

    def users(self) -> tuple[Iterator[pa.Table], ListLengths]:
        """Lists of all users, and what counts their lengths on the way.

        Lists are rows of PREDICTIONS_SCHEMA with the reserve, a table for each block of users.
        """
        ...

    def users_for_items(self) -> Lists:
        """Best users of every item, once :meth:`users` was read to its end."""
        ...


class LocalRanking:
    """Ranks here."""

    def __init__(self, what: ListInputs, everyone: pa.Array) -> None:
        self._what, self._everyone, self._owners = what, everyone, what.new_owners()

    def users(self) -> tuple[Iterator[pa.Table], ListLengths]:
        """Lists of all users, ranked while they are read."""
        blocks, lengths = self._what.lists(self._everyone, self._owners)
        return (block.table(self._what.items) for block in blocks), lengths

    def users_for_items(self) -> Lists:
        """Best users of every item."""
        return self._what.users_for_items() if self._owners is None else self._owners.lists()
