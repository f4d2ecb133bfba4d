import json

import pandas as pd
import pytest

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.facts import FACTS
from data_contracts.suite_files import FOLDER, find_suite
from tasks.validation.suites import Suite, check_facts, check_table

GOOD = {
    "events": {"rows": 10, "null_items": 0, "null_times": 0, "bad_values": 0, "rows_lost": 0},
    "interactions": {
        "rows": 6,
        "events": 10,
        "n_users": 3,
        "n_items": 4,
        "null_codes": 0,
        "min_user_code": 0,
        "max_user_code": 2,
        "min_item_code": 0,
        "max_item_code": 3,
        "repeated_pairs": 0,
        "bad_weights": 0,
    },
    "vocabulary": {
        "name": "item_id",
        "size": 4,
        "distinct": 4,
        "null_ids": 0,
        "empty_ids": 0,
        "out_of_order": 0,
        "longest": 6,
    },
    "grouped_matrix": {
        "n_users": 3,
        "n_items": 4,
        "vocabulary_users": 3,
        "vocabulary_items": 4,
        "entries_by_user": 6,
        "entries_by_item": 6,
        "pairs": 6,
        "falling_indptr": 0,
        "min_index": 0,
        "max_item_index": 3,
        "max_user_index": 2,
        "unsorted_entries": 0,
        "bad_values": 0,
        "weight_gap": 1e-7,
    },
    "model": {
        "n_users": 3,
        "n_items": 4,
        "vocabulary_users": 3,
        "vocabulary_items": 4,
        "vocabulary_differences": 0,
        "bad_numbers": 0,
    },
    "predictions": {
        "rows": 30,
        "users": 3,
        "eligible_users": 3,
        "k": 10,
        "null_ids": 0,
        "min_rank": 1,
        "max_rank": 10,
        "rank_gaps": 0,
        "repeated_items": 0,
        "unknown_items": 0,
        "forbidden_items": 0,
        "bad_scores": 0,
        "rising_scores": 0,
        "short_list_share": 0.0,
        "max_short_list_share": 0.05,
        "items": 20,
    },
}

BREAKS = {
    "events": [
        ("rows", 0, "at least one row was accepted: rows = 0"),
        ("null_items", 1, "every event has an item"),
        ("null_times", 1, "every event has a time"),
        ("bad_values", 1, "every value is a finite number"),
        ("rows_lost", 1, "every row read is accepted or quarantined"),
        ("rows_lost", -1, "every row read is accepted or quarantined"),
    ],
    "interactions": [
        ("rows", 0, "there is something to learn from"),
        ("n_users", 1, "there are at least two users: n_users = 1"),
        ("n_items", 1, "there are at least two items: n_items = 1"),
        ("events", 5, "there are no more pairs than events"),
        ("null_codes", 1, "every pair has both codes"),
        ("min_user_code", -1, "user codes start at 0 or later"),
        ("max_user_code", 3, "user codes end below the vocabulary's size"),
        ("min_item_code", -1, "item codes start at 0 or later"),
        ("max_item_code", 4, "item codes end below the vocabulary's size"),
        ("repeated_pairs", 1, "each pair stands there once"),
        ("bad_weights", 1, "every weight is finite and above 0"),
    ],
    "vocabulary": [
        ("name", "colour", "it names what it identifies"),
        ("size", 0, "there is at least one id"),
        ("distinct", 3, "every id stands there once"),
        ("null_ids", 1, "no id is missing"),
        ("empty_ids", 1, "no id is empty"),
        ("out_of_order", 1, "ids rise by UTF-8 bytes"),
        ("longest", 2001, "ids have at most 2,000 bytes"),
    ],
    "grouped_matrix": [
        ("n_users", 4, "one row for each known user"),
        ("n_items", 5, "one row for each known item"),
        ("pairs", 0, "there is something to learn from"),
        ("entries_by_user", 5, "the by-user view holds every pair"),
        ("entries_by_item", 5, "the by-item view holds every pair"),
        ("falling_indptr", 1, "indptr rises from 0 to the number of entries"),
        ("min_index", -1, "no index is negative"),
        ("max_item_index", 4, "item indices end below the catalogue's size"),
        ("max_user_index", 3, "user indices end below the number of users"),
        ("unsorted_entries", 1, "indices rise within a row"),
        ("bad_values", 1, "every value is finite"),
        ("weight_gap", 0.01, "both views hold the weight of the interactions"),
    ],
    "model": [
        ("n_users", 2, "it scores every known user"),
        ("n_items", 3, "it scores every known item"),
        ("vocabulary_differences", 1, "it was trained under the vocabularies it is used with"),
        ("bad_numbers", 1, "every number is finite"),
    ],
    "predictions": [
        ("rows", 0, "there is something to publish"),
        ("users", 2, "everybody who must have a list has one"),
        ("null_ids", 1, "every row has a user and an item"),
        ("min_rank", 0, "ranks start at 1"),
        ("max_rank", 11, "ranks end at k or before"),
        ("rank_gaps", 1, "ranks run 1, 2, ... without a gap"),
        ("repeated_items", 1, "no list shows an item twice"),
        ("unknown_items", 1, "every item is in the catalogue"),
        ("forbidden_items", 1, "no list shows what it must not"),
        ("bad_scores", 1, "every score is finite"),
        ("rising_scores", 1, "scores fall from rank to rank"),
        ("short_list_share", 0.06, "lists are as long as they can be ([export] max_short_lists)"),
        ("items", 0, "some item is shown"),
    ],
}


