"""The section [rules]: what is refused, and what the message says to do."""

import pytest

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from data_contracts.shop_rules import ListedFile, ShopRules

BASE = """
name = "shop"
[source]
path = "log.csv"
[columns]
user = "user"
item = "item"
{time}
[items]
path = "items.csv"
id = "id"
attributes = ["brand"]
labels = {{ categories = "|" }}
numbers = ["price"]
[window]
split = "random"
"""


def load(folder, rules, *, time='time = "time"', more=""):
    path = folder / "shop.toml"
    path.write_text(BASE.format(time=time) + f"[rules]\n{rules}\n{more}")
    return DatasetSpec.load(path)


def test_rules__all_at_once_are_read(tmp_path):
    spec = load(
        tmp_path,
        """
available = "in_stock"
available_from = "from"
available_until = "until"
withdrawn = "gone.txt"
exclude_items = ["i1"]
only = { categories = ["a", "b"] }
never = { brand = ["x"] }
at_most = { brand = 2 }
per_category = { attribute = "categories", k = 3 }
blocks = "blocks.csv"
min_support = 5
""",
    )

    assert spec.rules.at_most == {"brand": 2}
    assert spec.rules.per_category.k == 3
    assert spec.export.reserve == 20
    read = spec.with_rule_columns
    assert read.items.attributes == ("brand", "in_stock")
    assert read.items.dates == ("from", "until")
    assert spec.item_attributes.dates == ()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("avaliable = 'x'", r"rules.avaliable = 'x': there is no such key"),
        ("min_support = 0", r"rules.min_support = 0: .*greater than 0"),
        ("at_most = { brand = 0 }", r"rules.at_most.brand = 0: .*greater than 0"),
        ("only = { brand = [] }", r"rules.only.brand = .*at least 1 item"),
        (
            "never = { colour = ['red'] }",
            r"rules.never: 'colour' is none of the attributes \(brand, categories, price\)",
        ),
        (
            "at_most = { price = 2 }",
            r"rules.at_most: 'price' holds a number, not labels; write it under attributes",
        ),
        (
            "per_category = { attribute = 'colour' }",
            r"rules.per_category: 'colour' is none .*attributes = \['colour'\]",
        ),
        (
            "only = { brand = ['a'] }\nnever = { brand = ['a'] }",
            "brand = 'a' stands under only and under never",
        ),
        ("available = 'categories'", r"'categories' is a labels \|; write it under attributes or numbers"),
        ("available_from = 'brand'", "attribute 'brand' is a label; write it under dates"),
        ("available = 'x'\navailable_from = 'x'", "column 'x' stands under two of available"),
        ("available = 'title'", "'title' cannot say what is available"),
    ],
)
def test_rules__wrong_ones_name_the_key_the_value_and_what_to_do(tmp_path, rules, said):
    with pytest.raises(ConfigurationError, match=said):
        load(tmp_path, rules)


def test_rules__of_dates_need_a_day(tmp_path):
    with pytest.raises(ConfigurationError, match="log without times does not have; write time"):
        load(tmp_path, "available_until = 'until'", time="")


def test_cache_identity__is_the_content_of_files_not_their_place(tmp_path):
    spec = load(tmp_path, "withdrawn = 'gone.txt'")
    one, moved, written = (
        ShopRules.of(spec, spec.rules, ListedFile(path=path, sha256=sha256), None)
        for path, sha256 in (("/a/gone.txt", "1"), ("/b/gone.txt", "1"), ("/a/gone.txt", "2"))
    )

    assert one.cache_identity() == moved.cache_identity() != written.cache_identity()
