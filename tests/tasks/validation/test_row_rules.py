import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_logs import rule, suite

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.suite_files import FOLDER
from tasks.ingestion.log_pass import row_contract
from tasks.validation.row_rules import RowContract, Rule, Tally
from tasks.validation.screening import screen
from tasks.validation.suites import Suite

LONG = "x" * 501
EVENT = {"user_id": "12346", "item_id": "71053", "event_time": "2011-05-01T10:00:00", "value": 3.0}
EVENT_BREAKS = [
    ({"user_id": None}, {"anonymous"}),
    ({"item_id": None}, {"missing_item"}),
]
SHOP = {"basket_id": "536365", "cancelled": 0, "kept_value": 3.0}

RAW = {
    "raw_events": (
        {**EVENT, "event_type": "view", "cancelled": 0, "extra_copy": 0},
        [
            *EVENT_BREAKS,
            ({"user_id": LONG}, {"id_too_long"}),
            ({"item_id": LONG}, {"id_too_long"}),
            ({"event_time": None}, {"unreadable_time"}),
            ({"event_time": "1970-01-01T00:00:00"}, {"impossible_time"}),
            ({"event_type": None}, {"missing_event_type"}),
            ({"value": None}, {"unreadable_value"}),
            ({"value": np.inf}, {"impossible_value"}),
            ({"value": -1e10}, {"impossible_value"}),
            ({"cancelled": 1}, {"cancellation"}),
            ({"extra_copy": 1}, {"exact_duplicate"}),
        ],
    ),
    "online_retail": (
        {**EVENT, **SHOP, "extra_copy": 0, "UnitPrice": 2.55, "StockCode": "71053", "Description": "LANTERN"},
        [
            *EVENT_BREAKS,
            ({"user_id": LONG}, {"id_too_long"}),
            ({"item_id": LONG}, {"id_too_long", "no_product"}),
            ({"cancelled": 1, "kept_value": None}, {"cancellation"}),
            ({"basket_id": "A563185"}, {"bad_debt"}),
            ({"basket_id": "12345"}, {"odd_invoice"}),
            ({"basket_id": "536365\n"}, {"odd_invoice"}),
            ({"basket_id": None}, {"odd_invoice"}),
            ({"value": None, "kept_value": None}, {"unreadable_quantity"}),
            ({"value": -3.0, "kept_value": -3.0}, {"write_off"}),
            ({"value": 80995.0, "kept_value": 80995.0}, {"huge_quantity"}),
            ({"UnitPrice": None}, {"no_price"}),
            ({"UnitPrice": 0.0}, {"no_price"}),
            ({"item_id": "POST"}, {"no_product"}),
            ({"item_id": "BANK CHARGES"}, {"no_product"}),
            ({"extra_copy": 1}, {"exact_duplicate"}),
            ({"StockCode": "15056bl"}, {"lower_case_code"}),
            ({"Description": "LANTERN "}, {"stray_spaces"}),
            ({"Description": " LANTERN"}, {"stray_spaces"}),
            ({"event_time": None}, {"unreadable_time"}),
            ({"event_time": "2023-05-01T10:00:00"}, {"outside_period"}),
        ],
    ),
    "online_retail_reference": (
        {**EVENT, **SHOP},
        [
            *EVENT_BREAKS,
            ({"user_id": LONG}, {"id_too_long"}),
            ({"item_id": LONG}, {"id_too_long"}),
            ({"cancelled": 1}, {"cancellation"}),
            ({"basket_id": None}, {"missing_invoice"}),
            ({"value": None}, {"unreadable_quantity"}),
            ({"event_time": None}, {"unreadable_time"}),
            ({"event_time": "2023-05-01T10:00:00"}, {"outside_period"}),
        ],
    ),
    "movielens_small": (
        EVENT,
        [
            *EVENT_BREAKS,
            ({"user_id": LONG}, {"id_too_long", "odd_id"}),
            ({"item_id": LONG}, {"id_too_long", "odd_id"}),
            ({"user_id": "u1"}, {"odd_id"}),
            ({"item_id": "1.5"}, {"odd_id"}),
            ({"value": None}, {"odd_rating"}),
            ({"value": 5.5}, {"odd_rating"}),
            ({"event_time": None}, {"unreadable_time"}),
            ({"event_time": "2023-05-01T10:00:00"}, {"outside_period"}),
        ],
    ),
    "sample": (
        {
            **EVENT,
            **SHOP,
            "event_time": "2024-08-01T10:00:00",
            "extra_copy": 0,
            "Price": 2.5,
            "Item": "71053",
            "Title": "Red Cup",
        },
        [
            *EVENT_BREAKS,
            ({"user_id": LONG}, {"id_too_long"}),
            ({"item_id": LONG}, {"id_too_long", "no_product"}),
            ({"cancelled": 1, "kept_value": None}, {"cancellation"}),
            ({"value": None, "kept_value": None}, {"unreadable_quantity"}),
            ({"value": -3.0, "kept_value": -3.0}, {"write_off"}),
            ({"Price": None}, {"no_price"}),
            ({"Price": 0.0}, {"no_price"}),
            ({"item_id": "POST"}, {"no_product"}),
            ({"extra_copy": 1}, {"exact_duplicate"}),
            ({"Item": "71053a"}, {"lower_case_code"}),
            ({"Title": "Red Cup "}, {"stray_spaces"}),
            ({"event_time": None}, {"unreadable_time"}),
            ({"event_time": "2000-01-01T00:00:00"}, {"outside_period"}),
        ],
    ),
}


