"""The nights of a home, read from the summaries that runs left: what the index of the report server shows."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from data_contracts.evaluation import Interval
from tasks.report.churn import changed_share

N_NIGHTS = 60
"""Newest runs of a dataset that are shown."""
UNDATED = "undated"


class Night(NamedTuple):
    """One run that was published, or kept with its reasons."""

    day: str
    """``YYYY-MM-DD``, or ``undated``."""
    run: str
    """Name of the run."""
    published: bool
    """Whether its lists went out."""
    live: bool
    """Whether they are live now."""
    verdict: str
    """Of the gate."""
    winner: str
    """Name of the model."""
    metric: str
    """Name of the metric that decided, and the scenario."""
    value: Interval | None
    """That metric of the winner."""
    rejected: float | None
    """Rejected rows / rows read."""
    changed: float | None
    """Share of the places of lists that changed since the publication before; None for the first."""
    report: str
    """Path of the report below the home."""


class Shop(NamedTuple):
    """A dataset and its nights, newest first."""

    name: str
    nights: list[Night]
    live_day: str | None
    """Day of what is live."""
    age_days: int | None
    """Days since that day."""


def shops(home: Path, today: date) -> list[Shop]:
    """All datasets of a home with a run, by name. What cannot be read is left out: the index mends nothing."""
    names = {path.parent.name for kind in ("published", "rejected") for path in home.glob(f"{kind}/*/*/")}
    return [_shop(home, name, today) for name in sorted(names)]


def _shop(home: Path, name: str, today: date) -> Shop:
    live = _json(home / "published" / name / "latest.json")
    found = [
        *_summaries(home, f"published/{name}/*/*/summary.json"),
        *_summaries(home, f"rejected/{name}/*/*.json"),
    ]
    found.sort(key=lambda each: (each[0]["as_of"], each[2]))
    nights: list[Night] = []
    before: Path | None = None
    for summary, path, _when in found[-N_NIGHTS:]:
        table = path.with_name("predictions.parquet") if path.name == "summary.json" else None
        share = None if table is None or before is None else changed_share(table, before)
        nights.append(_night(home, summary, path, share, str(live.get("run", ""))))
        before = table or before
    day = live.get("as_of")
    age = (today - date.fromisoformat(day)).days if isinstance(day, str) and _is_day(day) else None
    return Shop(name, nights[::-1], str(day or UNDATED) if live else None, age)


def _summaries(home: Path, pattern: str) -> Iterator[tuple[dict[str, Any], Path, datetime]]:
    for path in home.glob(pattern):
        summary = _json(path)
        if all(isinstance(summary.get(name), dict) for name in ("gate", "models", "counts")):
            summary["as_of"] = str(summary.get("as_of") or "")
            yield summary, path, datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _night(home: Path, summary: dict[str, Any], path: Path, changed: float | None, live: str) -> Night:
    gate = summary["gate"]
    winner, metric, scenario = (str(gate.get(name, "")) for name in ("winner", "metric", "scenario"))
    published = path.name == "summary.json"
    run = path.parent.name if published else path.stem
    report = path.with_name("report.html") if published else path.with_suffix(".html")
    return Night(
        day=summary["as_of"] or UNDATED,
        run=run,
        published=published,
        live=published and run == live,
        verdict=str(gate.get("verdict", "open" if gate.get("open") else "closed")),
        winner=winner,
        metric=f"{metric}, {scenario}",
        value=_value(summary["models"].get(winner), scenario, metric),
        rejected=_rejected(summary["counts"]),
        changed=changed,
        report=report.relative_to(home).as_posix(),
    )


def _value(model: Any, scenario: str, metric: str) -> Interval | None:
    try:
        found = model[scenario][metric]
        return Interval(*(float(found[name]) for name in ("value", "low", "high")))
    except (KeyError, TypeError, ValueError):
        return None


def _rejected(counts: dict[str, Any]) -> float | None:
    try:
        return float(counts["rows_rejected"]) / float(counts["rows_read"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
