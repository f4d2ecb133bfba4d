import pytest

from data_contracts.errors import ConfigurationError
from tasks.serving.settings import ApiSettings, check_reach, keys_of


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "localhost", "::1"])
def test_check_reach__asks_for_no_key_on_this_machine(host):
    check_reach(ApiSettings(datasets=("d",), host=host), ())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "shop.example"])
def test_check_reach__asks_for_a_key_where_others_reach_it(host):
    with pytest.raises(ConfigurationError, match="SHELFTALKER_API_KEYS"):
        check_reach(ApiSettings(datasets=("d",), host=host), ())
    check_reach(ApiSettings(datasets=("d",), host=host), ("k" * 16,))


def test_keys_of__reads_environment_and_file(tmp_path):
    path = tmp_path / "keys"
    path.write_text("b" * 16 + "\n" + "c" * 16 + "\n")
    path.chmod(0o600)

    assert keys_of({"SHELFTALKER_API_KEYS": "a" * 16 + ", "}, path) == ("a" * 16, "b" * 16, "c" * 16)


def test_keys_of__refuses_what_others_can_read_or_guess(tmp_path):
    path = tmp_path / "keys"
    path.write_text("b" * 16)
    path.chmod(0o644)

    with pytest.raises(ConfigurationError, match="chmod 600"):
        keys_of({}, path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        keys_of({}, tmp_path / "none")
    with pytest.raises(ConfigurationError, match="fewer than 16 characters"):
        keys_of({"SHELFTALKER_API_KEYS": "short"}, None)
