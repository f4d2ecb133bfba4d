"""From what is said of items to which of them may be shown: one mask a rule. Pure: a table and a moment in, masks out."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.columns import ITEM_ID
from data_contracts.interactions import Csr
from data_contracts.scoring import Mask
from data_contracts.shop_rules import ShopRules
from tasks.numeric.list_limits import ListLimits
from tasks.preparation.item_features import split_labels
from tasks.rules.id_files import clean

YES = frozenset({"true", "t", "yes", "y", "ja", "j", "oui", "si", "sí", "sim", "on", "wahr", "vrai"})
NO = frozenset({"false", "f", "no", "n", "nein", "non", "nao", "não", "off", "falsch", "faux"})
"""Texts of ``available`` in small letters; numbers are compared with 0."""

_DAY = np.timedelta64(1, "D")


@dataclass
class ForbiddenItems:
    """Items that rules forbid.

    Parameters
    ----------
    by_rule
        For each rule bool (n_items,): items that it forbids by itself.
    remarks
        What people should look at.

    """

    by_rule: dict[str, Mask] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def all(self, n_items: int) -> Mask:
        """Items that any rule forbids, bool (n_items,)."""
        found = np.zeros(n_items, np.bool_)
        for mask in self.by_rule.values():
            found |= mask
        return found


def aligned(table: pa.Table, ids: pa.Array) -> pa.Table:
    """Rows of a table of items in the order of some ids; an item that it lacks has a row of nulls."""
    known = table.column(ITEM_ID).cast(pa.large_string()).combine_chunks()
    places = pc.index_in(ids.cast(pa.large_string()), value_set=known)
    rows = table.drop_columns([ITEM_ID]).take(places)
    return rows.add_column(0, ITEM_ID, pa.chunked_array([ids.cast(pa.large_string())]))


def forbidden_items(
    rules: ShopRules,
    items: pa.Table,
    now: datetime | None,
    *,
    withdrawn: Collection[str] = (),
    support: npt.NDArray[np.integer] | None = None,
) -> ForbiddenItems:
    """Items that each rule forbids.

    Parameters
    ----------
    rules
        The rules.
    items
        One row an item: item_id, and the columns that the rules name, as ``titles.parquet`` has them.
    now
        The moment, with a time zone; None where no rule asks for it.
    withdrawn
        Ids of withdrawn items.
    support
        (n_items,): users who had each item in the window; None leaves ``min_support`` unasked.

    """
    section, found = rules.section, ForbiddenItems()
    ids = items.column(ITEM_ID)
    if section.available is not None:
        found.by_rule["available"] = _by_flag(rules, items.column(section.available), found.remarks)
    if now is not None:
        found.by_rule |= dict(_by_dates(rules, items, now))
    if rules.withdrawn is not None:
        found.by_rule["withdrawn"] = _among(ids, withdrawn)
    if section.exclude_items:
        excluded = [clean(each, rules.ids) or each for each in section.exclude_items]
        found.by_rule["exclude_items"] = _among(ids, excluded)
        _remark_unknown(found, "exclude_items", excluded, ids, "item of the run")
    for key, wanted in (("only", section.only), ("never", section.never)):
        for attribute, values in wanted.items():
            labels = split_labels(items.column(attribute), rules.separators[attribute])
            _remark_unknown(found, f"{key}.{attribute}", values, pc.list_flatten(labels), "label of an item")
            has = _with_label(labels, values)
            found.by_rule[f"{key} {attribute}"] = ~has if key == "only" else has
    if section.min_support is not None and support is not None:
        found.by_rule["min_support"] = np.asarray(support < section.min_support)
    return found


def list_limits(rules: ShopRules, items: pa.Table, without: str | None = None) -> ListLimits | None:
    """What ``at_most`` says, but for the attribute `without`; None where it says nothing."""
    asked = {name: most for name, most in rules.section.at_most.items() if name != without}
    if not asked:
        return None
    owners: list[npt.NDArray[np.int64]] = []
    codes: list[npt.NDArray[np.int64]] = []
    most: list[int] = []
    groups: list[int] = []
    for group, (attribute, limit) in enumerate(asked.items()):
        labels = split_labels(items.column(attribute), rules.separators[attribute])
        coded = pc.dictionary_encode(pc.list_flatten(labels))
        owners.append(pc.list_parent_indices(labels).to_numpy(zero_copy_only=False).astype(np.int64))
        codes.append(np.asarray(coded.indices, dtype=np.int64) + len(most))
        most += [min(limit, np.iinfo(np.int32).max)] * len(coded.dictionary)
        groups += [group] * len(coded.dictionary)
    n_labels = max(len(most), 1)
    # An item that names a label twice has it once.
    pairs = np.unique(np.concatenate(owners) * n_labels + np.concatenate(codes))
    rows, labels_of = np.divmod(pairs, n_labels)
    indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(items))))).astype(np.int64)
    csr = Csr(indptr, labels_of.astype(np.int32), np.ones(len(pairs), np.float32), n_labels)
    return ListLimits(csr, np.array(most, np.int32), np.array(groups, np.int32))


def category_masks(rules: ShopRules, items: pa.Table, allow: Mask) -> dict[str, Mask]:
    """For each value of the attribute of ``per_category`` the items of `allow` that have it, most items first."""
    wanted = rules.section.per_category
    assert wanted is not None
    labels = split_labels(items.column(wanted.attribute), rules.separators[wanted.attribute])
    names = pc.unique(pc.list_flatten(labels)).to_pylist() if not wanted.values else list(wanted.values)
    masks = {name: _with_label(labels, [name]) & allow for name in sorted(names)}
    there = {name: mask for name, mask in masks.items() if mask.any()}
    return dict(sorted(there.items(), key=lambda each: -int(each[1].sum())))


def _by_flag(rules: ShopRules, column: pa.ChunkedArray, remarks: list[str]) -> Mask:
    """Items whose flag says no, or says neither."""
    if not pa.types.is_large_string(column.type) and not pa.types.is_string(column.type):
        numbers = column.cast(pa.float64()).to_numpy()
        return np.asarray(numbers <= 0)
    coded = column.combine_chunks().dictionary_encode()
    texts = coded.dictionary.to_pylist()
    means = [_says(rules, text) for text in texts]
    unread = [text for text, meaning in zip(texts, means, strict=True) if meaning is None]
    forbids = np.array([*(meaning is not True for meaning in means), False])
    codes = pc.fill_null(coded.indices, len(texts)).to_numpy(zero_copy_only=False)
    if unread:
        n = int(np.isin(codes, [texts.index(text) for text in unread]).sum())
        remarks.append(
            f"rules.available: {n:,} values of {rules.section.available!r} say neither yes nor no, so their items are "
            f"not shown, first: {unread[0][:60]!r}; write such texts under true_values or false_values of [source]"
        )
    return np.asarray(forbids[codes])


def _says(rules: ShopRules, text: str) -> bool | None:
    plain = text.strip().lower()
    if plain in YES or plain in {each.strip().lower() for each in rules.true_values}:
        return True
    if plain in NO or plain in {each.strip().lower() for each in rules.false_values}:
        return False
    try:
        number = float(plain)
    except ValueError:
        return None
    return None if np.isnan(number) else number > 0


def _by_dates(rules: ShopRules, items: pa.Table, now: datetime) -> Iterator[tuple[str, Mask]]:
    section, zone = rules.section, ZoneInfo(rules.timezone)
    at = np.datetime64(now.astimezone(zone).replace(tzinfo=None), "us")
    if section.available_from is not None:
        yield "available_from", np.asarray(_local(items.column(section.available_from), rules.timezone) > at)
    if section.available_until is not None:
        until = _local(items.column(section.available_until), rules.timezone)
        # A midnight is a date: it counts to the end of its day.
        until = np.where(until == until.astype("datetime64[D]"), until + _DAY, until)
        yield "available_until", np.asarray(until <= at)


def _local(column: pa.ChunkedArray, timezone: str) -> npt.NDArray[np.datetime64]:
    """Times on the clocks of a time zone; NaT, which no comparison holds for, where there is none."""
    times = column.cast(pa.timestamp("us", tz=timezone)).combine_chunks()
    return np.asarray(pc.local_timestamp(times).to_numpy(zero_copy_only=False), dtype="datetime64[us]")


def _among(ids: pa.ChunkedArray, wanted: Collection[str]) -> Mask:
    found = pc.is_in(ids, value_set=pa.array(sorted(wanted), type=ids.type))
    return np.asarray(found.to_numpy().astype(np.bool_))


def _with_label(labels: pa.Array, values: Collection[str]) -> Mask:
    """Rows of which one label is among the values."""
    flat = pc.list_flatten(labels)
    named = pc.is_in(flat, value_set=pa.array(list(values), type=flat.type)).to_numpy(zero_copy_only=False)
    owners = pc.list_parent_indices(labels).to_numpy(zero_copy_only=False)
    found = np.zeros(len(labels), np.bool_)
    found[owners[named.astype(np.bool_)]] = True
    return found


def _remark_unknown(
    found: ForbiddenItems, key: str, wanted: Collection[str], known: pa.Array | pa.ChunkedArray, what: str
) -> None:
    """Remark on values that nothing has: most likely a slip of the pen."""
    there = pc.is_in(pa.array(list(wanted), type=known.type), value_set=pc.unique(known)).to_pylist()
    missing = [value for value, is_known in zip(wanted, there, strict=True) if not is_known]
    if missing:
        found.remarks.append(
            f"rules.{key}: {len(missing):,} of {len(wanted):,} values are no {what}, first: {missing[0][:60]!r}"
        )
