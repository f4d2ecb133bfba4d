from rich.console import Console

from flows.narrow_tables import fitting_table

ROWS = [{"name": "a_long_name_of_a_rule", "rows": 3, "words": "what it says of a row in many words"}]


def shown(width, capsys):
    Console(width=width).print(fitting_table(ROWS, width, "rules"))
    return capsys.readouterr().out


def test_fitting_table__leaves_out_what_has_no_room_and_says_so(capsys):
    wide, narrow = shown(80, capsys), shown(22, capsys)

    assert "many words" in wide
    assert "no room" not in wide
    assert "no room for rows, words" in " ".join(narrow.split())
    assert "│ a_long" in narrow
