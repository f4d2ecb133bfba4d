import pyarrow as pa
from holdouts import csr

from data_contracts.identifiers import Vocabulary
from tasks.preparation.seen import Seen
from tasks.rules.blocks import joined, of_pairs, of_rows, union

USERS, ITEMS = (
    Vocabulary.from_ids(name, ids) for name, ids in (("user_id", ["a", "c"]), ("item_id", ["x", "y", "z"]))
)


def rows(matrix):
    return [matrix.row(at)[0].tolist() for at in range(matrix.shape[0])]


def blocked(*pairs):
    users, items = zip(*pairs, strict=True)
    return of_pairs(
        pa.table(
            {"user_id": pa.array(users, pa.large_string()), "item_id": pa.array(items, pa.large_string())}
        ),
        USERS,
        ITEMS,
    )


def test_of_pairs__rows_of_known_users_then_of_the_others():
    seen = blocked(("c", "z"), ("b", "x"), ("c", "x"), ("c", "z"), ("a", "unknown"))

    assert rows(seen.by_row) == [[], [0, 2], [0]]
    assert seen.former.ids.to_pylist() == ["b"]


def test_joined__has_the_rows_of_both_under_one_order_of_users():
    had = Seen(csr([[0], [1], [2]], 3), Vocabulary.from_ids("user_id", ["d"]))

    both = joined(had, blocked(("a", "y"), ("b", "x"), ("d", "x")))

    assert both.former.ids.to_pylist() == ["b", "d"]
    assert rows(both.by_row) == [[0, 1], [1], [0], [0, 2]]


def test_of_rows__leaves_out_users_whom_nobody_asks_for():
    seen = blocked(("a", "y"), ("b", "x"), ("d", "x"))

    assert rows(of_rows(seen, Vocabulary.from_ids("user_id", ["d", "e"]))) == [[1], [], [0], []]


def test_union__entries_of_either():
    assert rows(union(csr([[0, 2], []], 3), csr([[2], [1]], 3))) == [[0, 2], [1]]
