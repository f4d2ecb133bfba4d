"""The command for a run on the workers of a Dask cluster."""

import json
from datetime import date
from pathlib import Path

import click

from data_contracts.limits import MAX_SEED
from flows import cli_common as common
from flows.cli_common import as_date, as_names, dataset_option, exits, home_option, print_rows


@click.command("cluster")
@dataset_option
@click.option("--as-of", callback=as_date, help="See only events before this day (YYYY-MM-DD).")
@click.option(
    "--source", type=click.Path(), help="The log (a path or URL), instead of the one the dataset names."
)
@click.option(
    "--scheduler",
    help="Address of the Dask scheduler (default: [cluster] in the dataset file, then $DASK_SCHEDULER_ADDRESS).",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    help="Processes to start here where there is no scheduler. (default: 2)",
)
@click.option(
    "--models", default="", callback=as_names, help="Names with commas between (default: the dataset file's)."
)
@click.option(
    "--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Decides all chance."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object on stdout.")
@home_option
@exits
def on_workers(
    dataset: str,
    as_of: date | None,
    source: str | None,
    scheduler: str | None,
    workers: int | None,
    models: tuple[str, ...],
    seed: int,
    *,
    as_json: bool,
    home: Path | None,
) -> None:
    """Ingest, train, score and list on the workers of a Dask cluster; nothing goes live."""
    common.settle(home, runs_flow=True)
    from data_contracts.dataset import DatasetSpec
    from data_contracts.extras import must_be_installed
    from data_contracts.parameters import ClusterParameters

    must_be_installed("shelftalker cluster", ["dask", "distributed"], "cluster")
    from flows.cluster import asked_of_workers
    from flows.cluster import cluster as cluster_flow
    from flows.running import run_here

    given = ClusterParameters(
        dataset=dataset,
        as_of=as_of,
        source=source,
        scheduler=scheduler,
        workers=workers,
        models=models,
        seed=seed,
    )
    asked_of_workers(DatasetSpec.load(dataset), given)
    result = run_here(cluster_flow, given)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    print_rows([{"model": name, **metrics} for name, metrics in result["metrics"].items()], as_json=False)
    click.echo(
        f"{result['winner']} has the best {result['metric']}; lists of {result['n_users']:,} users: {result['path']}"
    )
