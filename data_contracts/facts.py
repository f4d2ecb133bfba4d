"""Table facts: one row of numbers about a table that is too large to look at, judged by the suite of its name.

Whoever makes a table counts these with DuckDB or numpy and hands them to
`tasks.validation.suites.check_facts(table, facts)`, with exactly the names below.
"""

from collections.abc import Mapping
from typing import Final

TableFacts = Mapping[str, int | float | str | bool]

FACTS: Final[Mapping[str, Mapping[str, str]]] = {
    "events": {
        "rows": "accepted rows",
        "null_items": "of them without an item id",
        "null_times": "of them without a time, 0 for a log without times",
        "bad_values": "of them whose value is missing, NaN or infinite",
        "rows_lost": "rows read - accepted - quarantined",
    },
    "interactions": {
        "rows": "user-item pairs",
        "events": "events of known users that they were merged from",
        "n_users": "size of the user vocabulary",
        "n_items": "size of the item vocabulary",
        "null_codes": "pairs without a user code or an item code",
        "min_user_code": "smallest user code",
        "max_user_code": "largest user code",
        "min_item_code": "smallest item code",
        "max_item_code": "largest item code",
        "repeated_pairs": "rows - distinct pairs",
        "bad_weights": "pairs whose weight is missing, NaN, infinite or not above 0",
    },
    "vocabulary": {
        "name": "user_id or item_id",
        "size": "number of ids",
        "distinct": "number of different ids",
        "null_ids": "missing ids",
        "empty_ids": "ids without a character",
        "out_of_order": "ids that are not above the one before, by UTF-8 bytes, within each part (with events, catalogue)",
        "longest": "bytes of the longest id",
    },
    "grouped_matrix": {
        "n_users": "rows of the by-user view",
        "n_items": "rows of the by-item view",
        "vocabulary_users": "size of the user vocabulary",
        "vocabulary_items": "size of the item vocabulary",
        "entries_by_user": "stored entries of the by-user view",
        "entries_by_item": "stored entries of the by-item view",
        "pairs": "rows of the interactions that it was made from",
        "falling_indptr": "steps of either indptr below 0, + 1 for each not running from 0 to its entries",
        "min_index": "smallest index of either view",
        "max_item_index": "largest index of the by-user view",
        "max_user_index": "largest index of the by-item view",
        "unsorted_entries": "entries of either view that are not above the entry before them in their row",
        "bad_values": "values of either view that are NaN or infinite",
        "weight_gap": "largest difference of the two views' and the interactions' weight sums, / the largest",
    },
    "model": {
        "n_users": "rows that the model scores",
        "n_items": "columns that the model scores",
        "vocabulary_users": "size of the user vocabulary",
        "vocabulary_items": "size of the item vocabulary",
        "vocabulary_differences": "vocabularies (of users, of items) whose sha256 is not the matrix's",
        "bad_numbers": "NaN or infinite numbers in its arrays",
    },
    "predictions": {
        "rows": "rows of predictions.parquet",
        "users": "different users in it",
        "eligible_users": "users who must have a list: those for whom an item is left",
        "k": "length asked for",
        "null_ids": "rows without a user id or an item id",
        "min_rank": "smallest rank",
        "max_rank": "largest rank",
        "rank_gaps": "users whose ranks are not 1, 2, ... without gap or repeat",
        "repeated_items": "rows - distinct (user, item)",
        "unknown_items": "rows whose item is not in the vocabulary",
        "forbidden_items": "rows that show what the scenario forbids, such as an item the user has had",
        "bad_scores": "rows whose score is missing, NaN or infinite",
        "rising_scores": "rows whose score is above that of the rank before",
        "short_list_share": "share of users whose list is shorter than k and than what is left for them",
        "max_short_list_share": "largest such share that the dataset file allows",
        "items": "different items in it",
    },
}
"""Fact names of each table, and what each counts."""
