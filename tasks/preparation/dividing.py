"""Each user's events cut in two, as SQL: those that are held out, and those before them."""

from typing import NamedTuple

from data_contracts.columns import BASKET_ID, EVENT_TIME, ITEM_ID, USER_ID
from data_contracts.selection import Selection

ROW = "event_row"
"""Position of an event in its file."""


class Divided(NamedTuple):
    """How each user's rows are divided; both conditions are SQL."""

    selection: Selection
    in_window: str
    """Only such rows can be held out."""
    counts: str
    """Only such rows move the cut."""
    others: str
    """Such rows are feedback, too, and cannot be held out: who has some before the cut can do without the rest."""
    in_order: str
    """What orders events of one moment, see :func:`tasks.preparation.select_events.content_order`."""

    def part(self, rows: str, part: str) -> str:
        """One side of the split of `rows`."""
        by_basket = self.selection.split == "leave_last_basket"
        numbered, held_out = self._baskets(rows) if by_basket else self._places(rows)
        held_out = f"coalesce({self.in_window} AND {USER_ID} IS NOT NULL AND ({held_out}), false)"
        side = held_out if part == "holdout" else f"NOT {held_out}"
        return f"SELECT * EXCLUDE (counted, other, place, owned, spare) FROM ({numbered}) WHERE {side}"

    def _places(self, rows: str) -> tuple[str, str]:
        """Add `place`, how many counted rows of the user come after each row, and `owned`, how many there are.

        `spare` says whether the user has other feedback before the first of them.
        """
        selection = self.selection
        order = ", ".join(f"{column} DESC" for column in (EVENT_TIME, *self.in_order.split(", "), ROW))
        if selection.split == "random":
            # A hash of the ids, not of the row: the same log in another order splits the same way.
            order = f"md5({selection.seed} || ':' || {USER_ID} || ':' || {ITEM_ID}), {EVENT_TIME}, {self.in_order}, {ROW}"
        per_user = f"PARTITION BY {USER_ID}"
        first_other, first = (
            f"min({EVENT_TIME}) FILTER ({what} = 1) OVER per_user" for what in ("other", "counted")
        )
        numbered = (
            f"SELECT *, sum(counted) OVER ({per_user} ORDER BY {order}) - counted AS place, "
            f"sum(counted) OVER per_user AS owned, coalesce({first_other} < {first}, false)::INT AS spare "
            f"FROM ({self._marked(rows)}) WINDOW per_user AS ({per_user})"
        )
        # Somebody with a single event stays on the training side: a model needs a row to speak of.
        if selection.split == "random":
            return numbered, f"place < least(owned - 1, ceil(owned * {selection.random_share!r}))"
        return numbered, f"place < least(owned - 1 + spare, {selection.leave_last_n})"

    def _baskets(self, rows: str) -> tuple[str, str]:
        """Add `place`, the row's basket, and `owned`, the user's last one; baskets compare by time, then by id.

        Rows without a basket stay on the training side, and so does somebody's only basket. Where events have
        types, `spare` is when the last basket ends: views after it are no training, and somebody with other
        feedback before it needs no other basket.
        """
        counted = f"{BASKET_ID} IS NOT NULL AND counted = 1"
        timed = (
            f"SELECT *, coalesce(max({EVENT_TIME}) FILTER ({counted}) OVER per_basket, "
            f"max({EVENT_TIME}) OVER per_basket) AS basket_time FROM ({self._marked(rows)}) "
            f"WINDOW per_basket AS (PARTITION BY {USER_ID}, {BASKET_ID})"
        )
        first_other = f"min({EVENT_TIME}) FILTER (other = 1) OVER per_user"
        first = f"min({EVENT_TIME}) FILTER ({counted}) OVER per_user"
        numbered = (
            f"SELECT * EXCLUDE (basket_time, first_basket, place, has_other), "
            f"CASE WHEN first_basket < owned OR has_other THEN place END AS place FROM ("
            f"SELECT *, row(basket_time, {BASKET_ID}) AS place, "
            f"max(row(basket_time, {BASKET_ID})) FILTER ({counted}) OVER per_user AS owned, "
            f"max(basket_time) FILTER ({counted}) OVER per_user AS spare, "
            f"min(row(basket_time, {BASKET_ID})) FILTER ({counted}) OVER per_user AS first_basket, "
            f"coalesce({first_other} < {first}, false) AS has_other "
            f"FROM ({timed}) WINDOW per_user AS (PARTITION BY {USER_ID}))"
        )
        held_out = f"{BASKET_ID} IS NOT NULL AND place >= owned"
        if not self.selection.targets:
            return numbered, held_out
        return (
            numbered,
            f"({held_out}) OR ({BASKET_ID} IS NULL AND place IS NOT NULL AND {EVENT_TIME} > spare)",
        )

    def _marked(self, rows: str) -> str:
        return (
            f"SELECT *, coalesce({self.counts}, false)::INT AS counted, coalesce({self.others}, false)::INT AS other "
            f"FROM ({rows})"
        )
