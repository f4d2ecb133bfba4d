"""Every number that people may write lies between two limits."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import CancellationSection
from data_contracts.gate_section import CustomRule, GateSection
from data_contracts.parameters import (
    BackfillParameters,
    NightlyParameters,
    PruneParameters,
    TuneParameters,
)
from data_contracts.tuned import Tuned
from tasks import models

WRITTEN = [DatasetSpec, Tuned, NightlyParameters, BackfillParameters, TuneParameters, PruneParameters]
LOW, HIGH = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}


def unbounded(schema: Any, where: str = "") -> list[str]:
    """Places of a JSON schema that take a number without a limit on both sides."""
    if isinstance(schema, list):
        return [place for each in schema for place in unbounded(each, where)]
    if not isinstance(schema, dict):
        return []
    found = [place for name, each in schema.items() for place in unbounded(each, f"{where}/{name}")]
    numeric = schema.get("type") in ("integer", "number")
    return found + [where] * (numeric and not (LOW & schema.keys() and HIGH & schema.keys()))


@pytest.mark.parametrize("model", WRITTEN, ids=lambda model: model.__name__)
def test_numbers__have_limits_on_both_sides(model):
    assert unbounded(model.model_json_schema()) == []


@pytest.mark.parametrize("kind", models.names())
def test_numbers__of_models_have_limits_on_both_sides(kind):
    assert unbounded(models.load(kind).Config.model_json_schema()) == []


@pytest.mark.parametrize("value", [1e300, -1e300, math.nan, math.inf])
@pytest.mark.parametrize(
    ("section", "given"),
    [
        (CustomRule, {"name": "a", "metric": "recall@10", "at_least": None}),
        (CustomRule, {"name": "a", "metric": "recall@10", "versus": "live", "margin": None}),
        (GateSection, {"min_coverage": None}),
        (CancellationSection, {"column": "n", "below": None}),
    ],
    ids=["at_least", "margin", "min_coverage", "below"],
)
def test_numbers__beyond_all_reason_are_refused(section, given, value):
    with pytest.raises(ValidationError):
        section(**{key: value if each is None else each for key, each in given.items()})
