import numpy as np
import pytest
from tiny_log import ROWS, day, write_events

from data_contracts.dataset_sections import GroupingSection
from data_contracts.feedback_section import FeedbackSection
from data_contracts.matrix_parts import NO_PARTS, MatrixParts
from data_contracts.selection import Selection
from tasks.models import Need
from tasks.preparation.grouping import group, open_grouped
from tasks.preparation.mapping import make_vocabularies


@pytest.fixture
def grouped(tmp_path):
    def make(selection=None, feedback=None, grouping=None, rows=ROWS, parts=NO_PARTS, **log):
        selection = selection or Selection(end=day(8))
        events = write_events(tmp_path / "events.parquet", rows, **log)
        users, items = make_vocabularies(events, selection, tmp_path)
        users.save(tmp_path / "users.parquet")
        items.save(tmp_path / "items.parquet")
        facts = group(
            events,
            tmp_path,
            tmp_path,
            selection=selection,
            feedback=feedback or FeedbackSection(),
            grouping=grouping or GroupingSection(),
            scratch=tmp_path,
            parts=parts,
        )
        return open_grouped(tmp_path, facts), users.ids.to_pylist(), items.ids.to_pylist(), facts

    return make


def dense(matrix):
    return matrix.by_user.to_scipy().toarray().tolist()


def test_group__counts_rows_of_known_users(grouped):
    matrix, users, items, facts = grouped()

    assert (users, items) == (["u-a", "u-b"], ["10", "11", "12", "13"])
    assert dense(matrix) == [[0, 1, 0, 1], [1, 2, 0, 0]]
    np.testing.assert_array_equal(matrix.by_item.to_scipy().toarray(), np.array(dense(matrix)).T)
    assert (facts["events"], facts["anonymous_events"]) == (6, 1)


def test_group__counts_anonymous_events_in_the_timeline(grouped):
    matrix = grouped()[0]

    # ages in whole days before day 8, so an event of day 2 at 01:00 is 5 days old
    assert matrix.item_events().tolist() == [1, 3, 1, 1]
    assert matrix.timeline.ages.tolist() == [7, 4, 6, 7, 5, 3]


def test_group__keeps_each_users_events_oldest_first(grouped):
    history = grouped()[0].history

    assert history.indptr.tolist() == [0, 2, 5]
    # Of the second user's two events of day 8 either may be the first.
    assert [history.items[:2].tolist(), sorted(history.items[2:4]), history.items[4]] == [[1, 3], [0, 1], 1]
    np.testing.assert_allclose(history.ages, np.array([7, 4, 8, 8, 5]) - 1 / 24, rtol=1e-6)


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        ("sum", [[0, 5, 0, 3], [1, 6, 0, 0]]),
        ("max", [[0, 5, 0, 3], [1, 4, 0, 0]]),
        ("last", [[0, 5, 0, 3], [1, 4, 0, 0]]),
    ],
)
def test_group__merges_as_asked(grouped, merge, expected):
    matrix = grouped(feedback=FeedbackSection(kind="quantity"), grouping=GroupingSection(merge=merge))[0]

    assert dense(matrix) == expected


def test_group__clips_quantities_at_a_quantile_of_the_window(grouped):
    matrix = grouped(feedback=FeedbackSection(kind="quantity", clip_quantile=0.5))[0]

    assert dense(matrix) == [[0, 2, 0, 2], [1, 4, 0, 0]]


def test_group__decays_by_half_life(grouped):
    matrix = grouped(grouping=GroupingSection(half_life_days=3.0))[0]
    old, new = 2 ** (-(8 - 1 / 24) / 3), 2 ** (-(5 - 1 / 24) / 3)

    assert dense(matrix)[1][1] == pytest.approx(old + new, rel=1e-5)


def test_group__durations_are_scaled_by_the_median_and_clipped(grouped):
    matrix = grouped(feedback=FeedbackSection(kind="duration"), grouping=GroupingSection(merge="max"))[0]

    # the median of 2, 1, 5, 1, 4, 3 is 2.5
    np.testing.assert_allclose(matrix.by_user.to_scipy().toarray()[0], [0, 0.6, 0, 0.36], rtol=1e-6)


def test_group__log_without_times_has_no_timeline(grouped):
    matrix = grouped(selection=Selection(), times=False)[0]

    assert matrix.timeline is None
    assert matrix.history is None
    assert matrix.item_events().tolist() == [2.0, 2.0, 0.0, 1.0, 1.0]


def test_group__agrees_with_pandas_on_a_larger_log(grouped, rng):
    n = 5000
    rows = [
        (
            None if rng.random() < 0.1 else f"u{rng.integers(60)}",
            str(rng.integers(40)),
            int(rng.integers(7)),
            1.0,
            None,
        )
        for _ in range(n)
    ]
    matrix, users, items, _ = grouped(rows=rows)
    expected = np.zeros((len(users), len(items)), np.float32)
    for user, item, *_ in rows:
        if user:
            expected[users.index(user), items.index(item)] += 1

    np.testing.assert_array_equal(matrix.by_user.to_scipy().toarray(), expected)
    np.testing.assert_array_equal(matrix.by_item.to_scipy().toarray(), expected.T)


