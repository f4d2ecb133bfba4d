"""`shelftalker api`: the look-up service."""

import os
import tempfile
from pathlib import Path

import click

from flows import cli_common as common
from flows.cli_common import exits, home_option


@click.group()
def service() -> None:
    """Commands that answer other programs."""


@service.command()
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    required=True,
    help="Name, or path of a .toml; may be repeated. The first one answers where a question names none.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen at; with any other one callers need a key.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer."
)
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with keys for callers, one a line (or $SHELFTALKER_API_KEYS, with commas between).",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    help="A name that it answers to, beside localhost; may be repeated.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    help="A web page that may ask from a browser, as https://shop.example.",
)
@home_option
@exits
def api(
    datasets: tuple[str, ...],
    host: str,
    port: int,
    workers: int,
    key_file: Path | None,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    home: Path | None,
) -> None:
    """Answer look-ups over HTTP from what is live, until Ctrl-C; /docs says what can be asked."""
    common.settle(home)
    from tasks.serving.run import serve
    from tasks.serving.settings import KEYS_VARIABLE, ApiSettings, check_reach, keys_of

    settings = ApiSettings(
        datasets=datasets,
        host=host,
        port=port,
        workers=workers,
        allowed_hosts=hosts,
        allowed_origins=origins,
    )
    keys = keys_of(os.environ, key_file)
    check_reach(settings, keys)
    os.environ[KEYS_VARIABLE] = ",".join(keys)
    with tempfile.TemporaryDirectory(prefix="shelftalker-api-") as shared:
        serve(settings, Path(shared))
