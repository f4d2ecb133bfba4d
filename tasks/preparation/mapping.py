"""The id mapping: sorted vocabularies of users and items of the training window, and the catalogue's items."""

from pathlib import Path

import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.errors import ContractError
from data_contracts.identifiers import CATALOGUE_FILE, Vocabulary
from data_contracts.selection import Selection
from tasks.preparation.refusals import training_too_small
from tasks.preparation.select_events import ITEMS_FILE, USERS_FILE, select_events
from tasks.runtime import duckdb_engine, store
from tasks.runtime.step import step
from tasks.validation.suites import check_facts
from tasks.validation.table_facts import vocabulary_facts


def make_vocabularies(
    events: Path, selection: Selection, scratch: Path, catalogue: Path | None = None
) -> tuple[Vocabulary, Vocabulary]:
    """Users and items of the selected events; items of anonymous events count too.

    Parameters
    ----------
    events
        events.parquet of the ingestion.
    selection
        Which events may be seen.
    scratch
        Where DuckDB may spill.
    catalogue
        Parquet file of item ids that get codes too, after those of the events; None for none.

    Raises
    ------
    ContractError
        If there is no event, or fewer than two users or two items, to learn from.

    """
    with duckdb_engine.connect(scratch) as connection:
        select_events(connection, events, selection)
        found = []
        for name in (USER_ID, ITEM_ID):
            distinct = f"SELECT DISTINCT {name} FROM events WHERE {name} IS NOT NULL ORDER BY {name}"
            found.append(Vocabulary(name, duckdb_engine.table(connection, distinct).column(0)))
        for vocabulary in found:
            size = len(vocabulary)
            if size < 2:  # one row or one column leaves nothing to compare
                raise ContractError(training_too_small(connection, events, selection, vocabulary.name, size))
    users, items = found
    if catalogue is not None:
        items = items.with_catalogue(pq.read_table(catalogue, columns=[ITEM_ID]).column(0))
    return users, items


@step("map ids to codes", contracts=("vocabulary",))
def mapping(
    out: Path, events: store.ArtifactRef, selection: Selection, *, catalogue: bool = False
) -> store.Facts:
    """Write both vocabularies as Parquet; their sha256 goes with everything made of codes.

    With `catalogue`, items of the item table that have no event get codes after those that have one.
    """
    users, items = make_vocabularies(
        events.folder / "events.parquet",
        selection,
        store.scratch(),
        events.folder / CATALOGUE_FILE if catalogue else None,
    )
    return keep_vocabularies(out, users, items)


def keep_vocabularies(out: Path, users: Vocabulary, items: Vocabulary) -> store.Facts:
    """Check and write both vocabularies, whoever found the ids; what the manifest says of them."""
    for vocabulary in (users, items):
        check_facts("vocabulary", vocabulary_facts(vocabulary))
    users.save(out / USERS_FILE)
    items.save(out / ITEMS_FILE)
    return {
        "n_users": len(users),
        "n_items": len(items),
        "catalogue_items": items.catalogue,
        "users_sha256": users.sha256,
        "items_sha256": items.sha256,
    }


def load_vocabularies(artifact: store.ArtifactRef) -> tuple[Vocabulary, Vocabulary]:
    """Read what :func:`mapping` wrote, users first.

    Raises
    ------
    VocabularyMismatchError
        If the ids are not those that the manifest's hashes speak of.

    """
    users = Vocabulary.load(artifact.folder / USERS_FILE)
    items = Vocabulary.load(artifact.folder / ITEMS_FILE)
    store.same_vocabulary(
        artifact.facts, {"users_sha256": users.sha256, "items_sha256": items.sha256}, str(artifact.path)
    )
    return users, items
