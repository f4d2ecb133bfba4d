"""What is published, without what may not be shown at this moment: rules are asked again at each look-up."""

from collections.abc import Callable
from datetime import UTC, datetime

from data_contracts.columns import ITEM_ID
from data_contracts.limits import MAX_COUNT
from data_contracts.published_files import SIMILAR_ID
from data_contracts.shop_rules import RULES_FILE
from tasks.lookup.queries import Row
from tasks.publication.registry import Publication

Finder = Callable[[Publication, str, int], list[Row]]
"""A look-up of :mod:`tasks.lookup.queries`."""


def under_rules(find: Finder, publication: Publication, wanted: str, k: int) -> list[Row]:
    """What a look-up finds and the shop's rules still let be shown, at most `k` rows; ranks are the published ones."""
    if not (publication.folder / RULES_FILE).exists():
        return find(publication, wanted, k)
    # Reading tables as arrays takes longer than the look-up: only where there are rules.
    from tasks.rules.live import LiveRules

    publication.part(RULES_FILE)
    rows, rules = find(publication, wanted, MAX_COUNT), LiveRules.of(publication.folder)
    if rules is None or not rows:
        return rows[:k]
    shown = SIMILAR_ID if SIMILAR_ID in rows[0] else ITEM_ID
    ids = list(dict.fromkeys(row[shown] for row in rows))
    left = set(rules.shown(ids, datetime.now(UTC)))
    return [row for row in rows if row[shown] in left][:k]
