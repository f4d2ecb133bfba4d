"""A shop with every kind of rule at once: nothing that is published breaks one, and the run says what they did."""

import csv
import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_shop import FAST_MODELS, run, write_dataset

from data_contracts.errors import ConfigurationError
from data_contracts.parameters import NightlyParameters
from tasks.lookup import open_publication
from tasks.lookup.answers import SessionItem
from tasks.rules.live import LiveRules

ITEMS = """
[items]
path = "items.csv"
id = "id"
attributes = ["brand"]
labels = { tags = "|" }
"""
RULES = """
[rules]
available = "in_stock"
available_from = "from"
available_until = "until"
withdrawn = "gone.txt"
exclude_items = ["{excluded}"]
only = {{ tags = ["new", "old"] }}
never = {{ brand = ["b0"] }}
at_most = {{ brand = 2 }}
per_category = {{ attribute = "tags", k = 3 }}
blocks = "blocks.csv"
min_support = 3

[export]
k = 6
reserve = 30
"""
DAY = "2025-07-01"
"""The day of the run: from its midnight on, lists are shown."""
AS_OF = datetime(2025, 7, 1, tzinfo=UTC)
"""A moment of that day in the shop's time zone."""


@pytest.fixture(scope="module")
def known_ids(small_log):
    with small_log.open(encoding="latin-1", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Item"] and row["Customer"]]
    bought = Counter(row["Item"].strip().upper() for row in rows)
    users = sorted({row["Customer"].strip() for row in rows})
    return [item for item, _ in bought.most_common()], users


class Shop:
    """The files beside the dataset file, and what each rule says in plain words."""

    def __init__(self, folder, ids):
        self.items, self.users = ids
        self.excluded, self.withdrawn = self.items[0], {self.items[1], self.items[2]}
        self.blocks = {(user, item) for user in self.users[:40] for item in self.items[3:12]}
        self.rows = {}
        for at, item in enumerate(self.items):
            self.rows[item] = {
                "id": item,
                "brand": "" if at % 11 == 5 else f"b{at % 7}",
                "tags": ["new", "old|new", "other", "old", ""][at % 5] if at % 13 else "new|old",
                "in_stock": ["yes", "12", "no", "", "TRUE"][at % 5 if at % 3 else 0],
                "from": "2025-07-02" if at % 17 == 4 else DAY if at % 17 == 5 else "",
                "until": "2025-06-30" if at % 19 == 7 else DAY if at % 19 == 8 else "",
            }
        with (folder / "items.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(next(iter(self.rows.values()))))
            writer.writeheader()
            writer.writerows(self.rows.values())
        self.withdraw(folder, self.withdrawn)
        lines = [f"{user},{item}" for user, item in sorted(self.blocks)]
        (folder / "blocks.csv").write_text("\n".join(["user_id,item_id", *lines, "nobody,nothing"]) + "\n")

    @staticmethod
    def withdraw(folder, ids):
        (folder / "gone.txt").write_text("\n".join(f" {each.lower()}" for each in [*sorted(ids), "unknown"]))

    def may_be_shown(self, item):
        row = self.rows[item]
        return (
            item != self.excluded
            and item not in self.withdrawn
            and row["in_stock"] != "no"
            and row["from"] <= DAY
            and (not row["until"] or row["until"] >= DAY)
            and {"new", "old"} & set(row["tags"].split("|"))
            and row["brand"] != "b0"
        )

    def brands_fit(self, items):
        brands = Counter(self.rows[item]["brand"] for item in items)
        return max((n for brand, n in brands.items() if brand), default=0) <= 2


@pytest.fixture(scope="module")
def published(tmp_path_factory, small_log, known_ids, prefect_server):
    """Summary of a run under all rules, the shop, and the dataset file's folder."""
    folder = tmp_path_factory.mktemp("rules")
    shop = Shop(folder, known_ids)
    path = write_dataset(folder, models=ITEMS + RULES.format(excluded=shop.excluded) + FAST_MODELS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHELFTALKER_HOME", str(folder / "home"))
        state = run(NightlyParameters(dataset=str(path), source=str(small_log)))
    return state.result(), shop, folder, NightlyParameters(dataset=str(path), source=str(small_log))


def table(published, name):
    return pq.read_table(Path(published[0].path) / name).to_pylist()


def by_owner(rows, *owner):
    lists = {}
    for row in rows:
        lists.setdefault(tuple(row[each] for each in owner), []).append(row)
    return lists


def test_rules__no_list_of_a_user_breaks_one(published):
    _, shop, _, _ = published
    lists = by_owner(table(published, "predictions.parquet"), "user_id")

    assert len(lists) == published[0].counts.users
    for (user,), rows in lists.items():
        items = [row["item_id"] for row in rows]
        assert all(shop.may_be_shown(item) for item in items)
        assert shop.brands_fit(items)
        assert not shop.blocks & {(user, item) for item in items}
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5, 6]


def test_rules__hold_for_unknown_users_similar_items_and_audiences(published):
    _, shop, _, _ = published
    strangers = [row["item_id"] for row in table(published, "strangers.parquet")]
    similar = by_owner(table(published, "similar_items.parquet"), "item_id")
    audiences = table(published, "users_per_item.parquet")

    assert len(strangers) == 6
    assert shop.brands_fit(strangers)
    for rows in similar.values():
        assert shop.brands_fit([row["similar_item_id"] for row in rows])
        strangers += [row["similar_item_id"] for row in rows]
    assert all(shop.may_be_shown(item) for item in {*strangers, *(row["item_id"] for row in audiences)})
    assert not shop.blocks & {(row["user_id"], row["item_id"]) for row in audiences}
    # The page of an item that is gone may still say what is like it.
    assert (shop.excluded,) in similar


def test_rules__lists_by_category_hold_items_of_it(published):
    _, shop, _, _ = published
    rows = table(published, "predictions_per_category.parquet")
    lists = by_owner(rows, "user_id", "category")

    assert {category for _, category in lists} == {"new", "old"}
    assert rows == sorted(rows, key=lambda row: (row["user_id"].encode(), row["category"], row["rank"]))
    for (user, category), each in lists.items():
        items = [row["item_id"] for row in each]
        assert all(
            category in shop.rows[item]["tags"].split("|") and shop.may_be_shown(item) for item in items
        )
        assert shop.brands_fit(items)
        assert not shop.blocks & {(user, item) for item in items}
        assert len(items) <= 3


def test_rules__what_they_did_is_in_the_summary_and_the_report(published):
    summary, shop, _, _ = published
    effects = {each.rule: each for each in summary.rules.rules}

    assert effects["withdrawn"].items == 2
    assert (summary.rules.withdrawn_ids, summary.rules.unknown_withdrawn) == (3, 1)
    assert (summary.rules.blocked_pairs, summary.rules.unknown_blocked_pairs) == (361, 1)
    assert effects["exclude_items"].items == 1
    assert effects["at_most"].items is None
    assert all(each.places is not None for each in effects.values())
    assert effects["blocks"].places > 0
    assert 0 < summary.rules.allowed_items <= sum(1 for item in shop.items if shop.may_be_shown(item))
    assert summary.counts.holdout.n_forbidden_pairs > 0
    page = Path(summary.report).read_text()
    assert "Rules of the shop" in page
    assert "at_most" in page


def test_rules__the_same_files_are_the_same_run_and_another_is_another(published):
    summary, shop, folder, parameters = published
    top = next(row["item_id"] for row in table(published, "strangers.parquet"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHELFTALKER_HOME", str(folder / "home"))
        shop.withdraw(folder, {*shop.withdrawn, top})
        later = run(parameters.model_copy(update={"dry_run": True})).result()
        shop.withdraw(folder, shop.withdrawn)
        again = run(parameters).result()

    assert again.run_id == summary.run_id != later.run_id
    lists = pq.read_table(Path(later.path) / "predictions.parquet")
    assert top not in lists["item_id"].to_pylist()
    assert top in [row["item_id"] for row in table(published, "predictions.parquet")]


def test_rules__again_at_a_look_up(published):
    summary, shop, folder, _ = published
    live = LiveRules.of(Path(summary.path))
    shown = [row["item_id"] for row in table(published, "strangers.parquet")]

    assert live.shown(shown, AS_OF) == shown
    shop.withdraw(folder, {*shop.withdrawn, shown[0]})
    try:
        assert live.shown(shown, AS_OF) == shown[1:]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SHELFTALKER_HOME", str(folder / "home"))
            answers = open_publication(summary.dataset)
            found = answers.recommend("somebody unknown", 5)
            folded = answers.for_session([SessionItem(item_id=each) for each in shop.items[:3]], 20)
        # By the clock, that day is long over.
        left = [each for each in shown[1:] if not shop.rows[each]["until"]]
        assert [item.item_id for item in found.items][: len(left)] == left[:5]
        assert folded.items
        assert all(item.item_id != shown[0] and shop.may_be_shown(item.item_id) for item in folded.items)
        assert json.loads((Path(summary.path) / "rules.json").read_text())["withdrawn"]["path"] == str(
            folder / "gone.txt"
        )
    finally:
        shop.withdraw(folder, shop.withdrawn)
        os.utime(folder / "gone.txt")


def test_rules__no_look_up_breaks_one_whatever_it_asks(published):
    summary, shop, folder, _ = published
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHELFTALKER_HOME", str(folder / "home"))
        answers = open_publication(summary.dataset)
        users = [*sorted({user for user, _ in shop.blocks})[:40], "nobody"]
        for user in users:
            first = answers.recommend(user, 3).items
            for answer in (
                answers.recommend(user, 20, exclude=[item.item_id for item in first]),
                answers.recommend(user, 3, category="tags:new"),
                answers.recommend(user, 30, category="old"),
            ):
                items = [item.item_id for item in answer.items]
                assert items
                assert all(shop.may_be_shown(item) for item in items)
                assert shop.brands_fit(items)
                assert not shop.blocks & {(user, item) for item in items}


def test_rules__lists_by_category_are_what_a_look_up_gives_first(published):
    summary, shop, folder, _ = published
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHELFTALKER_HOME", str(folder / "home"))
        answers = open_publication(summary.dataset)
    lists = by_owner(table(published, "predictions_per_category.parquet"), "user_id", "category")
    for (user, category), rows in list(lists.items())[:50]:
        # By the clock, that day is long over.
        wanted = [row["item_id"] for row in rows if not shop.rows[row["item_id"]]["until"]]
        found = [
            item.item_id
            for item in answers.recommend(user, len(wanted) or 1, category=f"tags:{category}").items
        ]
        assert found[: len(wanted)] == wanted


def test_rules__that_leave_nothing_are_refused_with_what_each_forbids(
    tmp_path, small_log, home, prefect_server
):
    rules = '[rules]\nonly = { Category = ["no such"] }\n'
    path = write_dataset(tmp_path, models=rules + FAST_MODELS)

    state = run(NightlyParameters(dataset=str(path), source=str(small_log)))

    with pytest.raises(ConfigurationError, match=r"the rules leave none of .* items: only Category forbids"):
        state.result()
