import pyarrow as pa
import pytest

pytest.importorskip("distributed")

from data_contracts.grouped_blocks import block_of
from tasks.cluster.by_user import _blocks_of


def test_blocks_of__are_those_of_the_contract_and_users_without_a_name_come_last():
    ids = pa.chunked_array([pa.array(["left out", "17850", None]), pa.array(["", "Jörg"])]).slice(1)

    found = _blocks_of(ids, 7)

    first, empty, last = block_of(["17850", "", "Jörg"], 7).tolist()
    assert found.tolist() == [first, 7, empty, last]


def test_blocks_of__of_rows_without_any_user():
    assert _blocks_of(pa.chunked_array([pa.array([None, None], pa.large_string())]), 3).tolist() == [3, 3]
