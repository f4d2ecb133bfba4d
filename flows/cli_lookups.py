"""Commands that read what is published: look-ups, the list of publications, and going back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from data_contracts.errors import DamagedError
from data_contracts.limits import MAX_COUNT
from flows import cli_common as common
from flows.cli_common import as_ids, dataset_name, dataset_option, exits, home_option, print_rows


@click.group()
def lookups() -> None:
    """Commands that train nothing."""


def lookup(name: str, option: str, finder: str, text: str) -> None:
    """Add one look-up command; the three differ only in what they ask for, and one says why on request."""
    may_explain: Callable[[Callable[..., Any]], Callable[..., Any]] = (
        click.option("--explain", is_flag=True, help="Say which past items speak for each item.")
        if name == "recommend"
        else lambda command: command
    )

    @lookups.command(name, help=text)
    @dataset_option
    @click.option(option, "wanted", required=True, callback=as_ids, help="An id as it stands in the log.")
    @click.option(
        "-k", type=click.IntRange(1, MAX_COUNT), default=10, show_default=True, help="Length of the list."
    )
    @click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
    @home_option
    @may_explain
    @exits
    def command(
        dataset: str, wanted: str, k: int, *, as_json: bool, home: Path | None, explain: bool = False
    ) -> None:
        common.settle(home)
        from tasks.lookup import queries
        from tasks.lookup.current import under_rules
        from tasks.publication.registry import live_publication

        live = live_publication(dataset_name(dataset))
        rows = under_rules(getattr(queries, finder), live, wanted, k)
        if explain:
            # The model and its kernels are loaded to explain, and for nothing else here.
            from flows.tables import reasons_as_columns
            from tasks.lookup.explanations import with_reasons

            rows = with_reasons(live, wanted, rows)
            rows = rows if as_json else reasons_as_columns(rows)
        print_rows(rows, as_json=as_json)


lookup("recommend", "--user", "items_for_user", "Items for a user, from what is live.")
lookup("similar", "--item", "similar_to", "Items that go with an item, from what is live.")
lookup("target", "--item", "users_for_item", "Users to show an item to, from what is live.")


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
@click.option(
    "-k", type=click.IntRange(1, MAX_COUNT), default=10, show_default=True, help="Length of the list."
)
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@home_option
@exits
def fold_in(dataset: str, items: tuple[str, ...], k: int, *, as_json: bool, home: Path | None) -> None:
    """Items for somebody who came after the training, from what they have had."""
    common.settle(home)
    from tasks.lookup.fold_in import items_for_history
    from tasks.publication.registry import live_publication

    rows = items_for_history(live_publication(dataset_name(dataset)), list(items), k)
    print_rows(rows, as_json=as_json)


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
    print_rows(rows, as_json=as_json)
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
