import zipfile

import pandas as pd
import pytest

from data_contracts.errors import ConfigurationError, ContractError
from tasks.sources.formats import archive_member, format_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("log.csv", "csv"),
        ("log.CSV.gz", "csv"),
        ("log.gz", "csv"),
        ("log.json.gz", "json"),
        ("log.tsv.bz2", "csv"),
        ("log.ndjson", "json"),
    ],
)
def test_format_of__by_the_ending_before_that_of_the_packer(tmp_path, name, expected):
    (tmp_path / name).write_bytes(b"user,item\n")

    assert format_of(tmp_path / name) == expected


def test_format_of__by_content_where_that_is_sure(tmp_path):
    pd.DataFrame({"a": [1]}).to_excel(tmp_path / "log.xlsx", index=False)
    (tmp_path / "log.xlsx").rename(tmp_path / "log.csv")
    (tmp_path / "tab.xls").write_bytes(b"user\titem\n")

    assert format_of(tmp_path / "log.csv") == "excel"
    assert format_of(tmp_path / "tab.xls") == "csv"
    assert format_of(tmp_path / "tab.xls", "excel") == "excel"


def test_archive_member__by_name_or_as_the_only_one(tmp_path):
    path = tmp_path / "log.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/x.csv", "")
        archive.writestr("a/y.csv", "")

    assert archive_member(path, "y.csv") == "a/y.csv"
    with pytest.raises(ConfigurationError, match=r"holds 0 files named 'z\.csv'"):
        archive_member(path, "z.csv")
    path.write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(ContractError, match=r"no readable \.zip"):
        archive_member(path, None)
