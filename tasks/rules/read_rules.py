"""The step that reads the files which rules name."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from data_contracts.columns import ITEM_ID
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import SourceChangedError
from data_contracts.shop_rules import ListedFile, ShopRules
from data_contracts.source_section import PLACE_KEYS
from tasks.rules.block_file import read_blocks
from tasks.rules.id_files import item_ids, read_bytes
from tasks.runtime import store
from tasks.runtime.files import sha256_of
from tasks.runtime.step import step
from tasks.sources.files import locate_listed

WITHDRAWN, BLOCKS = "withdrawn.parquet", "blocks.parquet"


class RulesInput(BaseModel):
    """The rules of a dataset with the files that they name; known by content."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rules: ShopRules
    """The rules."""
    spec: DatasetSpec
    """The dataset, whose ids the files hold."""

    def cache_identity(self) -> dict[str, Any]:
        """Content of the files, and how ids are read."""
        source = self.spec.source.model_dump(mode="json", exclude=set(PLACE_KEYS))
        return {
            "rules": self.rules.cache_identity(),
            "source": source,
            "cleaning": self.spec.cleaning.cache_identity(),
        }


def find_rules(spec: DatasetSpec, source: Path) -> RulesInput | None:
    """Find the files of a dataset's rules and hash them; None where it has no rules.

    Parameters
    ----------
    spec
        The dataset.
    source
        Its log: what is not beside the .toml may lie beside it.

    Raises
    ------
    ConfigurationError
        If a file is nowhere.

    """
    section = spec.rules
    if section is None:
        return None
    found: dict[str, ListedFile | None] = {"withdrawn": None, "blocks": None}
    for key in found:
        name = getattr(section, key)
        if name is not None:
            path = locate_listed(spec, source, key, name)
            found[key] = ListedFile(path=str(path), sha256=sha256_of(path))
    return RulesInput(rules=ShopRules.of(spec, section, found["withdrawn"], found["blocks"]), spec=spec)


@step("read the rules of {given.spec.name}")
def read_rules(out: Path, given: RulesInput) -> store.Facts:
    """Write the ids of withdrawn items, and the blocked pairs."""
    rules, facts, warnings = given.rules, {}, list[str]()
    if rules.withdrawn is not None:
        path = Path(rules.withdrawn.path)
        content = read_bytes(path, "withdrawn")
        copy = out / "withdrawn.txt"
        copy.write_bytes(content)
        _must_be_found(copy, rules.withdrawn)
        ids = sorted(item_ids(content, rules.ids, str(path)))
        pq.write_table(pa.table({ITEM_ID: pa.array(ids, pa.large_string())}), out / WITHDRAWN)
        facts["withdrawn_ids"] = len(ids)
    if rules.blocks is not None:
        copy = out / "blocks.csv"
        copy.write_bytes(read_bytes(Path(rules.blocks.path), "blocks"))
        _must_be_found(copy, rules.blocks)
        pairs, warnings = read_blocks(given.spec, copy, rules.blocks.path, store.scratch())
        pq.write_table(pairs, out / BLOCKS)
        facts["blocked_pairs"] = len(pairs)
    return {**facts, "warnings": warnings}


def _must_be_found(copy: Path, file: ListedFile) -> None:
    if sha256_of(copy) != file.sha256:
        raise SourceChangedError(f"{file.path} changed while it was read; run again when it is written")
