"""Save and load any scorer, field by field: arrays as .npy, numbers as JSON, no pickle anywhere."""

import importlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_contracts.errors import ContractError
from data_contracts.scoring import Scorer
from tasks.runtime.files import read_json, write_json

DESCRIPTION = "scorer.json"
HOMES = ("data_contracts.interactions", "tasks.numeric.", "tasks.models.")
"""Only dataclasses of these modules are ever made from a file: packages that are pure, whose classes hold values."""

MOVED = {"data_contracts.scoring": "tasks.numeric.scorers"}
"""Where the classes of models stored before version 0.2 are now."""

RENAMED = {"stranger_items": "cold_start_items", "strangers": "cold_start_items"}
"""Fields as models stored before version 0.2 call them."""


def save_scorer(scorer: Scorer, folder: Path) -> None:
    """Write a scorer into an existing folder: ``scorer.json`` and one .npy file an array."""
    write_json(folder / DESCRIPTION, _describe(scorer, "", folder))


def load_scorer(folder: Path) -> Scorer:
    """Read what :func:`save_scorer` wrote; arrays are memory-mapped, read-only.

    Raises
    ------
    ContractError
        If the description names a class that is no scorer of ours.

    """
    scorer = _restore(read_json(folder / DESCRIPTION), folder)
    if not isinstance(scorer, Scorer):
        raise ContractError(f"{folder / DESCRIPTION} describes {type(scorer).__name__}, which is no scorer")
    return scorer


def _describe(value: Any, name: str, folder: Path) -> Any:
    if isinstance(value, np.ndarray):
        file = f"{name}.npy"
        np.save(folder / file, value, allow_pickle=False)
        return {"array": file}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {
            field.name: _describe(getattr(value, field.name), f"{name}.{field.name}".lstrip("."), folder)
            for field in fields(value)
        }
        return {"class": f"{type(value).__module__}:{type(value).__qualname__}", "fields": parts}
    if isinstance(value, list | tuple):
        return {"list": [_describe(each, f"{name}.{at}", folder) for at, each in enumerate(value)]}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"field {name!r} of a scorer is a {type(value).__name__}: use arrays, numbers and dataclasses"
    )


def _restore(described: Any, folder: Path) -> Any:
    if not isinstance(described, dict):
        return described
    if "array" in described:
        path = folder / Path(described["array"]).name
        return np.load(path, mmap_mode="r" if path.stat().st_size > 4096 else None, allow_pickle=False)
    if "list" in described:
        return tuple(_restore(each, folder) for each in described["list"])
    parts = {RENAMED.get(name, name): _restore(each, folder) for name, each in described["fields"].items()}
    return _class(described["class"])(**parts)


def _class(name: str) -> Any:
    module, _, qualified = name.partition(":")
    module = MOVED.get(module, module)
    if not module.startswith(HOMES):
        raise ContractError(f"a stored model names class {name!r}; only those of {HOMES} are ever loaded")
    found = getattr(importlib.import_module(module), qualified, None)
    if not isinstance(found, type) or not is_dataclass(found):
        raise ContractError(f"a stored model names class {name!r}, which does not exist; train it again")
    return found
