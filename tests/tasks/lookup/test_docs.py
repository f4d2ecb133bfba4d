"""The examples of the documentation run."""

import doctest
import re
from pathlib import Path

from lookup_shop import publish_shop

from tasks.lookup import opened

PAGE = Path(__file__).parents[3] / "docs" / "look-ups.md"


def test_look_ups_page__its_python_answers(home, tmp_path):
    publish_shop(tmp_path, dataset="sample")
    code = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    *before, last = code.strip().splitlines()
    names = {}
    exec("\n".join(before).replace('"Party"', '"Acme"').replace("11007", "a/b"), names)

    assert eval(last, names)[0] == ("i0", "Item 0", 1.0)


def test_open_publication__its_example_is_true(home, tmp_path):
    publish_shop(tmp_path)

    assert doctest.testmod(opened) == (0, 3)
