import pytest
from pydantic import ValidationError

from data_contracts.grouped_blocks import Block, GroupedBlocks, block_of, name_of_block


def block(first_user, n_users, nnz=3, at=0):
    sums = {"weight_sum": 1.0, "sha256": "0" * 64}
    return Block(name=name_of_block(at), first_user=first_user, n_users=n_users, nnz=nnz, **sums)


def test_block_of__is_the_checksum_of_the_id_whoever_counts():
    assert block_of(["17850", "Jörg"], 1000).tolist() == [433, 848]
    assert block_of([], 3).tolist() == []


def test_grouped_blocks__follow_each_other():
    blocks = (block(0, 2), block(2, 5, at=1))
    listed = GroupedBlocks(n_users=7, n_items=4, nnz=6, weight_sum=2.0, blocks=blocks)
    assert GroupedBlocks.model_validate_json(listed.model_dump_json()) == listed


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ((block(0, 2), block(3, 4, at=1)), "b=001 begins at user 3; expected 2"),
        ((block(0, 2), block(2, 4, at=1)), "hold 6 users and 6 pairs; the list says 7 and 6"),
        ((block(0, 2), block(2, 5, nnz=4, at=1)), "hold 7 users and 7 pairs; the list says 7 and 6"),
    ],
)
def test_grouped_blocks__are_refused_where_they_do_not_add_up(blocks, said):
    with pytest.raises(ValidationError, match=said):
        GroupedBlocks(n_users=7, n_items=4, nnz=6, weight_sum=2.0, blocks=blocks)
