import pytest

from tasks.onboarding.layout import guess_csv_layout, has_header

BODY = [f"u{at % 7},i{at % 5},2024-01-{1 + at % 28:02}" for at in range(40)]


def layout(folder, lines):
    (folder / "log.csv").write_text("\n".join([*lines, ""]))
    return guess_csv_layout(folder / "log.csv", "utf-8").keys


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        (["user,item,time"], {}),
        (["sep=,", "user,item,time"], {}),
        (["A line, with a comma", "", "user,item,time"], {"delimiter": ",", "skip_rows": 2}),
        ([], {"header": False, "names": ["column1", "column2", "column3"]}),
        (["item,time"], {"header": False, "names": ["row_name", "item", "time"], "skip_rows": 1}),
        (["user,item,item"], {"names": ["user", "item", "item_2"]}),
    ],
)
def test_guess_csv_layout__what_stands_above_the_rows(tmp_path, above, expected):
    assert layout(tmp_path, [*above, *BODY]) == expected


@pytest.mark.parametrize("delimiter", ["::", "^", "\x01", " "])
def test_guess_csv_layout__delimiters_that_auto_does_not_know(tmp_path, delimiter):
    lines = [line.replace(",", delimiter) for line in ["user,item,time", *BODY]]

    assert layout(tmp_path, lines) == {"delimiter": delimiter}


def test_guess_csv_layout__commas_in_titles_do_not_beat_the_tabs(tmp_path):
    lines = ["user\titem\ttitle", *[f"u{at}\ti{at}\tMug, red, large, {at}" for at in range(20)]]

    assert layout(tmp_path, lines) == {}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["user", "n"], ["a", "1"]], True),
        ([["x", "y"], ["1", "2"]], True),
        ([["68", "3"], ["23", "2"]], False),
        ([["user_1", "2009-05-04T23:08:57Z"], ["user_2", "2009-05-04T23:08:58Z"]], False),
        ([["u1", "i1"], ["u2", "i1"]], False),
        ([["a", "b"]], True),
    ],
)
def test_has_header__differs_in_kind_from_what_stands_below(rows, expected):
    assert has_header(rows) is expected
