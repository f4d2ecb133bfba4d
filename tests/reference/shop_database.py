"""A shop's database in tests: tables put into it, and a publication to load into it."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy

from data_contracts.dataset import DatasetSpec
from data_contracts.identifiers import Vocabulary
from data_contracts.predictions import (
    PREDICTIONS_SCHEMA,
    SIMILAR_SCHEMA,
    STRANGERS_SCHEMA,
    USERS_PER_ITEM_SCHEMA,
)
from data_contracts.published_files import ITEMS_FILE, LOOKUP, TABLES
from tasks.lookup.index import build
from tasks.publication.registry import Publication, publish

ODD_IDS = (
    "0071053",
    "85123A",
    "12345678901234567890",
    "Größe 42, 漢字 🧦",
    """it's "quoted", isn't it""",
    "'; DROP TABLE shelftalker_predictions; --",
    "{SHOP_DB_PASSWORD}",
    ":name %s %(name)s ?",
    "line\r\nbreak\tand tab",
    r"\N",
    "NULL",
    "=1+1",
)

SCHEMAS = dict(
    zip(
        TABLES,
        (PREDICTIONS_SCHEMA, USERS_PER_ITEM_SCHEMA, STRANGERS_SCHEMA, SIMILAR_SCHEMA),
        strict=True,
    )
)


def run_sql(url, *statements):
    """Run statements as they are; rows of the last one, if it has any."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else None


def fill_table(url, name, rows, **types):
    """Make a table of the database's own types and put rows into it."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    table = sqlalchemy.Table(
        name, sqlalchemy.MetaData(), *(sqlalchemy.Column(each, kind) for each, kind in types.items())
    )
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [dict(zip(types, row, strict=True)) for row in rows])


def database_spec(
    folder, query, *, source="", extra="", columns="user = 'user'\nitem = 'item'\ntime = 'time'"
):
    """A dataset whose log is a query of the database at $SHOP_DB_URL."""
    place = source or "url_env = 'SHOP_DB_URL'"
    path = folder / "shop.toml"
    path.write_text(
        f'name = "shop"\n[source]\n{place}\nquery = """{query}"""\n[columns]\n{columns}\n{extra}',
        encoding="utf-8",
    )
    return DatasetSpec.load(path)


def make_publication(folder, run="first", *, users=ODD_IDS, k=2, model="wals", day=1):
    """Publish tables with these users and items; live afterwards."""
    owners = [user for user in users for _ in range(k)]
    ranks = [rank + 1 for _ in users for rank in range(k)]
    others = [users[(at + rank) % len(users)] for at in range(len(users)) for rank in range(k)]
    scores = [1 / rank - 0.1 for rank in ranks]
    models = [model] * len(owners)
    values = {
        "predictions": [owners, ranks, others, scores, models],
        "users_per_item": [owners, ranks, others, scores, models],
        "strangers": [ranks[:k], others[:k], scores[:k], models[:k]],
        "similar_items": [owners, ranks, others, scores],
    }
    parts = {}
    for name, file in TABLES.items():
        parts[file] = folder / f"{run}-{file}"
        arrays = [pa.array(each, field.type) for each, field in zip(values[name], SCHEMAS[name], strict=True)]
        pq.write_table(pa.Table.from_arrays(arrays, schema=SCHEMAS[name]), parts[file])
    parts[ITEMS_FILE] = folder / f"{run}-{ITEMS_FILE}"
    Vocabulary.from_ids("item_id", sorted(users)).save(parts[ITEMS_FILE])
    index = folder / f"{run}-{LOOKUP}"
    index.mkdir()
    build(parts, index)
    parts[LOOKUP] = index
    publication = Publication(dataset="shop", as_of=date(2026, 1, day), run=run)
    publish(publication, parts, {"model": {"kind": model}})
    return publication


def rows_of(publication, table):
    """Rows of a publication's table as tuples."""
    read = pq.read_table(publication.folder / TABLES[table])
    return list(zip(*(column.to_pylist() for column in read.columns), strict=True))
