import pytest
from pydantic import ValidationError

from data_contracts.tracking_section import TrackingSection


def test_mlflow_uri__is_an_address_without_a_slash_at_its_end():
    assert (
        TrackingSection(mlflow_uri="https://ml.example.org/flow/").mlflow_uri == "https://ml.example.org/flow"
    )
    assert TrackingSection().mlflow_uri is None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("sqlite:///mlflow.db", "no address"),
        ("databricks", "no address"),
        ("https://", "no address"),
        ("https://ml.example.org/?token=SECRET", "no address"),
        ("https://me:SECRET@ml.example.org", "MLFLOW_TRACKING_USERNAME"),
    ],
)
def test_mlflow_uri__what_is_none_or_says_a_secret_is_refused(given, why):
    with pytest.raises(ValidationError, match=why) as refusal:
        TrackingSection(mlflow_uri=given)
    assert "SECRET" not in str(refusal.value)
