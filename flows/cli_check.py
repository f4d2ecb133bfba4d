"""The command that looks at a log before anything is trained."""

import json
from datetime import date
from pathlib import Path

import click

from flows import cli_common as common
from flows.cli_common import as_date, as_names, exits, home_option


@click.command("check")
@click.argument("dataset")
@click.option(
    "--source", type=click.Path(), help="The log (a path or URL), instead of the one the dataset names."
)
@click.option("--as-of", callback=as_date, help="Divide as a run as of this day would (YYYY-MM-DD).")
@click.option(
    "--models",
    default="",
    callback=as_names,
    help="Names or kinds, as for `run`. (default: the dataset file's)",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object on stdout.")
@home_option
@exits
def check(
    dataset: str,
    source: str | None,
    as_of: date | None,
    models: tuple[str, ...],
    *,
    as_json: bool,
    home: Path | None,
) -> None:
    """Read and judge the log of DATASET (a name, or the path of a .toml), and train nothing.

    Shows which column is read as what, the first rows, what each rule of the contract found, how the log would be
    divided, and what training would take. Ends with 3 where the data breaks its contract.
    """
    common.settle(home)
    from data_contracts.parameters import NightlyParameters
    from flows.checking import check as look
    from flows.display_check import show_check
    from flows.running import watched

    given = NightlyParameters(dataset=dataset, as_of=as_of, source=source, models=models)
    with watched():
        found, problem = look(given)
    if as_json:
        click.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
    else:
        show_check(found)
    if problem is not None:
        raise problem
