"""The list of a dataset's publications for people, on request with what is wrong with them."""

from typing import Any

from pydantic import ValidationError

from data_contracts.errors import DamagedError
from data_contracts.run_summary import RunFigures
from tasks.publication.publications import UNDATED, Found, look_through
from tasks.publication.registry import Publication, latest, publications
from tasks.runtime.files import read_json

WHOLE = "whole"


def listing(dataset: str) -> list[dict[str, Any]]:
    """One row per publication whose manifest can be read, oldest first; the others are reported."""
    live = latest(dataset)
    return [
        {
            "run": each.run,
            "as_of": str(each.as_of or UNDATED),
            "model": each.manifest["model"].get("kind"),
            **_decided(each),
            "created": each.manifest["created_at"],
            "live": "yes" if each == live else "",
        }
        for each in publications(dataset)
    ]


def verified_listing(dataset: str) -> list[dict[str, Any]]:
    """The same after reading every file, with a row for each damaged publication, too.

    Returns
    -------
    Rows with ``verified``: ``whole``, or what is wrong and where.

    """
    known = {(row["as_of"], row["run"]): row for row in listing(dataset)}
    live = latest(dataset)
    blank = dict.fromkeys(("model", "metric", "value", "verdict", "created"))
    return [
        {
            "run": each.folder.name,
            "as_of": each.folder.parent.name,
            **known.get((each.folder.parent.name, each.folder.name), blank),
            "live": "yes" if live is not None and each.publication == live else "",
            "verified": _verdict(each),
        }
        for each in look_through(dataset)
    ]


def _decided(publication: Publication) -> dict[str, Any]:
    """The metric that decided, its value and the verdict; None where the summary does not say, or cannot be read."""
    try:
        summary = read_json(publication.folder / "summary.json")
        figures = RunFigures.read(summary)
        verdict = summary["gate"]["verdict"]
    except (DamagedError, OSError, ValidationError, TypeError, KeyError):
        return dict.fromkeys(("metric", "value", "verdict"))
    return {"metric": figures.metric, "value": figures.value, "verdict": verdict}


def _verdict(found: Found) -> str:
    return found.problem or (found.publication.damage() if found.publication else "") or WHOLE
