"""Look at a log as a run would, up to its first model: what `shelftalker check` tells."""

from datetime import date, datetime
from functools import partial
from typing import Any

import pyarrow.parquet as pq

from data_contracts.check_result import (
    CheckResult,
    HoldoutCounts,
    MappedColumn,
    ModelExpected,
    RuleFound,
    SplitFound,
)
from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ContractError, LimitError
from data_contracts.parameters import NightlyParameters
from flows.planning import asked_for, chosen_models, contenders, decide_as_of, stated_day
from tasks import models
from tasks.ingestion.log_pass import row_contract
from tasks.ingestion.pipeline import EVENTS, QUARANTINE
from tasks.ingestion.task import find_holdout_source, find_source, ingest_at_rest
from tasks.models import Sizes
from tasks.preparation.counting import count_window
from tasks.preparation.holdout import split
from tasks.preparation.prepared_events import prepare
from tasks.preparation.splitting import Windows, windows
from tasks.runtime import store
from tasks.runtime.step import without_prefect
from tasks.training.limits import GB, allowed_memory_gb, check_limits
from tasks.training.requirements import matrix_parts
from tasks.training.task import configure

SHOWN_ROWS, SHOWN_REJECTED = 10, 5


def check(parameters: NightlyParameters) -> tuple[CheckResult, ContractError | None]:
    """Read and judge a dataset's log, and divide it; nothing is trained, and no server is asked.

    What this reads and groups, the next run finds and reuses.

    Returns
    -------
    What was found, and the error that a run would end with: a broken contract, or nothing to hold out.

    Raises
    ------
    ConfigurationError
        If the dataset file, its suite or its log is not as it must be.

    """
    spec, lacking = asked_for(parameters)
    chosen = chosen_models(spec)
    found: dict[str, Any] = {
        "dataset": spec.name,
        "file": str(spec.file),
        "mapping": _mapping(spec),
        "feedback": _feedback(spec),
        "contract": _rules(spec, None),
        "left_out": {each.name: each.reason for each in lacking},
        "memory_limit_gb": round(allowed_memory_gb(spec.limits), 2),
    }
    with without_prefect():
        try:
            for part in (_read, _divide):
                found |= part(spec, parameters, chosen, found)
        except ContractError as error:
            return CheckResult(**_public(found) | {"problem": str(error)}), error
    return CheckResult(**_public(found)), None


def _public(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if not name.startswith("_")}


def _read(spec: DatasetSpec, parameters: NightlyParameters, *_rest: Any) -> dict[str, Any]:
    """What reading the log says; references to what it left stand under names that begin with an underscore."""
    finders = [partial(find_source, spec, parameters.source)]
    if spec.window.test_path:
        finders.append(partial(find_holdout_source, spec))
    sources, ingested = zip(*(ingest_at_rest(find(), find) for find in finders), strict=True)
    facts = ingested[0].facts
    return {
        "_events": ingested[0],
        "_newest": ingested[-1],
        "source": str(sources[0].path),
        "as_of": decide_as_of(spec, parameters.as_of, ingested[0]),
        "contract": _rules(spec, facts),
        **{name: facts[name] for name in ("rows_read", "rows_accepted", "rows_rejected", "anonymous")},
        "rejected": facts["rejected"],
        "quarantined": _quarantined(spec, ingested[0]),
        "warnings": facts.get("warnings", ()),
        "rows": _head(ingested[0], EVENTS, SHOWN_ROWS),
        "seconds_to_read": facts["seconds"],
    }


def _divide(
    spec: DatasetSpec,
    parameters: NightlyParameters,
    chosen: dict[str, ModelSection],
    found: dict[str, Any],
) -> dict[str, Any]:
    """The split, and what the models of the run are expected to take on its training side."""
    events, as_of, seed = found["_events"], found["as_of"], parameters.seed
    window = windows(spec, as_of, seed, whole_test_file=stated_day(spec, parameters.as_of) is None)
    choices, _ = contenders(spec.name, as_of, chosen)
    data = prepare(events, window.train, spec, matrix_parts(spec, choices.values()))
    holdout = split(
        found["_newest"], data, window.holdout, spec.columns, spec.feedback, spec.evaluation.max_users, seed
    )
    sizes = Sizes(*(data.matrix.facts[each] for each in ("n_users", "n_items", "nnz", "events")))
    expected = tuple(_expected(name, choice, sizes, spec) for name, choice in choices.items())
    minutes = [each.minutes or 0.0 for each in expected if each.problem is None]
    return {
        "split": _split(spec, window, as_of, (events, found["_newest"], holdout)),
        "models": expected,
        "minutes_to_train": round(sum(minutes) + max(minutes, default=0.0), 2),
        "memory_gb": max((each.memory_gb or 0.0 for each in expected), default=0.0),
    }


