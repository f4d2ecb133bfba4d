import pytest

from data_contracts.database_url import fill, has_password
from data_contracts.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("postgresql+psycopg://{USER}:{PASSWORD}@db/shop", False),
        ("postgresql+psycopg://shop@db/shop", False),
        ("postgresql+psycopg://shop:@db/shop", False),
        ("postgresql://db:5432/shop?sslmode=require", False),
        ("postgresql://db/shop?password={PASSWORD}", False),
        ("{SHOP_DB_URL}", False),
        ("sqlite:////var/lib/shop@home:2.db", False),
        ("postgresql://shop:secret@db/shop", True),
        ("postgresql://shop:s@e/c:r@db/shop", True),
        ("postgresql://{USER}:{PASSWORD}x@db/shop", True),
        ("postgresql://db/shop?sslmode=require&password=secret", True),
        ("mysql+pymysql://shop:secret@db", True),
    ],
)
def test_has_password__only_what_is_written_out(url, found):
    assert has_password(url) == found


def test_fill__values_of_any_character_stay_what_they_are():
    import sqlalchemy

    secrets = {"USER": "a:b", "PASSWORD": "p@ss/w?rd#%&{USER} ü", "DB": "shop", "APP": "a&b=c"}
    url = sqlalchemy.make_url(
        fill("postgresql://{USER}:{PASSWORD}@db:5432/{DB}?application_name={APP}", secrets)
    )

    assert (url.username, url.password, url.host, url.port, url.database) == (
        "a:b",
        "p@ss/w?rd#%&{USER} ü",
        "db",
        5432,
        "shop",
    )
    assert url.query == {"application_name": "a&b=c"}


def test_fill__paths_and_whole_urls_are_not_quoted():
    assert fill("sqlite:///{FOLDER}/shop.db", {"FOLDER": "/var/lib"}) == "sqlite:////var/lib/shop.db"
    assert fill("{URL}", {"URL": "postgresql://a:b@c/d"}) == "postgresql://a:b@c/d"


@pytest.mark.parametrize("environment", [{}, {"PASSWORD": ""}])
def test_fill__names_the_variable_that_is_missing(environment):
    with pytest.raises(ConfigurationError, match="environment variable PASSWORD is not set"):
        fill("postgresql://shop:{PASSWORD}@db/shop", environment)
