"""Draft a dataset file and a contract for a log that nobody has described yet."""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from tasks.onboarding.counts import count
from tasks.onboarding.event_feedback import (
    count_types,
    feedback_of,
    is_of_targets_alone,
    remarks,
    value_keys,
)
from tasks.onboarding.identifiers import find_null_texts, giant_users, guess_id_formats
from tasks.onboarding.inference import Sample, guess_roles, take_sample
from tasks.onboarding.inputs import Input, find_input
from tasks.onboarding.remarks import cautions, unused
from tasks.onboarding.texts import Draft, suite_text, toml_text
from tasks.onboarding.values import guess_feedback, guess_truth, is_truth
from tasks.runtime.duckdb_engine import connect, first_line
from tasks.sources.csv_format import forget_unreadable
from tasks.sources.files import open_file, read_whole
from tasks.sources.open_file import OpenFile
from tasks.sources.remote_copies import url_for_copy

SAMPLED_FILES = 20
"""Files of a folder that the sample is taken from."""


class Drafted(NamedTuple):
    """What was drafted."""

    toml: str
    """Text of ``NAME.toml``, with comments."""
    suite: str
    """Text of ``NAME.json``, the suite that it names."""
    notes: list[str]
    """What is doubtful; what needs a look begins with WARNING."""
    guesses: dict[str, str]
    """What each key was taken to be, such as ``user`` or ``split``, for people."""
    unused: dict[str, str]
    """Columns that no role takes, each with the reason."""


def draft(file: Path) -> tuple[str, str]:
    """Look at a log and write what describes it: the first two of :func:`look_at`."""
    return look_at(file)[:2]


def name_of(file: Path) -> str:
    """Name of a dataset drafted from a file: the file's without its ending, in letters, digits, underscores."""
    return re.sub(r"[^A-Za-z0-9]+", "_", file.absolute().name.split(".")[0]).strip("_") or "log"


def look_at(file: Path, name: str | None = None, place: str | None = None) -> Drafted:
    """Look at a log and write what describes it.

    Parameters
    ----------
    file
        CSV, JSON, Parquet or Excel, or a folder of them.
    name
        Of the dataset; :func:`name_of` the file if absent.
    place
        What the dataset file is to name instead of the file: the URL that it is a copy of.

    Returns
    -------
    The text of ``NAME.toml``, with comments, that of ``NAME.json``, the suite that it names, and the remarks.

    Raises
    ------
    ConfigurationError
        If the file is missing, or no column looks like a user or an item.
    ContractError
        If it cannot be read.

    """
    with tempfile.TemporaryDirectory() as scratch, connect(Path(scratch)) as connection:
        found = find_input(file, Path(scratch))
        try:
            made = _draft(connection, found, name or name_of(file), Path(scratch))
            named = place if place and found.path == file else url_for_copy(str(found.path.absolute()))
            made = replace(made, source={**made.source, "path": named})
        except duckdb.Error as error:
            raise ContractError(f"{found.path} cannot be read: {first_line(error)}") from error
    return Drafted(toml_text(made), suite_text(made), made.notes, made.guesses, made.unused)


