"""The command that takes what is published elsewhere: files in other formats, here or remote, and databases."""

from pathlib import Path
from typing import Literal

import click

from data_contracts.published_files import MAY_BE_THERE, TABLES
from flows import cli_common as common
from flows.cli_common import dataset_name, dataset_option, exits, home_option, print_rows


@click.command()
@dataset_option
@click.option("--run", help="Run to export, or its first letters (default: what is live).")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    help="Of the files (default: csv, or no files with --sink).",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the files (default: exports/DATASET/DAY/RUN in the home).",
)
@click.option(
    "--to", help="URL of a folder in an object store that the files are uploaded to, such as s3://shop/lists."
)
@click.option(
    "--table",
    type=click.Choice([*TABLES, *MAY_BE_THERE, "all"]),
    default="all",
    show_default=True,
    help="Which table.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
@click.option(
    "--sink",
    help="Database to load into, SQLite, PostgreSQL or Redis: a URL, in which {NAME} stands for an environment "
    "variable, or env:NAME for a variable that holds the whole URL.",
)
@click.option(
    "--schema",
    help="Of PostgreSQL (default: the first of the search path); of Redis: what all keys begin with.",
)
@click.option(
    "--chunk-rows",
    type=click.IntRange(1, 10_000_000),
    default=50_000,
    show_default=True,
    help="Rows at once.",
)
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@home_option
@exits
def export(
    dataset: str,
    run: str | None,
    form: Literal["csv", "jsonl", "parquet"] | None,
    output: Path | None,
    to: str | None,
    table: str,
    *,
    overwrite: bool,
    sink: str | None,
    schema: str | None,
    chunk_rows: int,
    as_json: bool,
    home: Path | None,
) -> None:
    """Write what is live as CSV, JSON Lines or Parquet, or load it into a database."""
    if to and output:
        raise click.UsageError("give --to or --output, not both")
    common.settle(home)
    from flows.running import watched
    from tasks.publication.delivery import (
        export_folder,
        find_publication,
        load_tables,
        tables_of,
        upload_files,
        write_files,
    )

    publication = find_publication(dataset_name(dataset), run)
    tables = tables_of(publication) if table == "all" else [table]
    rows = []
    with watched():
        if to:
            rows += upload_files(
                publication, tables, [form or "csv"], to, overwrite=overwrite, chunk_rows=chunk_rows
            )
        elif form or not sink:
            folder = output or export_folder(publication)
            rows += write_files(
                publication, tables, [form or "csv"], folder, overwrite=overwrite, chunk_rows=chunk_rows
            )
        if sink:
            rows += load_tables(publication, tables, sink, schema=schema, chunk_rows=chunk_rows)
    print_rows(rows, as_json=as_json)
