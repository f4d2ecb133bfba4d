"""Python from a notebook or a script: run, look up, and read evaluations as pandas frames.

Wherever the program is installed (``pip install -e CHECKOUT``)::

    from flows import notebook as shelftalker

    summary = shelftalker.run("orders.toml", as_of="2026-01-31")
    shelftalker.evaluation(summary)
    shelftalker.recommend("orders", "u17")

Artifacts and publications lie in `home`, else in $SHELFTALKER_HOME, else in ``./.shelftalker``, as on the command line.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel

from data_contracts.evaluation import SCENARIOS
from data_contracts.run_summary import RunSummary
from flows import cli_common
from tasks.lookup import OpenPublication, open_publication


def run(dataset: str = "sample", *, home: Path | None = None, **parameters: Any) -> RunSummary:
    """One nightly run, as ``shelftalker run``; progress goes to stderr.

    Parameters
    ----------
    dataset
        Name, or path of a .toml.
    home
        Where artifacts and publications lie.
    parameters
        Of :class:`data_contracts.parameters.NightlyParameters`: as_of, source, seed, dry_run, models, tuned, engine, ...

    Returns
    -------
    The summary. Nothing is raised where the gate is closed: ``summary.gate.verdict`` says it, ``summary.published`` too.

    Raises
    ------
    ShelftalkerError
        As the command ends: its subclasses say whether configuration, contract or something else is wrong.

    """
    cli_common.settle(home, runs_flow=True)
    from data_contracts.parameters import NightlyParameters
    from flows.nightly import nightly
    from flows.running import run_here

    # A gate that stays closed ends the flow under another name; what it returns is a summary all the same.
    summary: RunSummary = run_here(nightly, NightlyParameters(dataset=dataset, **parameters))
    return summary


def load_publication(dataset: str, run: str | None = None, *, home: Path | None = None) -> OpenPublication:
    """What is live, or an earlier publication: see :func:`tasks.lookup.open_publication`."""
    cli_common.settle(home)
    return open_publication(dataset, run)


def recommend(
    dataset: str, user_id: str, k: int = 10, *, exclude: Iterable[str] = (), home: Path | None = None
) -> pd.DataFrame:
    """What a user should see, from what is live: one row per item, best first."""
    return _frame(load_publication(dataset, home=home).recommend(user_id, k, exclude=exclude).items)


def similar(dataset: str, item_id: str, k: int = 10, *, home: Path | None = None) -> pd.DataFrame:
    """Items that go with an item, from what is live: one row per item, best first."""
    return _frame(load_publication(dataset, home=home).similar(item_id, k).items)


def evaluation(summary: RunSummary) -> pd.DataFrame:
    """Every metric of every model: columns model, scenario, metric, value, low and high, of the 95 % interval."""
    rows = [
        {"model": name, "scenario": scenario, "metric": metric, **interval.to_json()}
        for name, model in summary.models.items()
        for scenario in SCENARIOS
        for metric, interval in model.metrics(scenario).items()
    ]
    return pd.DataFrame(rows)


def _frame(items: Iterable[BaseModel]) -> pd.DataFrame:
    return pd.DataFrame([each.model_dump() for each in items])
