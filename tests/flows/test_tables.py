"""Tables at narrow terminals lose columns, never parts of words."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from flows.tables import rows_table

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


def printed(rows, width, **options):
    stream = io.StringIO()
    Console(file=stream, width=width).print(rows_table(rows, width=width, **options))
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    return text


@pytest.mark.parametrize(
    ("width", "lost"), [(60, {"metric", "verdict", "created", "live"}), (100, {"created"}), (140, set())]
)
def test_rows_table__leaves_out_what_has_no_room_and_names_it(width, lost):
    table, _, caption = printed([ROW], width).rpartition("┘")

    for name, value in ROW.items():
        assert (str(value) in table) == (name not in lost), name
    for name in lost:
        assert name in caption
    assert ("no room for" in caption) == bool(lost)


def test_rows_table__gives_room_first_to_what_tells_most():
    table, _, caption = printed([ROW], 60, first=["as_of", "live", "verdict", "value"]).rpartition("┘")

    assert all(str(ROW[name]) in table for name in ("run", "as_of", "live", "verdict", "value"))
    assert "model, metric, created" in " ".join(caption.split())


@pytest.mark.parametrize("width", [34, 40, 60])
def test_rows_table__wraps_titles_between_words(width):
    row = {"rank": 1, "item_id": "85123A", "title": "WHITE HANGING HEART T-LIGHT HOLDER"}
    text = printed([row], width)

    assert {*row["title"].split(), "85123A"} <= set(text.replace("│", " ").split())


def test_rows_table__uses_the_room_there_is():
    row = {"column": "a", "why": "many words that would fit into one line", "more": "words of some length"}
    lines = printed([row], 80).splitlines()

    assert row["why"] in lines[3]
    assert row["more"] in lines[3]


def test_rows_table__does_not_wrap_intervals_but_their_heading():
    row = {"model": "wals", "discovery basket_precision@5": "0.0726 [0.0683, 0.0769]"}

    assert row["discovery basket_precision@5"] in printed([row], 40, whole=True)


def test_rows_table__goes_on_with_an_endless_word_in_the_next_line():
    text = printed([{"path": "x" * 100, "b": 1}], 60)

    assert text.count("x") == 100
    assert printed([{"path": "x" * 100}], 20).count("x") == 100


def test_rows_table__puts_figures_to_the_right_and_keeps_styles():
    text = printed([{"id": "a", "rows": "1,234"}, {"id": "b", "rows": Text("5", "red")}], 40)

    assert "│     5 │" in text
    assert "│ 1,234 │" in text


def test_rows_table__may_be_empty():
    assert printed([], 20) == "\n"
