"""What holds for every log: through preparation, models and ranking, on logs that hypothesis makes up.

Ties go to the lower code, and codes are in the order of the ids. So "renaming ids changes nothing else" means: where the
new names sort as the old ones did, every list is the same list under the new names, to the last bit, for every model. Where they sort
otherwise, models that draw random numbers by code differ, and lists by popularity have the same scores at the same places, and the same items at
all scores above a list's last one; among items of one score the order, and which of them still fit, is that of the new names. (Personal
frequency counts the places of equally popular items into its scores, so that those move with the names, too.)
"""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_log import day, write_events

from data_contracts.dataset_sections import GroupingSection
from data_contracts.errors import ContractError
from data_contracts.feedback_section import FeedbackSection
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr
from data_contracts.selection import Selection
from tasks import models
from tasks.prediction.tables import ListLengths, predict
from tasks.preparation.grouping import group, open_grouped
from tasks.preparation.holdout import ARRAYS, EVENTS, map_holdout
from tasks.preparation.mapping import make_vocabularies
from tasks.preparation.seen import FORMER_USERS, PARTS, Seen, is_needed, remember

K = 4
COUNTING = ("popularity", "recent_popularity", "personal_frequency")
END = day(20)

#: Two users and two items that are always there: a log of less is refused.
ALWAYS = [("u6", "i8", 19, 5.0, "b0"), ("u7", "i9", 19, 5.0, "b1")]
ROW = st.tuples(
    st.sampled_from([None, *(f"u{n}" for n in range(6))]),
    st.sampled_from([f"i{n}" for n in range(8)]),
    st.integers(0, 19),
    st.sampled_from([1.0, 2.0, 4.0, 5.0]),
    st.sampled_from([None, "b0", "b1", "b2"]),
)
LOG = st.lists(ROW, max_size=40).map(lambda rows: rows + ALWAYS)

RATING, COUNT = FeedbackSection(kind="rating", threshold=4.0), FeedbackSection()
QUANTITY, SUM = FeedbackSection(kind="quantity"), GroupingSection()
LAST, FADING = GroupingSection(merge="last"), GroupingSection(half_life_days=5.0)
#: What is trained on, what values mean, how events become a weight.
KINDS = {
    "counts": (Selection(end=END), COUNT, SUM),
    "lookback": (Selection(start=day(8), end=END), COUNT, FADING),
    "capped": (Selection(end=END, max_events_per_user=1), COUNT, SUM),
    "liked": (Selection(end=END, threshold=4.0), RATING, SUM),
    "last word": (Selection(end=END, threshold=4.0, last_word=True), RATING, LAST),
    "quantities": (Selection(end=END, values="net"), QUANTITY, FADING),
    "last quantity": (Selection(end=END, values="positive"), QUANTITY, LAST),
    "leave last": (Selection(end=END, split="leave_last", leave_last_n=2), COUNT, SUM),
    "leave last basket": (Selection(end=END, split="leave_last_basket"), QUANTITY, SUM),
    "random": (Selection(end=END, split="random", random_share=0.4), COUNT, SUM),
}


class Night:
    """The preparation of a log, in a folder of its own."""

    def __init__(self, folder, rows, kind):
        self.folder, self.kind = Path(tempfile.mkdtemp(dir=folder)), kind
        self.selection, feedback, grouping = KINDS[kind]
        self.events = write_events(self.folder / "events.parquet", rows)
        self.users, self.items = make_vocabularies(self.events, self.selection, self.folder)
        self.users.save(self.folder / "users.parquet")
        self.items.save(self.folder / "items.parquet")
        facts = group(
            self.events, self.folder, self.folder,
            selection=self.selection, feedback=feedback, grouping=grouping, scratch=self.folder,
        )  # fmt: skip
        self.matrix = open_grouped(self.folder, facts)

    def arrays(self):
        """Everything that models read, as bytes by file."""
        return {file.name: file.read_bytes() for file in self.folder.glob("*.npy")}

    def seen(self):
        if not is_needed(self.selection):
            return Seen(self.matrix.by_user, Vocabulary.from_ids("user_id", []))
        remember(self.events, self.folder, self.folder, self.selection, self.folder)
        indptr, indices = (np.load(self.folder / f"seen_{part}.npy") for part in PARTS)
        rows = Csr(indptr, indices, np.ones(len(indices), np.float32), len(self.items))
        return Seen(rows, Vocabulary.load(self.folder / FORMER_USERS))

    def lists(self, model, seen=None):
        """For each user the listed items with their scores, best first; those that only had something long ago, too."""
        module = models.load(model)
        scorer = module.fit(self.matrix, module.Config(**SMALL.get(model, {})), rng=np.random.default_rng(3))
        everyone = sorted({*self.users.ids.to_pylist(), *(seen.former.ids.to_pylist() if seen else ())})
        lists = predict(
            pa.array(everyone, pa.large_string()), self.users, self.items, scorer, self.matrix.item_events(),
            k=K, seen=seen, allow=None, names=("known", "cold"), counts=ListLengths(),
        )  # fmt: skip
        found = {user: [] for user in everyone}
        for row in pa.concat_tables(each.table(self.items) for each in lists).to_pylist():
            found[row["user_id"]].append((row["item_id"], row["score"]))
        return found


