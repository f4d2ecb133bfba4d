"""All columns of a look-up index, mapped: who is known, what is on which list."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_contracts.published_files import LOOKUP
from tasks.lookup.filters import Pair
from tasks.lookup.mapped import CODES, INDEX, VERSION, LabelColumn, Ranked, Texts, integers
from tasks.publication.registry import Publication
from tasks.runtime.files import read_json


@contextmanager
def index_of(publication: Publication) -> Iterator[Path]:
    """Folder of a publication's index; one of its own tables where it has none, or one of another layout, as those of earlier versions."""
    if (publication.folder / LOOKUP / INDEX).exists():
        folder = publication.part(LOOKUP)
        if read_json(folder / INDEX)["version"] == VERSION:
            yield folder
            return
    from tasks.lookup.index import build, tables_of

    with tempfile.TemporaryDirectory(prefix="shelftalker-lookup-") as temporary:
        tables = {name: publication.part(name) for name in tables_of(publication.folder)}
        build(tables, Path(temporary))
        yield Path(temporary)


class Columns:
    """The columns of an index; what is mapped stays when its files are removed.

    Parameters
    ----------
    folder
        Of the index.

    """

    def __init__(self, folder: Path) -> None:
        self.facts: dict[str, Any] = read_json(folder / INDEX)
        facts = self.facts
        self.users, self.items, self.titles = (Texts(folder, name) for name in ("users", "items", "titles"))
        self.labels = {name: LabelColumn(folder, f"label_{at}") for at, name in enumerate(facts["labels"])}
        self.limits = tuple((self.labels[name], most) for name, most in facts["at_most"].items())
        self._lists = {
            name: Ranked.open(folder, name, facts[name])
            for name in ("user_items", "item_users", "similar", "popular", "category_items")
        }
        self._made_by = integers(folder / "made_by.codes", "B")
        self._model_codes = integers(folder / f"model_users{CODES}", "i")
        self._categories = Texts(folder, "categories")
        self._blocked = LabelColumn(folder, "blocked_users")
        self.popular = self._lists["popular"].row(0)

    def user_row(self, user_id: str) -> int:
        """Row of a user, -1 for somebody unknown."""
        return self.users.find(user_id, 0, len(self.users))

    def find_item(self, item_id: str) -> int:
        """Code of an item, -1 if the catalogue does not have it."""
        split, end = self.facts["items_with_events"], len(self.items)
        found = self.items.find(item_id, 0, split)
        return found if found >= 0 or split == end else self.items.find(item_id, split, end)

    def model_code(self, row: int) -> int:
        """Code of a user in the model, -1 for somebody whom it does not know."""
        return -1 if row < 0 else self._model_codes[row]

    def made_by(self, row: int) -> str:
        """Model behind a user's list; that of the unknown users' list for row -1."""
        name: str = self.facts["cold_start"] if row < 0 else self.facts["models"][self._made_by[row]]
        return name

    def for_user(self, row: int) -> list[Pair]:
        """A user's list; empty for row -1."""
        return [] if row < 0 else self._lists["user_items"].row(row)

    def for_user_in(self, row: int, category: str | None) -> list[Pair]:
        """A user's published list of a category, where lists of categories were published."""
        if row < 0 or category is None or not len(self._categories):
            return []
        label = category.removeprefix(f"{self.facts['category_attribute']}:").strip()
        at = self._categories.find(label, 0, len(self._categories))
        return [] if at < 0 else self._lists["category_items"].row(row * len(self._categories) + at)

    def users_of(self, item_code: int) -> list[Pair]:
        """Users to show an item to."""
        return self._lists["item_users"].row(item_code)

    def similar_to(self, item_code: int) -> list[Pair]:
        """Items that go with an item."""
        return self._lists["similar"].row(item_code)

    def blocked_for(self, user_id: str) -> list[int]:
        """Items that a user must never be shown."""
        at = self._blocked.find(user_id)
        return [] if at < 0 else self._blocked.of_item(at)

    def some_users(self, n: int) -> list[str]:
        """Ids of a few users, spread evenly over those who have a list."""
        places = ((len(self.users) * (at + 1)) // (n + 1) for at in range(n))
        return [self.users[row] for row in dict.fromkeys(places) if row < len(self.users)]
