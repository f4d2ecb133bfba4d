from pathlib import Path

from tasks.cluster import parts
from tasks.cluster.parts import FileLook, Part, parts_of


def look(name, *groups, kind="parquet", types=("VARCHAR", "BIGINT")):
    return FileLook(Path(name), kind, ("user", "item"), types, groups)


def test_parts_of__puts_row_groups_together_and_leaves_small_files_whole(monkeypatch):
    monkeypatch.setattr(parts, "PART_ROWS", 100)

    found = parts_of([look("a", 40, 40, 40, 150, 10), look("b.csv", kind="csv"), look("c", 60, 60)])

    assert found.parts == (
        Part(0, Path("a"), "parquet", 0, 120),
        Part(1, Path("a"), "parquet", 120, 150),
        Part(2, Path("a"), "parquet", 270, 10),
        Part(3, Path("b.csv"), "csv"),
        Part(4, Path("c"), "parquet"),
    )
    assert found.n_files == 3


def test_parts_of__reads_columns_as_text_that_files_have_of_different_types():
    found = parts_of([look("a", 5), look("b", 5, types=("VARCHAR", "DOUBLE"))])

    assert (found.names, found.types) == (("user", "item"), ("VARCHAR", "VARCHAR"))
