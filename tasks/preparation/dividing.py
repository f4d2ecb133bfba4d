"""Each user's events cut in two, as SQL: those that are held out, and those before them."""

from typing import NamedTuple

from data_contracts.columns import BASKET_ID, EVENT_TIME, ITEM_ID, USER_ID
from data_contracts.selection import Selection

ROW = "event_row"
"""Position of an event in its file."""

EVE = "INTERVAL 1 DAY"
"""Views and carts of the visit in which something is bought are no training for it: lists are made the night before."""


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
        return f"SELECT * EXCLUDE (counted, other, place, owned, cut) FROM ({numbered}) WHERE {side}"

    def _places(self, rows: str) -> tuple[str, str]:
        """Add `place`, how many counted rows of the user come after each row, and `owned`, how many may be held out.

        Where events have types, other events are held out from `cut` on.
        """
        selection = self.selection
        order = ", ".join(f"{column} DESC" for column in (EVENT_TIME, *self.in_order.split(", "), ROW))
        if selection.split == "random":
            # A hash of the ids, not of the row: the same log in another order splits the same way.
            order = f"md5({selection.seed} || ':' || {USER_ID} || ':' || {ITEM_ID}), {EVENT_TIME}, {self.in_order}, {ROW}"
        per_user = f"PARTITION BY {USER_ID}"
        # Somebody with a single event stays on the training side: a model needs a row to speak of.
        numbered = (
            f"SELECT *, sum(counted) OVER ({per_user} ORDER BY {order}) - counted AS place, "
            f"sum(counted) OVER ({per_user}) - 1 AS owned, NULL AS cut FROM ({self._marked(rows)})"
        )
        if selection.split == "random":
            return numbered, f"place < least(owned, ceil((owned + 1) * {selection.random_share!r}))"
        held_out = f"place < least(owned, {selection.leave_last_n})"
        if not selection.targets:
            return numbered, held_out
        spared = (
            f"SELECT * REPLACE (owned + {self._spare('counted = 1')} AS owned) FROM ({numbered}) "
            f"WINDOW per_user AS ({per_user})"
        )
        cut = f"min({EVENT_TIME}) FILTER (counted = 1 AND {held_out}) OVER ({per_user}) - {EVE}"
        by_cut = f"CASE WHEN counted = 1 THEN {held_out} ELSE {EVENT_TIME} >= cut END"
        return f"SELECT * REPLACE ({cut} AS cut) FROM ({spared})", by_cut

    def _baskets(self, rows: str) -> tuple[str, str]:
        """Add `place`, the row's basket, and `owned`, the user's last one; baskets compare by time, then by id.

        Rows without a basket stay on the training side, and so does somebody's only basket. Where events have
        types, rows that are in no basket of targets are held out from `cut` on.
        """
        counted = f"{BASKET_ID} IS NOT NULL AND counted = 1"
        timed = (
            f"SELECT *, coalesce(max({EVENT_TIME}) FILTER ({counted}) OVER per_basket, "
            f"max({EVENT_TIME}) OVER per_basket) AS basket_time FROM ({self._marked(rows)}) "
            f"WINDOW per_basket AS (PARTITION BY {USER_ID}, {BASKET_ID})"
        )
        numbered = (
            f"SELECT * EXCLUDE (basket_time, first_basket, place, spare), "
            f"CASE WHEN first_basket < owned OR spare = 1 THEN place END AS place FROM ("
            f"SELECT *, row(basket_time, {BASKET_ID}) AS place, "
            f"max(row(basket_time, {BASKET_ID})) FILTER ({counted}) OVER per_user AS owned, "
            f"max(basket_time) FILTER ({counted}) OVER per_user - {EVE} AS cut, "
            f"min(row(basket_time, {BASKET_ID})) FILTER ({counted}) OVER per_user AS first_basket, "
            f"{self._spare(counted)} AS spare "
            f"FROM ({timed}) WINDOW per_user AS (PARTITION BY {USER_ID}))"
        )
        held_out = f"{BASKET_ID} IS NOT NULL AND place >= owned"
        if self.selection.targets:
            of_no_basket = f"(counted = 0 OR {BASKET_ID} IS NULL) AND place IS NOT NULL"
            held_out = f"({held_out}) OR ({of_no_basket} AND {EVENT_TIME} >= cut)"
        return numbered, held_out

    def _spare(self, counted: str) -> str:
        """1 where the user has other feedback before the eve of the first counted row, else 0."""
        first_other, first = (
            f"min({EVENT_TIME}) FILTER ({what}) OVER per_user" for what in ("other = 1", counted)
        )
        return f"coalesce({first_other} < {first} - {EVE}, false)::INT"

    def _marked(self, rows: str) -> str:
        return (
            f"SELECT *, coalesce({self.counts}, false)::INT AS counted, coalesce({self.others}, false)::INT AS other "
            f"FROM ({rows})"
        )