def as_frame(rows):
    frame = pd.DataFrame(rows)
    frame["event_time"] = pd.to_datetime(frame["event_time"]).astype("datetime64[ns]")
    texts = [
        name for name in frame if name not in {"event_time", "value", "kept_value", "UnitPrice", "Price"}
    ]
    numbers = frame[["cancelled", "extra_copy"]] if "extra_copy" in frame else None
    frame = frame.astype({name: "str" for name in texts if frame[name].dtype == object})
    return frame if numbers is None else frame.assign(**numbers.astype("int64"))


@pytest.mark.parametrize("name", RAW)
def test_check__each_rule_of_each_raw_suite_catches_its_break(name):
    good, breaks = RAW[name]
    contract = RowContract(Suite(FOLDER / f"{name}.json"))
    frame = as_frame([good, *({**good, **change} for change, _ in breaks)])

    found = [set(contract.names(int(bits))) for bits in contract.check(pa.Table.from_pandas(frame))]

    assert found == [set(), *(reasons for _, reasons in breaks)]


@pytest.mark.parametrize("name", RAW)
def test_check__every_expectation_of_each_raw_suite_is_broken_above(name):
    good, breaks = RAW[name]
    suite = Suite(FOLDER / f"{name}.json")
    frame = as_frame([good, *({**good, **change} for change, _ in breaks)])

    passed = [result.expectation_config.to_json_dict() for result in suite.validate(frame) if result.success]

    assert passed == []


@pytest.mark.parametrize("name", ["sample", "online_retail", "online_retail_reference", "movielens_small"])
def test_row_contract__anonymous_rows_are_kept_where_the_dataset_keeps_them(name):
    spec = DatasetSpec.load(name)

    expected = "count" if spec.cleaning.anonymous == "keep" else "quarantine"
    assert row_contract(spec).rules["anonymous"].action == expected


def test_check__row_conditions_and_large_frames_keep_their_rows(tmp_path):
    condition = {"type": "comparison", "column": {"name": "kind"}, "operator": "==", "parameter": "sale"}
    rules = [
        rule("values_to_be_between", "value", "low", min_value=1, row_condition=condition),
        rule("values_to_not_be_null", "value", "missing"),
        rule("pair_values_a_to_be_greater_than_b", "value", "order", column_A="value", column_B="other"),
    ]
    del rules[2]["kwargs"]["column"]
    n_rows = 20_000
    frame = pd.DataFrame({"value": np.ones(n_rows), "other": np.zeros(n_rows), "kind": "sale"})
    frame.loc[[5, 7], "value"] = 0.0
    frame.loc[7, "kind"] = "gift"
    frame.loc[19_999, "value"] = np.nan
    contract = RowContract(Suite(suite(tmp_path, rules)))

    bits = contract.check(pa.Table.from_pandas(frame))

    assert {int(at): contract.names(int(bits[at])) for at in np.flatnonzero(bits)} == {
        5: ["low", "order"],
        7: ["order"],
        19_999: ["missing", "order"],
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reason": None}, "expect_column_values_to_not_be_null has no meta.reason"),
        ({"tolerance": 1.5}, r"tolerance of 'r' is 1\.5; it must be a share"),
        ({"tolerance": "1%"}, "tolerance of 'r' is '1%'"),
        ({"action": "drop"}, "action of 'r' is 'drop'; write quarantine or count"),
    ],
)
def test_row_contract__refuses_rules_that_say_too_little(tmp_path, change, message):
    wrong = rule("values_to_not_be_null", "a", "r")
    wrong["meta"] |= change

    with pytest.raises(ConfigurationError, match=message):
        RowContract(Suite(suite(tmp_path, [wrong])))


def test_row_contract__expectations_of_one_reason_must_agree(tmp_path):
    rules = [rule("values_to_not_be_null", "a", "r"), rule("values_to_not_be_null", "b", "r", tolerance=0.5)]

    with pytest.raises(ConfigurationError, match="expectations of reason 'r' differ"):
        RowContract(Suite(suite(tmp_path, rules)))


