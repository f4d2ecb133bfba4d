from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ConfigurationError
from data_contracts.tuned import Tuned, TunedModel


def model(**changes):
    given = {
        "kind": "wals",
        "study": "shop-wals-ab",
        "storage": "sqlite:///x",
        "data": "ff",
        "until": datetime(2026, 3, 1, tzinfo=UTC),
        "windows": ('2026-02-01 to "2026-03-01"',),
        "metric": "recall@5",
        "scenario": "repeat",
        "trials": 3,
        "start": 0.1,
        "value": 0.2,
        "parameters": {"n_factors": 64, "regularization": 1e-05},
    }
    return TunedModel(**given | changes)


values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False)
)


@given(parameters=st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), values))
def test_tuned__reads_what_it_wrote(tmp_path_factory, parameters):
    before = Tuned(dataset="shop", models={"mine": model(parameters=parameters), "other": model(start=None)})
    path = tmp_path_factory.mktemp("tuned") / "shop.toml"
    path.write_text(before.to_toml(), "utf-8")

    assert Tuned.load(path) == before


def test_applied__puts_tuned_parameters_over_those_of_the_dataset_file():
    choices = {
        "wals": ModelSection(kind="wals", parameters={"n_factors": 8, "iterations": 2}),
        "bpr": ModelSection(kind="bpr"),
    }

    found = Tuned(dataset="shop", models={"wals": model()}).applied(choices)

    assert found["wals"].parameters == {"n_factors": 64, "iterations": 2, "regularization": 1e-05}
    assert found["bpr"] == choices["bpr"]
    assert choices["wals"].parameters == {"n_factors": 8, "iterations": 2}


@pytest.mark.parametrize("choices", [{}, {"wals": ModelSection(kind="bpr")}])
def test_applied__refuses_a_model_that_is_not_what_was_tuned(choices):
    with pytest.raises(ConfigurationError, match="speaks of wals"):
        Tuned(dataset="shop", models={"wals": model()}).applied(choices)


@pytest.mark.parametrize(
    ("text", "said"),
    [("dataset = ", "no readable TOML"), ('dataset = "x"\nmodel = 1', "model"), ("", "dataset")],
)
def test_load__names_the_file_and_the_problem(tmp_path, text, said):
    path = tmp_path / "bad.toml"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=said) as caught:
        Tuned.load(path)
    assert "bad.toml" in str(caught.value)


def test_load__says_what_writes_a_missing_file(tmp_path):
    with pytest.raises(ConfigurationError, match="shelftalker tune"):
        Tuned.load(tmp_path / "none.toml")
