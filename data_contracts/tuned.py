"""A tuned file: parameters that a search found, and where they come from."""

import json
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from data_contracts.column_sections import Section
from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ConfigurationError
from data_contracts.limits import MAX_COUNT, Number

NONE = "none"
"""Stands for None, which TOML lacks, as in a dataset file."""


class TunedModel(Section):
    """``[models.NAME]``: one model's best parameters, and what they were found with."""

    kind: str
    """File in tasks/models."""
    study: str
    """Name of the Optuna study."""
    storage: str
    """Where the study is kept, without a password."""
    data: str
    """Sha256 of the log."""
    until: datetime | None = None
    """No event from here on was looked at; absent for a log without times."""
    windows: tuple[str, ...]
    """What was scored, the newest first; each model was trained on what came before."""
    metric: str
    """What was made as good as possible, in its own direction."""
    scenario: str
    """Where it was taken."""
    trials: int = Field(ge=1, le=MAX_COUNT)
    """Finished trials, pruned ones included."""
    pruned: int = Field(default=0, ge=0, le=MAX_COUNT)
    """Trials given up early because they were behind."""
    start: Number | None = None
    """Value that the parameters of the dataset file reached."""
    value: Number
    """Value that these parameters reached: mean over the windows."""
    parameters: dict[str, Any]
    """Of the model; the others stay as the dataset file says."""


class Tuned(Section):
    """The whole file.

    Examples
    --------
    >>> Tuned(dataset="shop").to_toml().splitlines()[-1]
    'dataset = "shop"'

    """

    dataset: str
    """Name of the dataset that the parameters were tuned for."""
    models: dict[str, TunedModel] = Field(default_factory=dict)
    """By name of the model in the dataset file."""

    @classmethod
    def load(cls, path: Path) -> "Tuned":
        """Read a tuned file.

        Raises
        ------
        ConfigurationError
            If it is not there or not as it should be.

        """
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError(
                f"there is no tuned file {path}; `shelftalker tune` writes one"
            ) from error
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"tuned file {path} is no readable TOML: {error}") from error
        for model in data.get("models", {}).values():
            given = model.get("parameters", {})
            model["parameters"] = {key: None if value == NONE else value for key, value in given.items()}
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ConfigurationError(f"tuned file {path}: {error}") from error

    def to_toml(self) -> str:
        """The file's text."""
        lines = ["# Written by `shelftalker tune`.", f"dataset = {_toml(self.dataset)}"]
        for name, model in self.models.items():
            facts = model.model_dump(exclude={"parameters"}, exclude_none=True)
            lines += ["", f"[models.{name}]", *_rows(facts)]
            lines += ["", f"[models.{name}.parameters]", *_rows(model.parameters)]
        return "\n".join(lines) + "\n"

    def applied(self, choices: Mapping[str, ModelSection]) -> dict[str, ModelSection]:
        """The models of a dataset file with the tuned parameters over their own.

        Raises
        ------
        ConfigurationError
            If a tuned model is not among them, or is of another kind.

        """
        wrong = [
            name
            for name, model in self.models.items()
            if name not in choices or choices[name].kind != model.kind
        ]
        if wrong:
            raise ConfigurationError(
                f"the tuned file of {self.dataset!r} speaks of {', '.join(wrong)}, which the dataset file does not "
                "name or names with another kind; tune again"
            )
        return {
            name: choice.model_copy(
                update={"parameters": {**choice.parameters, **self.models[name].parameters}}
            )
            if name in self.models
            else choice
            for name, choice in choices.items()
        }


def _rows(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in values.items()]


def _toml(value: Any) -> str:
    if value is None:
        return json.dumps(NONE)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)
