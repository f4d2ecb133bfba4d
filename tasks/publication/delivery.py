"""Deliver a publication: as files in other formats, and into a database."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from data_contracts.published_files import MAY_BE_THERE, TABLES
from data_contracts.remote_url import check_remote
from tasks.publication import database_load, redis_load, redis_server
from tasks.publication.file_export import CHUNK_ROWS, FileFormat, write_copy
from tasks.publication.loading import Loader
from tasks.publication.publications import must_be_whole
from tasks.publication.registry import Publication, latest, live_publication, publication_by_run
from tasks.publication.remote_export import point_to, upload
from tasks.runtime import store
from tasks.runtime.step import IO_RETRIES
from tasks.sources.databases import sink_url

Row = dict[str, Any]


def deliver(publication: Publication, spec: DatasetSpec) -> list[Row]:
    """Do what ``[export]`` of the dataset file says, if the publication is the live one.

    A run of an older day, which did not become live, replaces nothing.

    Returns
    -------
    A row for each file and table that was written.

    Raises
    ------
    ConfigurationError, DatabaseError, OSError
        If something cannot be written; the publication is live all the same.

    """
    wanted = bool(spec.export.formats or spec.export.sink_env)
    if not wanted or latest(publication.dataset) != publication:
        return []
    rows: list[Row] = _deliver(publication, spec)
    return rows


def check_delivery(spec: DatasetSpec) -> None:
    """Refuse, before anything is read, a run whose lists could not be delivered.

    Raises
    ------
    ConfigurationError
        If the variable that names the database is missing or holds no URL, or what reads and writes the database or
        object store is not installed.

    """
    if spec.export.to is not None:
        check_remote(spec.export.to)
    if spec.export.sink_env is not None:
        url = sink_url("env:" + spec.export.sink_env)
        if redis_server.is_redis(url):
            redis_server.check(url)


@task(
    name="deliver",
    task_run_name="deliver {publication.path}",
    cache_policy=NO_CACHE,
    persist_result=False,
    **IO_RETRIES,
)
def _deliver(publication: Publication, spec: DatasetSpec) -> list[Row]:
    """Write the files and load the tables that the dataset file asks for."""
    export = spec.export
    if export.to is not None:
        path = publication.path.removeprefix(f"published/{publication.dataset}/")
        place = f"{export.to.rstrip('/')}/{publication.dataset}"
        rows = upload_files(
            publication, tables_of(publication), export.formats, f"{place}/{path}", overwrite=True
        )
        point_to(publication, place, path)
    else:
        tables = tables_of(publication)
        rows = write_files(publication, tables, export.formats, export_folder(publication), overwrite=True)
    if export.sink_env is not None:
        sink = "env:" + export.sink_env
        rows += load_tables(publication, tables_of(publication), sink, schema=export.sink_schema)
    return rows


def tables_of(publication: Publication) -> list[str]:
    """Names of the tables that a publication has."""
    more = [name for name, file in MAY_BE_THERE.items() if (publication.folder / file).exists()]
    return [*TABLES, *more]


def _file_of(publication: Publication, table: str) -> Path:
    path = publication.folder / (TABLES | MAY_BE_THERE)[table]
    if not path.exists():
        raise ConfigurationError(
            f"{publication.path} has no table {table}; it has {', '.join(tables_of(publication))}"
        )
    return path


def export_folder(publication: Publication) -> Path:
    """Default folder of the files."""
    return store.home() / publication.path.replace("published", "exports", 1)


def find_publication(dataset: str, run: str | None = None) -> Publication:
    """Find the live publication, or one by its run, and check that its files are whole.

    Parameters
    ----------
    dataset
        Name of the dataset.
    run
        Name of a run, or its first letters; None takes what is live.

    Raises
    ------
    ConfigurationError
        If there is none; the message lists what there is.
    DamagedError
        If a file of it is not what was written.

    """
    found = live_publication(dataset) if run is None else publication_by_run(dataset, run)
    must_be_whole(found)
    return found


def write_files(
    publication: Publication,
    tables: Iterable[str],
    formats: Iterable[FileFormat],
    folder: Path,
    *,
    overwrite: bool = False,
    chunk_rows: int = CHUNK_ROWS,
) -> list[Row]:
    """Write tables of a publication as files ``<table>.<format>``; returns a row for each.

    Raises
    ------
    ConfigurationError
        If one of the files exists and `overwrite` is false; nothing is written then.

    """
    targets = [(table, form, folder / f"{table}.{form}") for form in formats for table in tables]
    there = [target for _table, _form, target in targets if target.exists()]
    if there and not overwrite:
        raise ConfigurationError(f"{there[0]} exists already; move it away, or give --overwrite")
    return [
        {
            "what": target.name,
            "rows": write_copy(_file_of(publication, table), target, form, chunk_rows=chunk_rows),
            "where": str(folder),
        }
        for table, form, target in targets
    ]


def upload_files(
    publication: Publication,
    tables: Iterable[str],
    formats: Iterable[FileFormat],
    url: str,
    *,
    overwrite: bool = False,
    chunk_rows: int = CHUNK_ROWS,
) -> list[Row]:
    """Upload tables of a publication as files ``<table>.<format>`` of an object store, with a manifest.

    Raises
    ------
    ConfigurationError
        If one of the files exists and `overwrite` is false; nothing is written then.

    """
    with store.temporary_folder(store.home() / "scratch") as folder:
        rows = write_files(publication, tables, formats, folder, chunk_rows=chunk_rows)
        files = {row["what"]: (folder / row["what"], row["rows"]) for row in rows}
        return upload(publication, files, url, overwrite=overwrite)


def load_tables(
    publication: Publication,
    tables: Iterable[str],
    sink: str,
    *,
    schema: str | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> list[Row]:
    """Load tables of a publication into a database; `sink` is a URL, or ``env:NAME``."""
    url = sink_url(sink)
    in_redis = redis_server.is_redis(url)
    load: Loader = redis_load.load if in_redis else database_load.load
    # Redis has a key for each user, in which lists by category have no place.
    wanted = [table for table in tables if not (in_redis and table in MAY_BE_THERE)]
    files = {table: _file_of(publication, table) for table in wanted}
    return load(publication, files, url, schema=schema, chunk_rows=chunk_rows)
