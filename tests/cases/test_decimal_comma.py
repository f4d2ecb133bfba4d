"""Numbers with decimal commas, thousands marks and units weigh what they say."""

import pytest
from accepted import accept
from small_logs import COLUMNS, dataset, run, write_csv

QUANTITY = '[feedback]\nkind = "quantity"\n'
WITH_VALUE = COLUMNS + 'value = "quantity"\n'
NUMBERS = ("1234,50", "2,00", "1,25", "0,50", "1,00")


def log(folder, numbers, n=60):
    body = [f"u{at % 7};i{at % 5};2024-01-{1 + at % 28:02};{numbers[at % len(numbers)]}" for at in range(n)]
    return write_csv(folder, body, header="user;item;time;quantity")


def test_decimal_comma__init_reads_quantities(tmp_path):
    got = accept(tmp_path, log(tmp_path, NUMBERS))

    assert got.spec.source.decimal == ","
    assert got.spec.feedback.kind == "quantity"
    assert {event["value"] for event in got.events} == {1234.5, 2.0, 1.25, 0.5, 1.0}


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("decimal = ','", "1234,50", 1234.5),
        ("decimal = ','\nthousands = '.'", "1.234.567,5", 1234567.5),
        ("thousands = ','", "1,234.50", 1234.5),
        ("thousands = ','", "1,50", None),  # a fraction, were it read as a thousand
        ('thousands = "\'"', "12'345", 12345.0),
        ("thousands = ' '\ndecimal = ','", "12\u00a0345,5", 12345.5),
        ("unit = '€'\ndecimal = ','", "€ 12,50", 12.5),
        ("unit = '€'\ndecimal = ','", "-12,50 €", -12.5),
        ("unit = '%'", "85%", 85.0),
        ("", "(12.50)", -12.5),
        ("", "12-", -12.0),
        ("", "1,5", None),
        ("", "12abc", None),
        ("", "1e3", 1000.0),
    ],
)
def test_numbers__are_read_strictly_by_what_the_dataset_says(tmp_path, source, text, expected):
    body = [f'u{at};i{at % 3};2024-01-01;"{text}"' for at in range(3)] + ["u;i;2024-01-01;1"] * 997
    spec = dataset(
        tmp_path, QUANTITY + "[contract]\nmax_reject_rate = 1.0\n", source=source, columns=WITH_VALUE
    )

    facts, events, _, _ = run(tmp_path, spec, write_csv(tmp_path, body, header="user;item;time;quantity"))

    if expected is None:
        assert facts["rejected"] == {"unreadable_value": 3}
    else:
        assert [event["value"] for event in events[:3]] == pytest.approx([expected] * 3)


def test_numbers__what_may_be_a_thousand_or_a_fraction_is_said(tmp_path):
    got = accept(tmp_path, log(tmp_path, ("1,250", "2,500", "3,125")))

    assert got.spec.source.thousands == ","
    assert any(note.startswith("WARNING: '1,250'") for note in got.notes)
