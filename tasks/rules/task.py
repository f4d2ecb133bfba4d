"""The steps that say which items may be shown, and cut the hold-out's truth to them."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, SourceChangedError
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import GroupedMatrix
from data_contracts.selection import Selection
from data_contracts.shop_rules import ListedFile, ShopRules
from tasks.numeric.list_limits import ListLimits
from tasks.numeric.permitted_truth import permitted_truth
from tasks.preparation.grouping import load_grouped
from tasks.preparation.holdout import load_holdout, save_holdout
from tasks.preparation.mapping import load_vocabularies
from tasks.preparation.matrix_files import open_csr, save_csr
from tasks.preparation.prepared_events import PreparedEvents
from tasks.preparation.seen import Seen
from tasks.preparation.select_events import ITEMS_FILE
from tasks.rules.applied import ItemRules
from tasks.rules.blocks import of_pairs, of_rows
from tasks.rules.masks import aligned, forbidden_items, list_limits
from tasks.rules.read_rules import BLOCKS, WITHDRAWN, find_rules, read_rules
from tasks.runtime import store
from tasks.runtime.step import BACKOFF_SECONDS, RETRIES, step

BLOCKED_USERS = "blocked_users.parquet"


class RulesOfRun(NamedTuple):
    """The rules of a run, and what their files said."""

    rules: ShopRules
    files: store.ArtifactRef

    def of_items(self, data: PreparedEvents, window: Selection) -> store.ArtifactRef:
        """Which items of a window may be shown at its end."""
        # Where no rule asks for the moment, another day is the same step.
        now = window.end.isoformat() if any(self.rules.section.dates) and window.end else None
        return item_rules(self.rules, self.files, data, now)


def rules_at_rest(spec: DatasetSpec, source: Path) -> RulesOfRun | None:
    """Find and read the files of a dataset's rules; files that change meanwhile are read anew, a few times.

    Raises
    ------
    SourceChangedError
        If they do not come to rest.

    """
    for attempt in range(RETRIES + 1):
        found = find_rules(spec, source)
        if found is None:
            return None
        try:
            return RulesOfRun(found.rules, read_rules(found))
        except SourceChangedError:
            if attempt == RETRIES:
                raise
            time.sleep(BACKOFF_SECONDS * 2**attempt)
    return None


@step("say which items may be shown")
def item_rules(
    out: Path, rules: ShopRules, files: store.ArtifactRef, data: PreparedEvents, now: str | None
) -> store.Facts:
    """Write what each rule forbids of the items of a window, by item code; `now` is ISO 8601 with an offset."""
    users, items = load_vocabularies(data.vocabularies)
    grouped = load_grouped(data.matrix, ())
    table = aligned(pq.read_table(data.events.folder / ITEMS_FILE), items.ids)
    withdrawn = _column(files, WITHDRAWN) if rules.withdrawn is not None else []
    moment = None if now is None else datetime.fromisoformat(now)
    found = forbidden_items(
        rules, table, moment, withdrawn=withdrawn, support=np.asarray(grouped.by_item.lengths())
    )
    allow = ~found.all(len(items))
    counts = {name: int(mask.sum()) for name, mask in found.by_rule.items()}
    if not allow.any():
        shown = ", ".join(f"{name} forbids {n:,}" for name, n in counts.items())
        raise ConfigurationError(f"the rules leave none of {len(items):,} items: {shown}; correct [rules]")
    masks = np.array(list(found.by_rule.values()), np.bool_).reshape(len(counts), len(items))
    np.save(out / "forbidden.npy", masks)
    _save_limits(out, list_limits(rules, table))
    read: dict[str, Any] = {
        name: files.facts[name] for name in ("withdrawn_ids", "blocked_pairs") if name in files.facts
    }
    facts: dict[str, Any] = {
        "forbidden": counts,
        "allowed_items": int(allow.sum()),
        "items": len(items),
        **read,
    }
    if withdrawn:
        facts["unknown_withdrawn"] = int((items.codes(withdrawn, missing="negative") < 0).sum())
    if rules.blocks is not None:
        facts |= _save_blocked(out, pq.read_table(files.folder / BLOCKS), users, items)
    warnings = [*files.facts["warnings"], *found.remarks, *_unknown(rules, facts, files.facts)]
    return {**facts, "warnings": warnings}


def _unknown(rules: ShopRules, facts: dict[str, Any], read: store.Facts) -> list[str]:
    """Warn of a file of which nothing is known: most likely its ids are written in another way."""
    remarks = []
    for key, unknown, all_of, what in (
        ("withdrawn", "unknown_withdrawn", "withdrawn_ids", "ids"),
        ("blocks", "unknown_blocked_pairs", "blocked_pairs", "pairs"),
    ):
        file: ListedFile | None = getattr(rules, key)
        if file is not None and read[all_of] and facts[unknown] == read[all_of]:
            remarks.append(
                f"rules.{key}: none of the {read[all_of]:,} {what} of {file.path} is of an item of the run; look "
                "whether its ids are written as those of the log"
            )
    return remarks


def _save_limits(out: Path, limits: ListLimits | None) -> None:
    if limits is not None:
        save_csr(out, "labels", limits.labels)
        np.save(out / "most.npy", limits.most)
        np.save(out / "groups.npy", limits.groups)


def _save_blocked(out: Path, pairs: pa.Table, users: Vocabulary, items: Vocabulary) -> dict[str, int]:
    blocked = of_pairs(pairs, users, items)
    save_csr(out, "blocked", blocked.by_row)
    blocked.former.save(out / BLOCKED_USERS)
    unknown = int((items.codes(pairs.column(1), missing="negative") < 0).sum())
    return {"unknown_blocked_pairs": unknown}


def _column(files: store.ArtifactRef, name: str) -> list[str]:
    return pq.read_table(files.folder / name).column(0).to_pylist()  # type: ignore[no-any-return]


def load_item_rules(artifact: store.ArtifactRef | None) -> ItemRules | None:
    """Open what :func:`item_rules` wrote; None for None."""
    if artifact is None:
        return None
    folder, facts = artifact.folder, artifact.facts
    masks = np.load(folder / "forbidden.npy")
    limits = blocked = None
    if (folder / "most.npy").exists():
        most, groups = np.load(folder / "most.npy"), np.load(folder / "groups.npy")
        limits = ListLimits(open_csr(folder, "labels", max(len(most), 1)), most, groups)
    if (folder / BLOCKED_USERS).exists():
        by_row = open_csr(folder, "blocked", facts["items"])
        blocked = Seen(by_row, Vocabulary.load(folder / BLOCKED_USERS))
    by_rule = dict(zip(facts["forbidden"], masks, strict=True))
    return ItemRules(by_rule, ~masks.any(axis=0), limits, blocked)


@step("leave out what rules forbid of the hold-out")
def permitted(
    out: Path, holdout: store.ArtifactRef, ruled: store.ArtifactRef, data: PreparedEvents
) -> store.Facts:
    """Write the hold-out without what could not have been shown, as :func:`tasks.preparation.holdout.split` does."""
    rules = load_item_rules(ruled)
    assert rules is not None
    grouped: GroupedMatrix = load_grouped(data.matrix, ())
    blocked = None
    if rules.blocked is not None:
        blocked = of_rows(rules.blocked, data.seen(grouped.by_user).former)
    before = holdout.facts
    left = permitted_truth(load_holdout(holdout), rules.allow, blocked)
    if not left.holdout.n_rows and not left.holdout.n_baskets:
        raise ConfigurationError(
            f"the rules forbid all that the {before['n_users']:,} users of the hold-out took "
            f"({json.dumps(ruled.facts['forbidden'])} items forbidden); correct [rules]"
        )
    return {
        **before,
        **save_holdout(out, left.holdout),
        "n_users_in_all": before["n_users_in_all"] - left.users,
        "n_forbidden_pairs": left.pairs,
        "n_users_left_out": left.users,
    }
