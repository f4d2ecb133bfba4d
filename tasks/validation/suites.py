"""Judge tables by the suites of data_contracts/expectations, with Great Expectations."""

import json
import logging
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.facts import FACTS, TableFacts
from data_contracts.suite_files import FOLDER

_SMALL = 10_000
"""Rows below which one call for all columns is the cheaper one."""

JSON_NAMES: dict[type, str] = {list: "array", dict: "object", str: "text"}

_RESULT_FORMAT = {
    "result_format": "COMPLETE",  # the only format that lists every failing row
    "return_unexpected_index_query": False,
    "exclude_unexpected_values": True,
}


class Suite:
    """One suite file, checked when it is loaded.

    Parameters
    ----------
    path
        A JSON file as Great Expectations writes it.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, holds nothing, or holds an expectation that Great Expectations does not
        know: it would drop that one in silence, and a suite of nothing passes everything.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.table = path.stem
        try:
            self.document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            self.expectations: list[dict[str, Any]] = self.document["expectations"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigurationError(
                f"{path} is no readable suite of expectations: {type(error).__name__}: {error}"
            ) from error
        self._must_have_shape()
        if not self.expectations:
            raise ConfigurationError(f"suite {path} holds no expectation, so it would pass everything")

    def _must_have_shape(self) -> None:
        """Refuse a suite whose parts are not what Great Expectations writes.

        Raises
        ------
        ConfigurationError
            Naming the file and the part.

        """
        parts = {"expectations": (self.expectations, list), "meta": (self.document.get("meta", {}), dict)}
        if isinstance(self.expectations, list):
            for place, each in enumerate(self.expectations):
                parts[f"expectations[{place}]"] = (each, dict)
                if isinstance(each, dict):
                    parts[f"expectations[{place}].type"] = (each.get("type"), str)
                    parts[f"expectations[{place}].kwargs"] = (each.get("kwargs", {}), dict)
                    parts[f"expectations[{place}].meta"] = (each.get("meta") or {}, dict)
        for name, (part, kind) in parts.items():
            if not isinstance(part, kind):
                raise ConfigurationError(
                    f"suite {self.path}: {name} must be a JSON {JSON_NAMES[kind]}; got {type(part).__name__}"
                )

    def without_optional(self, present: Sequence[str]) -> "Suite":
        """Return the same suite without the optional expectations on columns that the table does not have."""
        kept = [
            expectation
            for expectation in self.expectations
            if not expectation.get("meta", {}).get("optional")
            or expectation.get("kwargs", {}).get("column") in present
        ]
        return self.only(kept)

    def only(self, expectations: list[dict[str, Any]]) -> "Suite":
        """Return the same suite with some of its expectations."""
        smaller = Suite(self.path)
        smaller.expectations = expectations
        return smaller

    @property
    def meta(self) -> dict[str, Any]:
        """What the file says about itself."""
        return dict(self.document.get("meta", {}))

    @cached_property
    def compiled(self) -> Any:
        """The suite as Great Expectations understood it, none dropped."""
        import_gx()
        import great_expectations as gx

        try:
            suite = gx.ExpectationSuite(name=self.table, expectations=self.expectations)
        except Exception as error:
            raise ConfigurationError(
                f"suite {self.path} cannot be used: {' '.join(str(error).split())}"
            ) from error
        if len(suite.expectations) != len(self.expectations):
            known = {expectation.expectation_type for expectation in suite.expectations}
            dropped = [entry["type"] for entry in self.expectations if entry.get("type") not in known]
            raise ConfigurationError(
                f"Great Expectations dropped {len(self.expectations) - len(suite.expectations)} of "
                f"{len(self.expectations)} expectations of {self.path}: {str(dropped)[:200] if dropped else 'see their severity'}; "
                "correct their type, kwargs or severity"
            )
        return suite

    def validate(self, frame: pd.DataFrame, *, rows: bool = True) -> list[Any]:
        """Results of all expectations on a frame with a fresh RangeIndex, in no particular order.

        Without `rows` a result says only whether it passed, not which rows did not: half the time on a small table.

        Raises
        ------
        ConfigurationError
            If a check crashed: that says something about the suite, nothing about the data.

        """
        results: list[Any] = []
        result_format = _RESULT_FORMAT if rows else {"result_format": "BOOLEAN_ONLY"}
        for columns, configurations in self._groups(frame):
            part = frame if columns is None else frame[list(columns)]
            validator = _validator(self._context, part)
            results += validator.graph_validate(
                configurations=configurations, runtime_configuration={"result_format": result_format}
            )
        for result in results:
            if _crashed(result.exception_info):
                config = result.expectation_config
                raise ConfigurationError(
                    f"check {config.type} {config.kwargs} of suite {self.path} crashed: "
                    f"{_why(result.exception_info)}; columns: {', '.join(map(str, frame.columns))}"
                )
        if len(results) != len(self.expectations):
            raise ConfigurationError(
                f"suite {self.path}: {len(results)} results of {len(self.expectations)} expectations"
            )
        return results

    @cached_property
    def _context(self) -> Any:
        import_gx()
        import great_expectations as gx

        context: Any = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        return context

    def _groups(self, frame: pd.DataFrame) -> list[tuple[tuple[str, ...] | None, list[Any]]]:
        """Sort the expectations by the columns they look at; None = the whole frame.

        Great Expectations copies every column of its frame for every check on one of them: on large frames
        it is given only the columns that the check is about (541,909 rows, 12 columns: 0.7 instead of 1.9 s).
        """
        configurations = self.compiled.expectation_configurations
        if len(frame) < _SMALL:
            return [(None, configurations)]
        groups: dict[tuple[str, ...] | None, list[Any]] = {}
        for configuration in configurations:
            kwargs = configuration.kwargs
            named = tuple(kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs)
            whole = not named or "row_condition" in kwargs or not set(named) <= set(frame.columns)
            groups.setdefault(None if whole else named, []).append(configuration)
        return list(groups.items())


def check_facts(table: str, facts: TableFacts) -> None:
    """Judge the facts of a table; `data_contracts.facts.FACTS` names and describes them.

    Raises
    ------
    ValueError
        If facts are missing or unknown.
    ContractError
        Naming table, rule, value and limit of every rule that is broken.

    """
    if set(facts) != set(FACTS[table]):
        wrong = sorted(set(facts) ^ set(FACTS[table]))
        raise ValueError(
            f"facts of {table!r} must be those of data_contracts.facts; missing or unknown: {wrong}"
        )
    missing = [name for name, value in facts.items() if value is None or value != value]  # noqa: PLR0124 - NaN
    if missing:
        # Great Expectations skips missing values: a NaN would pass every limit.
        raise ContractError(
            f"table {table!r} breaks its contract: {missing[0]} = {facts[missing[0]]} is no fact"
        )
    check_table(pd.DataFrame([dict(facts)]), table)


def check_table(frame: pd.DataFrame, name: str) -> None:
    """Judge a whole small table by the suite of that name, without any tolerance.

    Raises
    ------
    ContractError
        Naming table, rule, value and limit of every rule that is broken.

    """
    suite = Suite(FOLDER / f"{name}.json")
    broken = [_broken(result, frame) for result in suite.validate(frame, rows=False) if not result.success]
    if broken:
        raise ContractError(
            f"table {name!r} breaks its contract ({suite.path.name}):\n  " + "\n  ".join(sorted(broken))
        )


def import_gx() -> None:
    """Import Great Expectations (seconds), quietly."""
    with warnings.catch_warnings():
        # It imports a module that Python 3.11 deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        import great_expectations as _gx  # noqa: F401
    for name in ("great_expectations", "great_expectations.data_context.types.base"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It logs a traceback of what it refuses, and raises the same; we say it in a line.
    logging.getLogger("great_expectations.core.expectation_suite").setLevel(logging.CRITICAL)


def _validator(context: Any, frame: pd.DataFrame) -> Any:
    # batch.validate, the public way, hashes the whole frame at every call only to log the hash: 0.7 s of
    # 0.9 s a million rows. The validator below it does the same checks without that.
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
    from great_expectations.validator.validator import Validator

    data: Any = frame  # annotated there as a class
    return Validator(PandasExecutionEngine(), data_context=context, batches=[Batch(data=data)])


def _crashed(info: dict[str, Any]) -> bool:
    """GX nests one entry a metric, or none: look at both forms."""
    entries = [info, *(value for value in info.values() if isinstance(value, dict))]
    return any(entry.get("raised_exception") for entry in entries)


def _why(info: dict[str, Any]) -> str:
    entries = [info, *(value for value in info.values() if isinstance(value, dict))]
    messages = [str(entry["exception_message"]) for entry in entries if entry.get("exception_message")]
    return messages[0] if messages else "no message"


def _broken(result: Any, frame: pd.DataFrame) -> str:
    config = result.expectation_config
    kwargs = {key: value for key, value in config.kwargs.items() if key not in {"batch_id", "mostly"}}
    named = [value for key, value in kwargs.items() if key.startswith("column") and value in frame.columns]
    values = ", ".join(f"{column} = {_shown(frame[column])}" for column in named) or f"{len(frame)} rows"
    limits = ", ".join(f"{key} {value}" for key, value in kwargs.items() if not key.startswith("column"))
    words = (config.meta or {}).get("rule", config.type)
    return f"{words}: {values}" + (f" (limit: {limits})" if limits else "")


def _shown(column: "pd.Series[Any]") -> str:
    return repr(column.tolist()[0]) if len(column) == 1 else f"{len(column)} values"
