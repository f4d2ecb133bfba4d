import numpy as np
import pyarrow as pa

from data_contracts.identifiers import Vocabulary
from tasks.prediction.catalogue import by_id, emptied, without

CODES = np.array([[1, 3, 2], [3, 0, -1], [0, 1, -1], [0, 1, 2]], np.int32)
SCORES = np.array([[3, 2, 1], [2, 1, -np.inf], [9, 8, -np.inf], [0, 0, 0]], np.float32)
ALLOW = np.array([True, True, True, False])


def test_emptied__leaves_the_lists_of_allowed_items():
    codes, scores = emptied((CODES, SCORES), ALLOW)

    assert codes.tolist() == [*CODES[:3].tolist(), [-1, -1, -1]]
    assert (scores[3] == -np.inf).all()
    assert codes.dtype == np.int32
    assert scores.dtype == np.float32
    assert emptied((CODES, SCORES), None)[0] is CODES


def test_without__closes_the_gaps_that_forbidden_items_leave():
    codes, scores = without((CODES, SCORES), ALLOW)

    assert codes.tolist() == [[1, 2, -1], [0, -1, -1], [0, 1, -1], [0, 1, 2]]
    assert scores[0].tolist() == [3, 1, -np.inf]
    assert scores[1].tolist() == [1, -np.inf, -np.inf]


def test_by_id__puts_both_parts_of_a_vocabulary_in_one_order():
    items = Vocabulary.from_ids("item_id", ["b", "d"]).with_catalogue(pa.array(["a", "c"]))
    ids, (codes, scores) = by_id(items, (CODES, SCORES))

    assert ids.to_pylist() == ["a", "b", "c", "d"]
    assert codes.tolist() == CODES[[2, 0, 3, 1]].tolist()
    assert scores.tolist() == SCORES[[2, 0, 3, 1]].tolist()
