from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_logs import COLUMNS, dataset, run, write_csv

from data_contracts.errors import ConfigurationError, ContractError

HEADER = "user,item,time,name,price,since"
ROWS = [
    "u1,a,2024-01-01,Mug,2.50,2020-03-01",
    "u1,a,2024-01-02,Mug,2.50,2020-03-01",
    "u2,a,2024-01-03,Mug,1.99,2021-01-01",
    "u2,b,2024-01-03,Bowl,cheap,",
    "u2,c,2024-01-03,,,2020-13-45",
]
TYPED = COLUMNS + 'title = "name"\nnumbers = ["price"]\ndates = ["since"]'
TABLE = """[items]
path = "items.csv"
id = "id"
labels = { genres = "|" }
numbers = ["price"]
"""


def test_descriptions__numbers_and_dates_are_typed_and_the_most_frequent(tmp_path):
    source = write_csv(tmp_path, ROWS, header=HEADER)
    facts, _, _, items = run(tmp_path, dataset(tmp_path, columns=TYPED), source)

    assert items == [
        {"item_id": "a", "title": "Mug", "price": 2.5, "since": datetime(2020, 3, 1, tzinfo=UTC)},
        {"item_id": "b", "title": "Bowl", "price": None, "since": None},
    ]
    assert facts["unreadable_attributes"] == {"price": 1, "since": 1}
    assert "1 values of 'price' are no number and left out, first: 'cheap'" in facts["warnings"]


def test_descriptions__a_column_of_numbers_is_no_date_without_a_format(tmp_path):
    source = write_csv(tmp_path, ["u1,a,2024-01-01,7"], header="user,item,time,since")
    pq.write_table(
        pa.table({"user": ["u"], "item": ["a"], "time": ["2024-01-01"], "since": [20200101]}),
        source.with_suffix(".parquet"),
    )
    spec = dataset(tmp_path, columns=COLUMNS + 'dates = ["since"]')

    with pytest.raises(ConfigurationError, match=r"date column 'since' holds numbers; write date_format = "):
        run(tmp_path, spec, source.with_suffix(".parquet"))


def test_descriptions__dates_are_read_as_their_format_says_in_the_datasets_zone(tmp_path):
    source = write_csv(tmp_path, ["u1,a,2024-01-01,x,1,03/04/2020"], header=HEADER)
    spec = dataset(
        tmp_path, columns=TYPED + '\ndate_format = "%d/%m/%Y"', source='timezone = "Europe/Berlin"'
    )
    items = run(tmp_path, spec, source)[3]

    assert items[0]["since"] == datetime(2020, 4, 2, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("u1,a,2024-01-01,x,1,01.04.2020", r"none of the 1 values of 'since' is a date, first: '01.04.2020'"),
        (
            "u1,a,2024-01-01,x,cheap,2020-01-01",
            r"none of the 1 values of 'price' is a number, first: 'cheap'",
        ),
    ],
)
def test_descriptions__refuse_an_attribute_of_which_nothing_can_be_read(tmp_path, row, words):
    source = write_csv(tmp_path, [row], header=HEADER)

    with pytest.raises(ContractError, match=words):
        run(tmp_path, dataset(tmp_path, columns=TYPED), source)


def test_descriptions__the_item_table_wins_value_by_value(tmp_path):
    source = write_csv(tmp_path, ROWS, header=HEADER)
    write_csv(tmp_path, ["a;Drama|Comedy;3", "b;;x", "z;Drama;"], name="items.csv", header="id;genres;price")
    spec = dataset(tmp_path, TABLE, columns=TYPED, source='delimiter = ","')
    facts, _, _, items = run(tmp_path, spec, source)

    assert [(each["item_id"], each["title"], each["price"], each["genres"]) for each in items] == [
        ("a", "Mug", 3.0, "Drama|Comedy"),
        ("b", "Bowl", None, None),
        ("z", None, None, "Drama"),
    ]
    assert facts["unreadable_attributes"] == {"price": 2, "since": 1}
    assert not (tmp_path / "out" / "catalogue.parquet").exists()


def test_descriptions__the_catalogue_is_the_item_table_and_no_item_of_the_log_alone(tmp_path):
    source = write_csv(tmp_path, ROWS, header=HEADER)
    rows = ["z,Drama,1", "Z ,Comedy,2", "b,,3"]
    write_csv(tmp_path, rows, name="items.csv", header="id,genres,price")
    spec = dataset(tmp_path, TABLE + "catalogue = true\n[cleaning]\nupper_case_items = true", columns=TYPED)
    run(tmp_path, spec, source)

    assert pq.read_table(tmp_path / "out" / "catalogue.parquet").to_pydict() == {"item_id": ["B", "Z"]}


def test_descriptions__a_column_that_the_log_lacks_is_named(tmp_path):
    source = write_csv(tmp_path, ROWS, header=HEADER)

    with pytest.raises(ConfigurationError, match="weight"):
        run(tmp_path, dataset(tmp_path, columns=COLUMNS + 'numbers = ["weight"]'), source)
