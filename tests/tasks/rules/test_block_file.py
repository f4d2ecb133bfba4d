import pytest

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from tasks.rules.block_file import read_blocks


def read(folder, text):
    path = folder / "copy.csv"
    path.write_bytes(text.encode())
    return read_blocks(DatasetSpec.load("sample"), path, "/shop/blocks.csv", folder)


def test_read_blocks__cleaned_as_the_log_and_each_pair_once(tmp_path):
    pairs, remarks = read(tmp_path, "item_id;user_id\n 85123a ; u1\n85123A;u1\n22423;u0\n;u3\n")

    assert pairs.to_pylist() == [
        {"user_id": "u0", "item_id": "22423"},
        {"user_id": "u1", "item_id": "85123A"},
    ]
    assert remarks == ["rules.blocks: 1 lines of /shop/blocks.csv lack an id and block nothing"]


def test_read_blocks__names_the_users_file_and_the_missing_column(tmp_path):
    with pytest.raises(ConfigurationError, match=r"rules.blocks: /shop/blocks.csv has no column 'user_id'"):
        read(tmp_path, "user,item_id\nu,i\n")


def test_read_blocks__a_line_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(
        ContractError, match=r"rules.blocks: 1 lines of /shop/blocks.csv .* would not be blocked"
    ):
        read(tmp_path, "user_id,item_id\nu,i\nu,i,more\n")
