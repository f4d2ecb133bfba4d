import pytest

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_files import known_names
from data_contracts.errors import ConfigurationError

TEXT = 'name = "orders"\n[source]\npath = "orders.csv"\n[columns]\nuser = "u"\nitem = "i"\ntime = "t"\n'


@pytest.fixture
def folder(home):
    (home / "datasets").mkdir(parents=True)
    return home / "datasets"


def test_load__finds_a_dropped_in_file_by_its_name(folder):
    (folder / "orders.toml").write_text(TEXT)

    assert DatasetSpec.load("orders").file == folder / "orders.toml"
    assert "orders" in known_names()


def test_load__refuses_a_dropped_in_file_of_another_name(folder):
    (folder / "shop.toml").write_text(TEXT)

    with pytest.raises(ConfigurationError, match=r"call it orders\.toml, or write\s+name = 'shop'"):
        DatasetSpec.load("shop")


def test_load__refuses_to_take_the_place_of_a_dataset_of_the_program(folder):
    (folder / "sample.toml").write_text(TEXT.replace("orders", "sample"))

    with pytest.raises(ConfigurationError, match="comes with the program"):
        DatasetSpec.load(folder / "sample.toml")
    assert DatasetSpec.load("sample").file.parent != folder


def test_load__suggests_the_name_that_was_meant(folder):
    (folder / "orders.toml").write_text(TEXT)

    with pytest.raises(ConfigurationError, match="did you mean 'orders'"):
        DatasetSpec.load("oders")


@pytest.mark.parametrize("wrong", ['at = "24:00"', 'at = "3:15"', 'timezone = "Europe/Nowhere"'])
def test_schedule__refuses_what_is_no_time_or_clock(folder, wrong):
    path = folder / "orders.toml"
    path.write_text(f"{TEXT}[schedule]\n{wrong}\n")

    with pytest.raises(ConfigurationError, match=r"schedule"):
        DatasetSpec.load(path)
