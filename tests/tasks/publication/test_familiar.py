"""Ids that are written differently tonight are noticed against what is live."""

import pytest
from tiny_log import write_events

from data_contracts.identifiers import Vocabulary
from tasks.publication.familiar import compare_ids


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    for name, column in (("users", "user_id"), ("items", "item_id")):
        Vocabulary.from_ids(column, [f"{name}{n}" for n in range(10)]).save(folder / f"{name}.parquet")
    return folder


def log(tmp_path, user, item="items{}"):
    return write_events(
        tmp_path / "events.parquet", [(user.format(n), item.format(n), 0, 1.0, None) for n in range(10)]
    )


def test_compare_ids__ids_of_another_form_are_named(tmp_path, published):
    (warning,) = compare_ids(log(tmp_path, "users{}.0"), published, tmp_path)

    assert "0 of 10 users of the live publication are known" in warning
    assert "'users0.0'" in warning
    assert "'users0'" in warning


def test_compare_ids__the_same_ids_are_nothing_to_speak_of(tmp_path, published):
    assert compare_ids(log(tmp_path, "users{}"), published, tmp_path) == []


def test_compare_ids__a_publication_that_cannot_be_read_is_not_compared(tmp_path, published):
    for file in published.iterdir():
        file.write_bytes(b"torn")

    assert compare_ids(log(tmp_path, "users{}"), published, tmp_path) == []


def test_compare_ids__brackets_in_a_folders_name_are_no_pattern(tmp_path, published):
    odd = tmp_path / "home [1]"
    published.rename(tmp_path / "live [1]")
    odd.mkdir()

    (warning,) = compare_ids(log(odd, "users{}.0"), tmp_path / "live [1]", tmp_path)

    assert "0 of 10 users" in warning