@pytest.mark.parametrize("table", FACTS)
def test_check_facts__good_facts_pass(table):
    check_facts(table, GOOD[table])


@pytest.mark.parametrize(
    ("table", "name", "value", "message"), [(t, *case) for t in BREAKS for case in BREAKS[t]]
)
def test_check_facts__each_rule_catches_its_break(table, name, value, message):
    with pytest.raises(ContractError) as caught:
        check_facts(table, {**GOOD[table], name: value})

    assert f"table {table!r} breaks its contract" in str(caught.value)
    assert message in str(caught.value)
    assert f"{name} = {value!r}" in str(caught.value)


@pytest.mark.parametrize("table", FACTS)
def test_check_facts__every_rule_is_broken_above(table):
    rules = {entry["meta"]["rule"] for entry in Suite(FOLDER / f"{table}.json").expectations}

    assert rules == {message.partition(": ")[0] for _, _, message in BREAKS[table]}


def test_check_facts__nan_is_no_pass():
    with pytest.raises(ContractError, match="weight_gap = nan"):
        check_facts("grouped_matrix", {**GOOD["grouped_matrix"], "weight_gap": float("nan")})


def test_check_facts__refuses_missing_and_unknown_facts():
    facts = dict(GOOD["model"])
    facts["n_user"] = facts.pop("n_users")

    with pytest.raises(ValueError, match=r"missing or unknown: \['n_user', 'n_users'\]"):
        check_facts("model", facts)


def test_check_table__judges_a_whole_frame():
    with pytest.raises(
        ContractError, match=r"every id stands there once: size = 2 values, distinct = 2 values"
    ):
        check_table(pd.DataFrame([GOOD["vocabulary"], {**GOOD["vocabulary"], "distinct": 3}]), "vocabulary")


def write(path, expectations):
    path.write_text(json.dumps({"name": "s", "meta": {}, "expectations": expectations}))
    return path


def expectation(kind="expect_column_values_to_not_be_null", severity="critical", **kwargs):
    return {"type": kind, "kwargs": {"column": "a", **kwargs}, "severity": severity, "meta": {}}


@pytest.mark.parametrize(
    "bad",
    [expectation("expect_column_values_to_be_nice"), expectation(severity="deadly")],
    ids=["type", "severity"],
)
def test_suite__refuses_what_great_expectations_drops_in_silence(tmp_path, bad):
    suite = Suite(write(tmp_path / "s.json", [expectation(), bad]))

    with pytest.raises(ConfigurationError, match=r"dropped 1 of 2 expectations of .*s\.json"):
        suite.validate(pd.DataFrame({"a": [1]}))


def test_suite__refuses_bad_arguments(tmp_path):
    suite = Suite(write(tmp_path / "s.json", [expectation(mostly=3)]))

    with pytest.raises(ConfigurationError, match=r"suite .*s\.json cannot be used: .*mostly"):
        suite.validate(pd.DataFrame({"a": [1]}))


def test_suite__refuses_to_be_empty(tmp_path):
    with pytest.raises(ConfigurationError, match="holds no expectation, so it would pass everything"):
        Suite(write(tmp_path / "s.json", []))


def test_suite__refuses_what_is_no_suite(tmp_path):
    path = tmp_path / "s.json"
    path.write_text("{")

    with pytest.raises(ConfigurationError, match=r"s\.json is no readable suite"):
        Suite(path)
    with pytest.raises(ConfigurationError, match=r"nothing\.json is no readable suite"):
        Suite(tmp_path / "nothing.json")


@pytest.mark.parametrize("n_rows", [1, 20_000])
def test_suite__a_crashed_check_is_no_verdict_on_the_data(tmp_path, n_rows):
    date = expectation("expect_column_values_to_be_between", min_value="2010-12-01")
    frame = pd.DataFrame({"a": pd.to_datetime(["2011-01-01"] * n_rows)})

    with pytest.raises(ConfigurationError, match=r"check expect_column_values_to_be_between .* crashed"):
        Suite(write(tmp_path / "s.json", [date])).validate(frame)


def test_suite__a_missing_column_is_named_as_a_crash(tmp_path):
    suite = Suite(write(tmp_path / "s.json", [expectation()]))

    with pytest.raises(ConfigurationError, match=r"crashed: .*columns: b"):
        suite.validate(pd.DataFrame({"b": [1]}))


def test_suite__optional_rules_go_with_their_column(tmp_path):
    optional = {**expectation(), "meta": {"optional": True}}
    suite = Suite(write(tmp_path / "s.json", [optional, expectation(column="b")]))

    assert len(suite.without_optional(["b"]).expectations) == 1
    assert len(suite.without_optional(["a", "b"]).expectations) == 2


def test_find_suite__lists_the_known_ones(tmp_path):
    assert find_suite("sample", tmp_path).is_file()
    with pytest.raises(ConfigurationError, match=r"suite 'smaple' is not in .*; known: .*sample"):
        find_suite("smaple", tmp_path)


def test_find_suite__refuses_a_name_that_no_file_system_takes(tmp_path):
    with pytest.raises(ConfigurationError, match=r"suite 'x+' is not in") as caught:
        find_suite("x" * 5000, tmp_path)
    assert len(str(caught.value)) < 1000