SMALL = {
    "wals": {
        "n_factors": 4,
        "iterations": 2,
        "unobserved_weight": 0.1,
        "regularization": 0.1,
        "weighting": "count",
    },
    "bpr": {"n_factors": 4, "epochs": 2},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("nights")


def examples(n):
    return settings(max_examples=n, deadline=None, derandomize=True)


@pytest.mark.parametrize("kind", ["counts", "lookback", "capped", "liked", "last word", "quantities"])
@examples(4)
@given(rows=LOG)
def test_discovery__nobody_gets_an_item_of_their_past(folder, kind, rows):
    night = Night(folder, rows, kind)
    had = {(user, item) for user, item, *_ in rows}

    for model in (*COUNTING, "wals"):
        lists = night.lists(model, night.seen())

        assert not had & {(user, item) for user, listed in lists.items() for item, _ in listed}
        # And for no other reason is a list short of what there is.
        known = set(night.items.ids.to_pylist())
        for user, listed in lists.items():
            assert len(listed) == min(K, len(known - {item for owner, item in had if owner == user}))


@pytest.mark.parametrize("kind", KINDS)
@examples(4)
@given(rows=LOG, rng=st.randoms(use_true_random=False))
def test_order_of_rows__changes_nothing(folder, kind, rows, rng):
    shuffled = rng.sample(rows, len(rows))

    one, other = (Night(folder, each, kind) for each in (rows, shuffled))

    assert one.arrays() == other.arrays()
    if one.selection.split != "none":
        assert held_out(one) == held_out(other)


def held_out(night):
    """Arrays of the hold-out as bytes; None where nothing can be held out."""
    selection = night.selection.model_copy(update={"part": "holdout"})
    try:
        found = map_holdout(night.events, night.folder, selection, baskets=True, scratch=night.folder)
    except ContractError:
        return None
    events = {} if found.events is None else {name: getattr(found.events, name).tolist() for name in EVENTS}
    return {name: getattr(found, name).tolist() for name in ARRAYS} | events


@pytest.mark.parametrize("kind", ["counts", "liked", "lookback"])
@examples(4)
@given(rows=LOG)
def test_every_row_twice__keeps_the_order_of_each_list_of_models_that_count(folder, kind, rows):
    one, other = Night(folder, rows, kind), Night(folder, rows + rows, kind)

    for model in COUNTING:
        once, twice = one.lists(model), other.lists(model)
        assert items_of(once) == items_of(twice), model


def items_of(lists):
    return {user: [item for item, _ in listed] for user, listed in lists.items()}


def renamed(rows, users, items):
    return [(users.get(user), items[item], *rest) for user, item, *rest in rows]


@pytest.mark.parametrize("kind", ["counts", "last word", "leave last", "quantities"])
@examples(4)
@given(rows=LOG)
def test_renaming__in_the_same_order_renames_the_lists_of_every_model(folder, kind, rows):
    users, items = {f"u{n}": f"{n:02d}-x" for n in range(8)}, {f"i{n}": f"item {n}" for n in range(10)}

    one, other = Night(folder, rows, kind), Night(folder, renamed(rows, users, items), kind)

    assert one.arrays() == other.arrays()
    for model in (*COUNTING, "wals", "bpr"):
        before = {
            users[user]: [(items[item], score) for item, score in listed]
            for user, listed in one.lists(model).items()
        }
        assert before == other.lists(model)


@pytest.mark.parametrize("kind", ["counts", "liked", "quantities", "lookback"])
@examples(3)
@given(rows=LOG, new_users=st.permutations(range(8)), new_items=st.permutations(range(10)))
def test_renaming__in_another_order_moves_only_items_of_one_score(folder, kind, rows, new_users, new_items):
    users = {f"u{n}": f"v{new}" for n, new in enumerate(new_users)}
    items = {f"i{n}": f"j{new}" for n, new in enumerate(new_items)}
    one, other = Night(folder, rows, kind), Night(folder, renamed(rows, users, items), kind)

    for model in ("popularity", "recent_popularity"):
        before, after = one.lists(model), other.lists(model)
        assert {users[user] for user in before} == set(after)
        for user, listed in before.items():
            new = after[users[user]]
            np.testing.assert_allclose([s for _, s in listed], [s for _, s in new], rtol=1e-6)
            last = listed[-1][1] + 1e-6 * abs(listed[-1][1])
            assert {items[item] for item, score in listed if score > last} == {
                i for i, score in new if score > last
            }