def _draft(connection: duckdb.DuckDBPyConnection, found: Input, name: str, scratch: Path) -> Draft:
    opened = [
        open_file(connection, path, kind, read_whole(path, kind, found.source, scratch), scratch)
        for path, kind in found.files
    ]
    table, relations = _together(found.path, opened)
    sampled = relations[:: -(-len(relations) // SAMPLED_FILES)]
    sample = take_sample(connection, table, sampled, has_names=found.settings.get("header", True))
    if not any(sample.values.values()):
        raise ContractError(f"{found.path} holds no row below its header")
    roles = guess_roles(sample)
    _refuse_without_ids(sample, roles, found)
    notes = list(found.notes)
    roles, feedback, left_out = _feedback(connection, table, sample, roles, notes)
    settings = {"path": str(found.path.absolute()), **found.settings}
    settings |= _value_settings(sample, roles, notes)
    nulls = find_null_texts(connection, table, roles)
    if nulls:
        settings["null_values"] = sorted({text for texts in nulls.values() for text in texts})
        shown = "; ".join(f"{texts} in {name!r}" for name, texts in nulls.items())
        notes.append(f"texts that stand for nothing, see null_values: {shown}")
    formats, remarks = guess_id_formats(sample, roles)
    if "time" in roles:
        settings["time_format"] = sample.times[roles["time"]]
    made = Draft(
        name=name,
        path=found.path,
        source=settings,
        roles=roles,
        feedback=feedback,
        cancelled=_cancellation(sample, roles.get("basket")),
        counts={},
        cleaning={} if formats == "text" else {"id_format": formats},
        outcome=_is_outcome(sample, roles),
        unread_times=[] if "time" in roles else list(sample.unread_times),
        scopes=_scopes(found),
    )
    forget_unreadable(connection)
    made.counts.update(count(connection, table, _spec(made)))
    made.counts["unreadable"] = _unreadable(connection, opened)
    notes += remarks + giant_users(made.counts, roles["user"])
    notes += cautions(sample, made)
    return replace(made, notes=notes, unused={**unused(sample, roles), **left_out})


FORMATS = {"csv": "CSV", "json": "JSON", "excel": "Excel"}


def _scopes(found: Input) -> tuple[str, ...]:
    """What keys of ``[source]`` may be about, as their descriptions call it."""
    kinds = [FORMATS[kind] for kind in dict.fromkeys(kind for _, kind in found.files) if kind in FORMATS]
    places = {"a folder": found.path.is_dir(), "a .zip": found.path.suffix.lower() == ".zip"}
    return (*kinds, *(place for place, there in places.items() if there))


def _unreadable(connection: duckdb.DuckDBPyConnection, opened: Sequence[OpenFile]) -> int:
    """Lines that were refused when all files were just read."""
    of_json = sum(len(file.unreadable(connection, 0)) for file in opened if file.kind == "json")
    if of_json or all(file.kind != "csv" for file in opened):
        return of_json
    row: Any = connection.execute("SELECT count(DISTINCT (file_id, line)) FROM reject_errors").fetchall()[0]
    return int(row[0])


def _together(path: Path, opened: Sequence[OpenFile]) -> tuple[OpenFile, list[str]]:
    """All files as one, and each of them alone, with the same columns."""
    if len(opened) == 1:
        return opened[0], [opened[0].relation]
    names = list(dict.fromkeys(name for file in opened for name in file.names))
    kinds: dict[str, set[str]] = {name: set() for name in names}
    for file in opened:
        for name, kind in zip(file.names, file.types, strict=True):
            kinds[name].add(kind)
    types = tuple(min(found) if len(found) == 1 else "VARCHAR" for found in kinds.values())
    relations = []
    for file in (file.with_missing(names) for file in opened):
        columns = [
            f"{file.column(name)[0]}::{kind} AS c{at}"
            for at, (name, kind) in enumerate(zip(names, types, strict=True))
        ]
        relations.append(f"(SELECT {', '.join(columns)} FROM {file.relation})")
    references = tuple(f"c{at}" for at in range(len(names)))
    union = "(" + " UNION ALL ".join(f"FROM {relation}" for relation in relations) + ")"
    return OpenFile(path, union, tuple(names), references, types, opened[0].kind, path), relations


def _refuse_without_ids(sample: Sample, roles: dict[str, str], found: Input) -> None:
    if "user" in roles and "item" in roles:
        return
    shown = ", ".join(name[:60] for name in sample.file.names[:30])
    raise ConfigurationError(
        f"no column of {found.path} looks like a user and another like an item; columns: {shown}; "
        "rename them, or copy a dataset file of data_contracts/datasets and write their names; if these are no column "
        "names, the keys skip_rows, header, names, delimiter, encoding and sheet under [source] say where they are"
    )


def _value_settings(sample: Sample, roles: dict[str, str], notes: list[str]) -> dict[str, Any]:
    """Keys of ``[source]`` that reading the value column needs."""
    if "value" not in roles:
        return {}
    name = roles["value"]
    _, kind = sample.file.column(name)
    if kind != "VARCHAR":
        return {}
    truth = guess_truth(sample.values[name])
    if truth is not None:
        if {*truth[0], *truth[1]} <= {"0", "1", "0.0", "1.0"}:
            return {}
        return {"true_values": list(truth[0]), "false_values": list(truth[1])}
    numbers = sample.numbers(name)
    if numbers is None or not numbers.keys:
        return {}
    shown = next((value for value in sample.values[name] if re.search(r"[^0-9]", value)), "")
    notes.append(f"numbers of {name!r} are written like {shown!r}: {numbers.keys}")
    return numbers.keys


def _numbers(sample: Sample, name: str) -> list[float]:
    """The values of a column as numbers, roughly; empty where it holds labels."""
    values = sample.values[name]
    truth = guess_truth(values)
    if truth is not None:
        return [float(value.strip() in truth[0]) for value in values]
    form = sample.numbers(name)
    if form is None:
        return []
    found = []
    for value in values:
        text = re.sub(rf"[^0-9{re.escape(form.decimal)}-]", "", value).replace(form.decimal, ".")
        if re.fullmatch(r"-?[0-9]*\.?[0-9]+", text):
            found.append(float(text))
    return found


def _feedback(
    connection: duckdb.DuckDBPyConnection,
    table: OpenFile,
    sample: Sample,
    roles: dict[str, str],
    notes: list[str],
) -> tuple[dict[str, str], dict[str, Any], dict[str, str]]:
    """Roles, keys of ``[feedback]``, and columns that have no role beside types of events, with the reason."""
    guessed: dict[str, Any] = {"kind": "count"}
    numbers: list[float] = []
    if "value" in roles:
        name = roles["value"]
        numbers = _numbers(sample, name)
        guessed = guess_feedback(name if sample.has_names else "rating", sample.values[name], numbers)
    if "event" not in roles:
        return roles, guessed, {}
    types = count_types(connection, table, roles["event"])
    feedback, kept, unused_now = feedback_of(types), dict(roles), {}
    if "value" in roles:
        more = value_keys(types, guessed, min(numbers, default=0.0))
        feedback |= more
        if not more:
            unused_now[kept.pop("value")] = "events weigh by their type alone"
    if "basket" in roles and is_of_targets_alone(connection, table, types, roles["basket"]):
        unused_now[kept.pop("basket")] = f"empty but for {' and '.join(types.targets)}"
    notes += remarks(types, feedback)
    return kept, feedback, unused_now


def _is_outcome(sample: Sample, roles: dict[str, str]) -> bool:
    name = roles.get("value")
    return name is not None and is_truth(name, _numbers(sample, name))


def _cancellation(sample: Sample, basket: str | None) -> str | None:
    """The letter that marks cancelled baskets where the others are plain numbers."""
    values = sample.values[basket] if basket else []
    marked = [value for value in values if re.fullmatch(r"C[0-9]+", value)]
    return "C" if 0 < len(marked) < 0.2 * len(values) else None


def _spec(made: Draft) -> DatasetSpec:
    """The dataset as drafted so far, enough to read it."""
    return DatasetSpec.model_validate(
        {
            "name": made.name,
            "source": made.source,
            "columns": made.roles,
            "cleaning": made.cleaning,
            "feedback": made.feedback,
            "cancellation": made.cancellation,
            "window": {"split": "time" if "time" in made.roles else "random"},
        }
    )
