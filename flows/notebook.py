"""The nightly run and what it published, from Python: ``from flows import notebook``.

In an environment that Shelftalker is installed in, ``flows``, ``tasks`` and ``data_contracts`` are importable from everywhere.
Import this module before Prefect: what Prefect reads of the environment when it is imported is set here.
docs/notebook.ipynb shows every function.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from data_contracts.run_summary import RunSummary
from flows import cli_common

if TYPE_CHECKING:
    from tasks.lookup import OpenPublication


def run(
    dataset: str = "sample", *, as_of: date | None = None, home: Path | None = None, **given: Any
) -> RunSummary:
    """One nightly run, as `shelftalker run` does it; what was done before is reused.

    Parameters
    ----------
    dataset, as_of
        As the options of `shelftalker run`.
    home
        Where everything lives; None takes $SHELFTALKER_HOME, else ./.shelftalker. It stays set for this process.
    given
        More of :class:`data_contracts.parameters.NightlyParameters`: source, seed, models, dry_run, tuned, engine.

    Raises
    ------
    ShelftalkerError
        As the command would say it: a wrong configuration, a broken contract. A closed gate is no error here:
        ``summary.gate.verdict`` says it.

    """
    cli_common.settle(home, runs_flow=True)
    from data_contracts.parameters import NightlyParameters
    from flows.nightly import nightly
    from flows.running import run_here

    summary: RunSummary = run_here(nightly, NightlyParameters(dataset=dataset, as_of=as_of, **given))
    return summary


def load_publication(dataset: str = "sample", run: str | None = None) -> OpenPublication:
    """Open what is live, or an earlier publication by the first letters of its run; see :func:`tasks.lookup.open_publication`."""
    from tasks.lookup import open_publication

    return open_publication(cli_common.dataset_name(dataset), run)


def recommend(shop: OpenPublication, user_id: str, n: int = 10) -> pd.DataFrame:
    """What a user should see, best first: rank, item_id, title, score; ``attrs["source"]`` is `popular` for an unknown user."""
    answer = shop.recommend(user_id, n)
    return _table(answer.items, source=answer.source)


def similar(shop: OpenPublication, item_id: str, n: int = 10) -> pd.DataFrame:
    """Items that go with an item, best first; raises UnknownItemError if the catalogue does not have it."""
    return _table(shop.similar(item_id, n).items)


def evaluation(summary: RunSummary) -> pd.DataFrame:
    """Every metric of every model with its 95 % interval: value, low and high by model, scenario and metric."""
    rows = [
        {"model": name, "scenario": scenario, "metric": metric, **interval.to_json()}
        for name, model in summary.models.items()
        for scenario, metrics in (("repeat", model.repeat), ("discovery", model.discovery))
        for metric, interval in metrics.items()
    ]
    return pd.DataFrame(rows).set_index(["model", "scenario", "metric"])


def differences(summary: RunSummary) -> pd.DataFrame:
    """What each candidate gains over the best baseline in the deciding metric, with its interval."""
    rows = {name: interval.to_json() for name, interval in summary.gate.differences.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _table(shown: Any, **attrs: str) -> pd.DataFrame:
    table = pd.DataFrame([each.model_dump() for each in shown])
    table.attrs.update(attrs)
    return table