def rows_of(history, user):
    part = slice(history.indptr[user], history.indptr[user + 1])
    return list(zip(history.items[part].tolist(), history.baskets[part].tolist(), strict=True))


def test_group__baskets_number_each_users_own_from_the_oldest(grouped):
    matrix, users, items, _ = grouped(Selection(), parts=MatrixParts(baskets=True))

    assert (users, items) == (["u-a", "u-b", "u-c"], ["10", "11", "12", "13", "99"])
    assert rows_of(matrix.history, 0) == [(1, 0), (3, 1), (1, 2), (1, 2), (4, 2)]
    assert sorted(rows_of(matrix.history, 1)) == [(0, 0), (1, 0), (1, 1)]
    assert rows_of(matrix.history, 2) == [(0, 0)]


def test_group__baskets_leave_everything_else_as_it_was(tmp_path, grouped):
    def files():
        return {path.name: path.read_bytes() for path in tmp_path.glob("*.npy")}

    grouped()
    plain = files()
    grouped(parts=MatrixParts(baskets=True, ratings=True))
    more = files()

    assert {name: more[name] for name in plain} == plain
    assert {name.partition("_")[0] for name in more.keys() - plain.keys()} == {"basket", "ratings"}


RATINGS = [
    ("u-a", "10", 0, 5.0, None),
    ("u-a", "11", 1, 1.0, None),
    ("u-a", "10", 2, 2.0, None),  # changed their mind: below the threshold
    ("u-b", "11", 1, 4.5, None),
    ("u-b", "10", 1, 3.0, None),
    ("u-b", "12", 3, 0.5, None),  # an item that nobody likes has no code
    ("u-c", "10", 3, 1.0, None),  # neither has a user who likes nothing
    (None, "11", 3, 2.0, None),
]


def test_group__ratings_are_the_last_values_as_given(grouped):
    matrix, users, items, _ = grouped(
        Selection(threshold=4.0),
        feedback=FeedbackSection(kind="rating", threshold=4.0),
        parts=MatrixParts(ratings=True),
        rows=RATINGS,
    )

    assert (users, items) == (["u-a", "u-b"], ["10", "11"])
    assert dense(matrix) == [[1, 0], [0, 1]]
    assert matrix.ratings.to_scipy().toarray().tolist() == [[2.0, 1.0], [3.0, 4.5]]


def test_group__of_ratings_of_one_moment_the_highest_is_last(grouped):
    rows = [("u-a", "10", 1, value, None) for value in (5.0, 1.0, 4.0)] + [("u-b", "11", 1, 5.0, None)]
    for given in (rows, rows[::-1]):
        matrix = grouped(Selection(), parts=MatrixParts(ratings=True), rows=given)[0]

        assert matrix.ratings.to_scipy().toarray().tolist() == [[5, 0], [0, 5]]


@pytest.mark.parametrize("within", [0, 1])
def test_group__ratings_show_nothing_that_is_held_out(grouped, rng, within):
    """Nothing from the first of the held-out liked events on: lists and ratings are judged by one cut."""
    rows = [(f"u{n % 4}", f"i{n // 4}", n, float(rng.integers(1, 6)), None) for n in range(80)]
    train = Selection(split="leave_last", leave_last_n=2, threshold=4.0, within=within)
    matrix, users, items, _ = grouped(train, parts=MatrixParts(ratings=True), rows=rows)
    shown = {(users[u], items[i]) for u, i in zip(*matrix.ratings.to_scipy().nonzero(), strict=True)}
    held = set()
    for user in users:
        mine = [row for row in rows if row[0] == user]
        liked = [row for row in mine if row[3] >= 4]
        held |= {row[:2] for row in mine[mine.index(liked[-2 * (within + 1)]) :]}

    assert not shown & held
    assert shown == {row[:2] for row in rows if row[1] in items} - held


def test_open_grouped__opens_what_is_asked_for(tmp_path, grouped):
    _, _, _, facts = grouped(parts=MatrixParts(baskets=True, ratings=True))
    nothing = open_grouped(tmp_path, facts, ())
    history = open_grouped(tmp_path, facts, {Need.HISTORY})
    baskets = open_grouped(tmp_path, facts, {Need.BASKETS})
    ratings = open_grouped(tmp_path, facts, {Need.TIMES, Need.RATINGS, Need.ITEM_FEATURES})

    assert (nothing.timeline, nothing.history, nothing.ratings) == (None, None, None)
    assert history.history.baskets is None
    assert baskets.history.baskets is not None
    assert ratings.timeline is not None
    assert (ratings.ratings.shape, ratings.item_features, ratings.history) == ((2, 4), None, None)
