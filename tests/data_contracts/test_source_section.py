import pytest

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError

REST = '[columns]\nuser = "u"\nitem = "i"\ntime = "t"\n'
QUERY = "query = 'SELECT u, i, t FROM orders ORDER BY t, id'\n"


def load(folder, source, rest=REST):
    path = folder / "shop.toml"
    path.write_text(f'name = "shop"\n[source]\n{source}\n{rest}', encoding="utf-8")
    return DatasetSpec.load(path)


@pytest.mark.parametrize(
    "place",
    [
        "url = 'postgresql+psycopg://{USER}:{PASSWORD}@db/shop'",
        "url_env = 'SHOP_DB_URL'",
        "url_block = 'shop-db'",
    ],
)
def test_source__a_database_in_three_ways(tmp_path, place):
    source = load(tmp_path, f"{place}\n{QUERY}").source

    assert source.path is None
    assert source.query.startswith("SELECT")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "write exactly one of path .* got none of them"),
        ("path = 'a.csv'\nurl_env = 'A'\n" + QUERY, "got path and url_env"),
        ("url = 'sqlite:///a.db'\nurl_env = 'A'\n" + QUERY, "got url and url_env"),
        ("path = 'a.csv'\n" + QUERY, "query belongs to a database"),
        ("url_env = 'A'", "url_env needs query = 'SELECT"),
        ("url_env = 'A'\nquery = 'SELECT u, i, t FROM border by_day'", "query has no ORDER BY"),
        ("url_env = 'A'\nformat = 'csv'\n" + QUERY, "format belongs to path"),
        ("url_env = 'postgresql://shop@db/shop'\n" + QUERY, "source.url_env: "),
        ("url = 'postgresql://shop:secret@db/shop'\n" + QUERY, r"url holds a password; write \{NAME\}"),
    ],
)
def test_source__what_does_not_go_together(tmp_path, source, said):
    with pytest.raises(ConfigurationError, match=said):
        load(tmp_path, source)


@pytest.mark.parametrize(
    "source",
    [
        "url = 'postgresql://shop:secret@db/shop'\n" + QUERY,
        "url_env = 'postgresql://shop:secret@db/shop'\n" + QUERY,
        "url_env = 'A'\npassword = 'secret'\n" + QUERY,
        "url = 'postgresql://shop:secret@db/shop'\nformat = 'xml'\n" + QUERY,
    ],
)
def test_source__no_error_repeats_a_password(tmp_path, source):
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, source)

    # Prefect logs a failure with all its causes.
    assert "secret" not in f"{raised.value} {raised.value.__cause__}"


def test_at__keeps_the_rules_and_changes_the_place(tmp_path):
    source = load(tmp_path, f"url_env = 'A'\ntimezone = 'Europe/Paris'\n{QUERY}").source.at("more.csv")

    assert (source.path, source.url_env, source.query) == ("more.csv", None, None)
    assert source.timezone == "Europe/Paris"


def test_export__where_lists_go_does_not_change_them(tmp_path):
    plain = load(tmp_path, "path = 'a.csv'").export
    sent = load(
        tmp_path, "path = 'a.csv'", REST + "[export]\nformats = ['csv']\nsink_env = 'SHOP_DB_URL'"
    ).export

    assert sent.formats == ("csv",)
    assert plain.cache_identity() == sent.cache_identity()
    assert plain.cache_identity() == {
        "k": 10,
        "users_per_item_k": 10,
        "max_items_per_user": None,
        "max_short_lists": 0.05,
        "reserve": 20,
    }
