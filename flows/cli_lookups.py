"""Commands that read what is published: look-ups, the list of publications, and going back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from data_contracts.errors import DamagedError
from data_contracts.limits import MAX_COUNT
from flows import cli_common as common
from flows.cli_common import as_ids, dataset_name, dataset_option, exits, home_option, print_rows


@click.group()
def lookups() -> None:
    """Commands that train nothing."""


FIRST_OF_RUNS = ("as_of", "run", "live", "verdict", "value", "verified", "model")
"""Columns of the list of runs, the most telling first, for terminals that have no room for all."""

Command = Callable[..., Any]

_length = click.option(
    "-k", type=click.IntRange(1, MAX_COUNT), default=10, show_default=True, help="Length of the list."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
_exclude = click.option(
    "--exclude", multiple=True, callback=as_ids, help="An item that must not be listed; may be repeated."
)
_category = click.option(
    "--category", callback=as_ids, help="Only items with this label, such as `Toys` or `brand:Acme`."
)


def _wanted(option: str) -> Callable[[Command], Command]:
    return click.option(
        option, "wanted", required=True, callback=as_ids, help="An id as it stands in the log."
    )


UNKNOWN = {
    "popular": "nobody is known as {user!r}: this is the list for unknown users",
    "cold_start": "the model does not know {user!r}, who has a past: this is the list for unknown users without it",
}
"""What is said beside a list that is not the model's own, by the source of the answer."""


def _say_if_short(found: int, k: int) -> None:
    """Say on stderr that a list is shorter than somebody asked for."""
    asked = click.get_current_context().get_parameter_source("k") is not ParameterSource.DEFAULT
    if asked and found < k:
        click.echo(
            f"{found} of the {k} asked for: what is published holds no more that may be shown; k, users_per_item_k and "
            "reserve under [export] say how much is",
            err=True,
        )


def _live(dataset: str, home: Path | None) -> Any:
    common.settle(home)
    from tasks.lookup import open_publication

    return open_publication(dataset_name(dataset))


@lookups.command()
@dataset_option
@_wanted("--user")
@_length
@_exclude
@_category
@click.option("--explain", is_flag=True, help="Say which past items speak for each item.")
@_json
@home_option
@exits
def recommend(
    dataset: str,
    wanted: str,
    k: int,
    exclude: tuple[str, ...],
    category: str | None,
    *,
    explain: bool,
    as_json: bool,
    home: Path | None,
) -> None:
    """Items for a user, from what is live."""
    answer = _live(dataset, home).recommend(wanted, k, exclude=exclude, category=category, explain=explain)
    from flows.answer_rows import rows_for_user
    from flows.tables import reasons_as_columns

    rows = rows_for_user(answer, explain=explain)
    print_rows(reasons_as_columns(rows) if explain and not as_json else rows, as_json=as_json)
    if answer.source in UNKNOWN:
        click.echo(UNKNOWN[answer.source].format(user=wanted), err=True)
    _say_if_short(len(rows), k)


@lookups.command()
@dataset_option
@_wanted("--item")
@_length
@_exclude
@_category
@_json
@home_option
@exits
def similar(
    dataset: str,
    wanted: str,
    k: int,
    exclude: tuple[str, ...],
    category: str | None,
    *,
    as_json: bool,
    home: Path | None,
) -> None:
    """Items that go with an item, from what is live."""
    from flows.answer_rows import rows_for_similar

    answer = _live(dataset, home).similar(wanted, k, exclude=exclude, category=category)
    print_rows(rows_for_similar(answer), as_json=as_json)
    _say_if_short(len(answer.items), k)


@lookups.command()
@dataset_option
@_wanted("--item")
@_length
@click.option(
    "--exclude", multiple=True, callback=as_ids, help="A user who must not be listed; may be repeated."
)
@_json
@home_option
@exits
def target(
    dataset: str, wanted: str, k: int, exclude: tuple[str, ...], *, as_json: bool, home: Path | None
) -> None:
    """Users to show an item to, from what is live."""
    from flows.answer_rows import rows_for_audience

    answer = _live(dataset, home).users_for(wanted, k, exclude=exclude)
    print_rows(rows_for_audience(answer), as_json=as_json)
    _say_if_short(len(answer.users), k)


@lookups.command("fold-in")
@dataset_option
@click.option(
    "--item",
    "items",
    multiple=True,
    required=True,
    callback=as_ids,
    help="An item they have had; may be repeated.",
)
@_length
@_exclude
@_category
@_json
@home_option
@exits
def fold_in(
    dataset: str,
    items: tuple[str, ...],
    k: int,
    exclude: tuple[str, ...],
    category: str | None,
    *,
    as_json: bool,
    home: Path | None,
) -> None:
    """Items for somebody who came after the training, from what they have had."""
    from flows.answer_rows import rows_for_session
    from tasks.lookup.answers import SessionItem

    shop = _live(dataset, home)
    if all(shop.columns.find_item(item) < 0 for item in items):
        shop.item_code(items[0])  # which says so
    had = [SessionItem(item_id=item) for item in items]
    answer = shop.for_session(had, k, exclude=exclude, category=category)
    print_rows(rows_for_session(answer), as_json=as_json)


@lookups.command()
@dataset_option
@click.option(
    "--verify", is_flag=True, help="Read every file, and end with 1 if one is not what was written."
)
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@home_option
@exits
def runs(dataset: str, *, verify: bool, as_json: bool, home: Path | None) -> None:
    """List publications, oldest first, and say which is live."""
    common.settle(home)
    from tasks.publication.listing import WHOLE, listing, verified_listing

    name = dataset_name(dataset)
    rows = verified_listing(name) if verify else listing(name)
    print_rows(rows, as_json=as_json, first=FIRST_OF_RUNS)
    damaged = [row for row in rows if verify and row["verified"] != WHOLE]
    if damaged:
        raise DamagedError(
            f"{len(damaged)} of {len(rows)} publications of {name!r}: {damaged[0]['verified']}"
        )


@lookups.command()
@dataset_option
@click.option("--to", help="Run to go back to (default: the one before the live one).")
@home_option
@exits
def rollback(dataset: str, to: str | None, home: Path | None) -> None:
    """Make an earlier publication the live one."""
    common.settle(home)
    from tasks.publication.registry import roll_back

    live = roll_back(dataset_name(dataset), to)
    click.echo(f"live now: {live.path}")
