from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from data_contracts.rules_section import RulesSection
from data_contracts.shop_rules import ItemIdForm, ListedFile, ShopRules
from tasks.rules.masks import aligned, category_masks, forbidden_items, list_limits

FORM = ItemIdForm(strip=True, upper=False, integer=False, decimal=".", null_values=())


def rules(timezone="UTC", withdrawn=None, **section):
    return ShopRules(
        section=RulesSection(**section),
        separators={"brand": None, "tags": "|"},
        true_values=("auf Lager",),
        false_values=(),
        timezone=timezone,
        ids=FORM,
        withdrawn=withdrawn,
    )


def items(**columns):
    n = len(next(iter(columns.values())))
    ids = pa.array([f"i{at}" for at in range(n)], pa.large_string())
    return pa.table({"item_id": ids, **columns})


def text(*values):
    return pa.array(values, pa.large_string())


def times(*values):
    return pa.array(
        [None if each is None else datetime.fromisoformat(each) for each in values],
        pa.timestamp("us", tz="UTC"),
    )


def test_available__reads_yes_and_no_in_many_words_and_stocks():
    column = text("true", "No", " JA ", "0", "17", "-1", "auf lager", None, "perhaps", "0.0")

    found = forbidden_items(rules(available="x"), items(x=column), None)

    assert found.by_rule["available"].tolist() == [
        False,
        True,
        False,
        True,
        False,
        True,
        False,
        False,
        True,
        True,
    ]
    assert "1 values of 'x' say neither yes nor no" in found.remarks[0]
    assert "'perhaps'" in found.remarks[0]


def test_available__of_numbers_is_a_stock():
    found = forbidden_items(rules(available="x"), items(x=pa.array([2.0, 0.0, None])), None)

    assert found.by_rule["available"].tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("now", "zone", "shown"),
    [
        ("2026-03-01T00:00:00+00:00", "UTC", [True, False, True, True]),
        ("2026-03-01T23:59:59+00:00", "UTC", [True, False, True, False]),
        ("2026-03-02T00:00:00+00:00", "UTC", [False, True, True, False]),
        # Midnight of the second in Berlin is the first of March, 23:00 UTC; what the times mean is fixed.
        ("2026-03-01T23:00:00+00:00", "Europe/Berlin", [True, False, True, False]),
    ],
)
def test_dates__from_then_on_and_to_the_end_of_the_last_day(now, zone, shown):
    table = items(
        a=times(None, "2026-03-02T00:00:00+00:00", "2026-03-01T00:00:00+00:00", None),
        z=times("2026-03-01T00:00:00+00:00", None, None, "2026-03-01T12:00:00+00:00"),
    )
    if zone != "UTC":
        table = items(
            a=times(None, "2026-03-02T00:00:00+01:00", "2026-03-01T00:00:00+00:00", None),
            z=times(
                "2026-03-02T00:00:00+01:00", "2026-03-01T12:00:00+00:00", None, "2026-03-01T12:00:00+00:00"
            ),
        )

    found = forbidden_items(
        rules(zone, available_from="a", available_until="z"), table, datetime.fromisoformat(now)
    )

    assert (~found.all(4)).tolist() == shown


def test_attributes__only_and_never_read_labels():
    table = items(brand=text("a", "b", None, " a "), tags=text("x|y", "", "y", None))

    found = forbidden_items(rules(only={"brand": ["a"]}, never={"tags": ["y", "nope"]}), table, None)

    assert found.by_rule["only brand"].tolist() == [False, True, True, False]
    assert found.by_rule["never tags"].tolist() == [True, False, True, False]
    assert found.remarks == ["rules.never.tags: 1 of 2 values are no label of an item, first: 'nope'"]


def test_ids_and_support__are_masks_too():
    given = rules(exclude_items=[" i1 ", "no"], min_support=2, withdrawn=ListedFile(path="/x", sha256=""))

    found = forbidden_items(
        given, items(brand=text(None, None, None)), None, withdrawn={"i2"}, support=np.array([1, 2, 3])
    )

    assert {name: np.flatnonzero(mask).tolist() for name, mask in found.by_rule.items()} == {
        "withdrawn": [2],
        "exclude_items": [1],
        "min_support": [0],
    }
    assert found.all(3).all()
    assert "1 of 2 values are no item of the run, first: 'no'" in found.remarks[0]


def test_limits__are_those_of_all_attributes():
    table = items(brand=text("a", "a", None), tags=text("x|x", "y", "x"))

    limits = list_limits(rules(at_most={"brand": 1, "tags": 1}), table)

    assert limits.kept(np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1]], np.int32)).tolist() == [
        [True, False, False],
        [True, True, False],
        [True, False, True],
    ]
    assert list_limits(rules(at_most={"brand": 1}), table, without="brand") is None


def test_categories__the_largest_first_and_none_without_an_item():
    table = items(tags=text("a|b", "b", "c", None))
    allow = np.array([True, True, False, True])

    masks = category_masks(rules(per_category={"attribute": "tags"}), table, allow)

    assert {name: np.flatnonzero(mask).tolist() for name, mask in masks.items()} == {"b": [0, 1], "a": [0]}
    assert list(masks) == ["b", "a"]


def test_aligned__a_row_of_nulls_for_items_that_the_table_lacks():
    table = aligned(items(brand=text("a", "b")), pa.array(["i1", "new"]))

    assert table.to_pylist() == [{"item_id": "i1", "brand": "b"}, {"item_id": "new", "brand": None}]


def test_now__is_asked_for_by_dates_alone():
    found = forbidden_items(rules(available="x"), items(x=text("no")), datetime(2026, 1, 1, tzinfo=UTC))

    assert list(found.by_rule) == ["available"]
