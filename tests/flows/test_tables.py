"""Tables at narrow terminals lose columns, never parts of words."""

import io

import pytest
from rich.console import Console

from flows.tables import fitting, rows_table

ROW = {
    "run": "caa8ac579b28",
    "as_of": "2025-06-10",
    "model": "personal_frequency",
    "metric": "basket_precision@5",
    "value": 0.2,
    "verdict": "open",
    "created": "2026-11-28T05:47:25.123456Z",
    "live": "yes",
}


def printed(rows, width):
    stream = io.StringIO()
    Console(file=stream, width=width).print(rows_table(rows, width=width))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("width", "lost"), [(60, {"model", "metric", "created"}), (100, {"created"}), (140, set())]
)
def test_rows_table__leaves_out_the_widest_columns_and_cuts_no_word(width, lost):
    text = printed([ROW], width)

    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for name, value in ROW.items():
        assert (str(value) in text) == (name not in lost), name


def test_rows_table__wraps_titles_between_words():
    row = {"rank": 1, "item_id": "85123A", "title": "WHITE HANGING HEART T-LIGHT HOLDER", "score": 0.5}
    text = printed([row], 40)

    assert {*row["title"].split(), "85123A", "0.5000"} <= set(text.replace("│", " ").split())


def test_fitting__keeps_what_a_row_is_about():
    assert fitting([{"a": "x" * 50, "b": "y" * 50, "c": "z"}], 20) == ["a", "b"]
    assert fitting([], 20) == []