def _split(
    spec: DatasetSpec, window: Windows, as_of: date | None, made: tuple[store.ArtifactRef, ...]
) -> SplitFound:
    events, newest, holdout = made
    train = count_window(events.folder / EVENTS, window.train, store.scratch())
    held = count_window(newest.folder / EVENTS, window.holdout, store.scratch())
    facts = holdout.facts
    scored = HoldoutCounts(
        **held.model_dump(),
        known_users=facts["n_known_users"],
        known_baskets=None if held.baskets is None else facts["n_known_baskets"],
        scored_users=facts["n_users"],
    )
    hows = {
        "time": f"the last {spec.window.holdout_days} days before {as_of} are held out",
        "leave_last": f"the last {spec.window.leave_last_n} events of each user are held out",
        "leave_last_basket": "the last basket of each user who has another one is held out",
        "random": f"{spec.window.random_share:.0%} of each user's events are held out at random",
        "file": f"{spec.window.test_path} is held out",
    }
    return SplitFound(how=hows[spec.window.split], train=train, holdout=scored)


def _expected(name: str, choice: ModelSection, sizes: Sizes, spec: DatasetSpec) -> ModelExpected:
    config, cost = configure(name, choice), models.load_spec(choice.kind).cost
    minutes = memory = problem = None
    if cost is not None:
        takes = cost(config, sizes)
        minutes, memory = round(takes.seconds / 60, 3), round(takes.memory_bytes / GB, 3)
        try:
            check_limits(name, choice.kind, config, sizes, spec.limits)
        except LimitError as error:
            problem = str(error)
    return ModelExpected(
        name=name,
        kind=choice.kind,
        baseline=choice.baseline,
        minutes=minutes,
        memory_gb=memory,
        problem=problem,
    )


def _mapping(spec: DatasetSpec) -> tuple[MappedColumn, ...]:
    columns, items = spec.columns, spec.items
    found = [MappedColumn(role=role, column=name, table="log") for role, name in columns.by_role().items()]
    found += [MappedColumn(role=kind, column=name, table="log") for name, kind in columns.kinds().items()]
    if items is not None:
        found.append(MappedColumn(role="item", column=items.id, table="items"))
        if items.title:
            found.append(MappedColumn(role="title", column=items.title, table="items"))
        found += [MappedColumn(role=kind, column=name, table="items") for name, kind in items.kinds().items()]
    return tuple(found)


def _feedback(spec: DatasetSpec) -> str:
    """What an event weighs, in words."""
    feedback = spec.feedback
    if feedback.kind == "event_type":
        weights = ", ".join(f"{name} {weight:g}" for name, weight in feedback.positive.items())
        return f"by the type of event ({weights}); lists are to lead to {', '.join(feedback.target_types)}"
    if feedback.kind == "rating" and not feedback.as_weight:
        return f"values of {feedback.threshold:g} and more count 1, lower ones are not learned from"
    return {
        "count": "every row counts 1",
        "quantity": "the value, returns taken off",
        "rating": "the value itself",
        "duration": "the value as a part of the usual one",
        "ordinal": f"the place of the value in {', '.join(feedback.labels)}",
    }[feedback.kind]


def _rules(spec: DatasetSpec, facts: store.Facts | None) -> tuple[RuleFound, ...]:
    """Rules of the contract, with what each found where the log was read whole."""
    counts = None if facts is None else {**facts["counted"], **facts["rejected"]}
    rules = row_contract(spec).rules
    found = [
        RuleFound(
            reason=each.reason,
            rule=each.words,
            action=each.action,
            rows=None if counts is None else counts.get(each.reason, 0),
            limit=each.tolerance,
        )
        for each in rules.values()
    ]
    for reason in sorted(set(counts or ()) - set(rules)):
        action = "count" if facts is not None and reason in facts["counted"] else "quarantine"
        rows = None if counts is None else counts[reason]
        found.append(
            RuleFound(reason=reason, rule="", action=action, rows=rows, limit=spec.contract.max_reject_rate)
        )
    return tuple(found)


def _head(events: store.ArtifactRef, name: str, n: int) -> tuple[dict[str, Any], ...]:
    """The first rows of a table, as JSON has them."""
    with pq.ParquetFile(events.folder / name) as file:
        first = next(file.iter_batches(batch_size=n), None)
    rows = [] if first is None else first.to_pylist()[:n]
    return tuple({key: _plain(value) for key, value in row.items()} for row in rows)


def _quarantined(spec: DatasetSpec, events: store.ArtifactRef) -> tuple[dict[str, Any], ...]:
    shown = ("source_file", "row_number", "reasons", *spec.columns.by_role().values())
    rows = _head(events, QUARANTINE, SHOWN_REJECTED)
    return tuple({name: row[name] for name in dict.fromkeys(shown) if name in row} for row in rows)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value
