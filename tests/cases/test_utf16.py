"""Excel's "Unicode text": UTF-16 with a mark, which used to be published as letters with zero bytes between."""

import pytest
from accepted import accept
from small_logs import dataset, run

from data_contracts.errors import ConfigurationError
from tasks.onboarding.encodings import guess_encoding


def write(folder, encoding, mark=b""):
    lines = ["user\titem\ttime", *[f"{at % 9:04}\ti{at % 5}\t2024-01-{1 + at % 28:02}" for at in range(60)]]
    path = folder / "log.csv"
    path.write_bytes(mark + "\n".join([*lines, ""]).encode(encoding))
    return path


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-16", b""), ("utf-16-le", b""), ("utf-16-be", b""), ("utf-16-be", b"\xfe\xff"), ("utf-32", b"")],
)
def test_utf16__ids_come_out_as_they_went_in(tmp_path, encoding, mark):
    got = accept(tmp_path, write(tmp_path, encoding, mark))

    assert {event["user_id"] for event in got.events} == {f"{at:04}" for at in range(9)}
    assert got.facts["rows_accepted"] == 60


@pytest.mark.parametrize("written", ["utf-16", "utf-16-le"])
def test_utf16__a_run_that_does_not_know_says_which_key_helps(tmp_path, written):
    path = write(tmp_path, written)

    for encoding in ("utf-8", "cp1252"):
        with pytest.raises(ConfigurationError, match="encoding = 'utf-16"):
            run(tmp_path, dataset(tmp_path, source=f"encoding = '{encoding}'"), path)


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("café", "cp1252", {"cp1252"}),
        ("Книга русских сказок для детей и взрослых читателей, том второй", "cp1251", {"cp1251"}),
        ("日本語の本とお茶の入れ方を学ぶための小さな本", "shift-jis", {"shift_jis", "cp932"}),
        ("中文书籍和茶叶以及更多的商品名称", "gb18030", {"gb18030", "gbk", "gb2312"}),
        ("plain", "ascii", {"utf-8"}),
    ],
)
def test_encoding__is_guessed(tmp_path, text, encoding, expected):
    path = tmp_path / "log.csv"
    path.write_bytes("\n".join([f"u{at},{text}" for at in range(20)]).encode(encoding))

    assert guess_encoding(path) in expected