def test_row_contract__has_room_for_63_reasons(tmp_path):
    rules = [rule("values_to_not_be_null", "a", f"r{at}") for at in range(64)]

    assert len(RowContract(Suite(suite(tmp_path, rules[:63]))).reasons) == 63
    with pytest.raises(ConfigurationError, match="has 64 reasons; at most 63"):
        RowContract(Suite(suite(tmp_path, rules)))


def test_check__a_rule_about_the_whole_table_names_no_rows(tmp_path):
    table_rule = rule("max_to_be_between", "a", "r", max_value=1)
    contract = RowContract(Suite(suite(tmp_path, [table_rule])))

    with pytest.raises(ConfigurationError, match="names no rows; use an expectation on column values"):
        contract.check(pa.table({"a": [2]}))


def test_judge__tolerance_is_a_share_of_all_rows_and_may_be_reached():
    tally = Tally("log", rows=100, rejected=2)
    tally.add("odd", 2, [(0, 7, "a, b")])
    place = "file {}, row {}".format

    tally.judge({"odd": Rule("odd", 0.02, "quarantine", "no odd rows")}, 0.02, place)
    with pytest.raises(ContractError) as caught:
        tally.judge({"odd": Rule("odd", 0.01, "quarantine", "no odd rows")}, 0.01, place)

    assert str(caught.value).splitlines()[:4] == [
        "log breaks its contract:",
        "  odd (no odd rows): 2 of 100 rows = 2.00%, limit 1.00%",
        "    file 0, row 7: a, b",
        "  all reasons together (max_reject_rate): 2 of 100 rows = 2.00%, limit 1.00%",
    ]


def test_suites__are_plain_json_that_says_what_it_is():
    for path in FOLDER.glob("*.json"):
        document = json.loads(path.read_text())
        assert document["name"] == path.stem
        assert document["meta"]["description"]


def _odd_table(rng, n_rows):
    """Values of every kind that a column may hold, at random places."""
    texts = rng.choice(np.array(["", "a", "né", "日本語x", "x" * 12, None], dtype=object), n_rows)
    numbers = rng.choice(np.array([-np.inf, -3.0, 0.0, 0.5, 1e9, np.inf, np.nan, None], dtype=object), n_rows)
    times = rng.choice(
        np.array(["1700-01-02", "1989-12-31T23:59:59", "1990-01-01", "2100-01-01T00:00:01", "NaT"], "M8[ns]"),
        n_rows,
    )
    return pa.table(
        {
            "text": pa.array(texts, pa.large_string()),
            "number": pa.array(numbers, pa.float64(), from_pandas=False),
            "count": pa.array(rng.integers(-1, 3, n_rows), pa.int64()),
            "time": pa.array(times, pa.timestamp("ns"), from_pandas=True),
        }
    )


SCREENED = [
    rule("values_to_not_be_null", "text", "no_text"),
    rule("values_to_not_be_null", "number", "no_number"),
    rule("values_to_not_be_null", "time", "no_time"),
    rule("value_lengths_to_be_between", "text", "long", min_value=1, max_value=3),
    rule("values_to_be_between", "number", "small", min_value=0),
    rule("values_to_be_between", "number", "large", max_value=1e9),
    rule("values_to_be_between", "count", "counted", min_value=0, max_value=1),
    rule(
        "values_to_be_between",
        "time",
        "when",
        min_value="1990-01-01T00:00:00",
        max_value="2100-01-01T00:00:00",
    ),
    rule("values_to_match_regex", "text", "pattern", regex=r"\A[a-z]*\Z"),
]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), n_rows=st.integers(1, 60))
def test_check__finds_what_great_expectations_finds_alone(tmp_path, seed, n_rows):
    contract = RowContract(Suite(suite(tmp_path, SCREENED)))
    table = _odd_table(np.random.default_rng(seed), n_rows)

    found = contract.check(table)

    assert found.tolist() == contract._judge(contract.suite.expectations, table).tolist()


def test_screen__leaves_to_great_expectations_what_it_cannot_tell():
    schema = pa.schema(
        [("text", pa.string()), ("zoned", pa.timestamp("us", tz="UTC")), ("number", pa.int64())]
    )
    others = [
        rule("values_to_match_regex", "text", "r", regex="a"),
        rule("values_to_not_be_null", "missing", "r"),
        rule("values_to_be_between", "text", "r", min_value=1),
        rule("values_to_be_between", "zoned", "r", min_value="1990-01-01T00:00:00+00:00"),
        rule("values_to_be_between", "number", "r", min_value=1, strict_min=True),
        rule("values_to_be_between", "number", "r", min_value="1"),
        rule("value_lengths_to_be_between", "number", "r", max_value=3),
    ]

    assert [screen(each, schema) for each in others] == [None] * len(others)
    assert screen(rule("values_to_be_between", "number", "r", min_value=1), schema) is not None
