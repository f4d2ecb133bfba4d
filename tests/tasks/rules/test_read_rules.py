import pytest
from small_logs import dataset, many, write_csv

from data_contracts.errors import ConfigurationError, SourceChangedError
from tasks.rules.read_rules import find_rules, read_rules

RULES = "[rules]\nwithdrawn = 'gone.txt'\nblocks = 'blocks.csv'\n"


@pytest.fixture
def shop(tmp_path):
    """A dataset with two files of rules: one beside the .toml, one beside the log."""
    (tmp_path / "log").mkdir()
    (tmp_path / "gone.txt").write_text("i1\n")
    (tmp_path / "log" / "blocks.csv").write_text("user_id,item_id\nu1,i2\n")
    return dataset(tmp_path, RULES), write_csv(tmp_path / "log", many(20))


def test_find_rules__beside_the_toml_or_beside_the_log(shop, tmp_path):
    found = find_rules(*shop).rules

    assert found.withdrawn.path == str(tmp_path / "gone.txt")
    assert found.blocks.path == str(tmp_path / "log" / "blocks.csv")
    assert find_rules(shop[0].model_copy(update={"rules": None}), shop[1]) is None


def test_find_rules__of_a_file_that_is_nowhere_names_the_key(shop, tmp_path):
    (tmp_path / "gone.txt").unlink()

    with pytest.raises(
        ConfigurationError, match=r"rules.withdrawn = 'gone.txt' .* is neither in .* put it there"
    ):
        find_rules(*shop)


def test_cache_identity__follows_content_and_how_ids_are_cleaned(shop, tmp_path):
    spec, log = shop
    before = find_rules(spec, log).cache_identity()
    other = spec.model_copy(update={"cleaning": spec.cleaning.model_copy(update={"strip_ids": False})})

    assert find_rules(other, log).cache_identity() != before
    (tmp_path / "gone.txt").rename(tmp_path / "log" / "gone.txt")
    assert find_rules(spec, log).cache_identity() == before
    (tmp_path / "log" / "gone.txt").write_text("i2\n")
    assert find_rules(spec, log).cache_identity() != before


def test_read_rules__of_a_file_that_changes_meanwhile_reads_nothing(shop, tmp_path, home):
    found = find_rules(*shop)
    (tmp_path / "gone.txt").write_text("i1\ni2\n")
    out = tmp_path / "out"
    out.mkdir()

    with pytest.raises(SourceChangedError, match=r"gone.txt changed while it was read"):
        read_rules.write(out, found)


def test_read_rules__writes_what_the_files_say(shop, tmp_path, home):
    out = tmp_path / "out"
    out.mkdir()

    facts = read_rules.write(out, find_rules(*shop))

    assert facts == {"withdrawn_ids": 1, "blocked_pairs": 1, "warnings": []}
