"""Which files of a folder are one table: day files of one log, and what else lies beside them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from data_contracts.errors import ConfigurationError
from tasks.onboarding.words import name_score


@dataclass(frozen=True)
class Table:
    """Files that belong together.

    Parameters
    ----------
    path
        What ``source.path`` must be: the folder, or the one file.
    paths
        The files.
    pattern
        What ``source.files`` must be, where the folder holds more.
    notes
        What to tell people.

    """

    path: Path
    paths: list[Path]
    pattern: str | None
    notes: list[str]


def one_table(folder: Path, paths: Sequence[Path], columns: Mapping[Path, tuple[str, ...]]) -> Table:
    """Choose the files of a folder that are the log.

    Parameters
    ----------
    folder
        The folder.
    paths
        All its readable files.
    columns
        Names of the columns of those that were looked at.

    Raises
    ------
    ConfigurationError
        If other tables lie among them and no pattern tells them apart.

    """
    groups = _groups(paths, columns)
    if len(groups) == 1:
        return Table(folder, list(paths), None, _coming_and_going(columns))
    chosen = max(groups, key=lambda group: _worth(group, columns))
    others = [path.name for group in groups if group is not chosen for path in group]
    notes = [f"other tables of the folder that are not read: {', '.join(others)[:300]}"]
    of_chosen = {path: names for path, names in columns.items() if path in set(chosen)}
    notes += _coming_and_going(of_chosen)
    if len(chosen) == 1:
        return Table(chosen[0], chosen, None, notes)
    pattern = _pattern(folder, chosen)
    if [path for path in paths if fnmatch(path.relative_to(folder).as_posix(), pattern)] != chosen:
        raise ConfigurationError(
            f"folder {folder} holds different tables among each other, such as {chosen[0].name} and {others[0]}; put the "
            "log into a folder of its own, or draft one file and then write path and files = '...' under [source]"
        )
    return Table(folder, chosen, pattern, notes)


def _groups(paths: Sequence[Path], columns: Mapping[Path, tuple[str, ...]]) -> list[list[Path]]:
    """Files of the same name but for numbers, and those with the very same columns."""
    by_stem: dict[str, list[Path]] = {}
    for path in paths:
        by_stem.setdefault(_stem(path), []).append(path)
    merged: dict[frozenset[str], list[Path]] = {}
    for group in by_stem.values():
        known = [set(columns[path]) for path in group if path in columns]
        shared = frozenset(set.union(*known)) if known else frozenset()
        same = next((names for names in merged if _is_one_table(names, shared)), shared)
        merged.setdefault(same, []).extend(group)
    return [sorted(group) for group in merged.values()]


def _is_one_table(these: frozenset[str], those: frozenset[str]) -> bool:
    """Whether columns are the same, or those of one log to which some were added."""
    few, many = sorted((these, those), key=len)
    has_ids = all(any(name_score(role, name) for name in few) for role in ("user", "item"))
    return these == those or (few < many and has_ids)


def _stem(path: Path) -> str:
    name = path.name.partition(".")[0].lower()
    # Numbers, and the random parts that Spark and others put into names.
    return re.sub(r"[^a-z]+|\b[0-9a-f-]{12,}\b", "", re.sub(r"[0-9a-f]{8}-[0-9a-f-]+", "", name))


def _worth(group: Sequence[Path], columns: Mapping[Path, tuple[str, ...]]) -> tuple[int, int]:
    names = {name for path in group for name in columns.get(path, ())}
    fits = sum(any(name_score(role, name) for name in names) for role in ("user", "item"))
    return fits, sum(path.stat().st_size for path in group)


def _pattern(folder: Path, group: Sequence[Path]) -> str:
    names = [path.relative_to(folder).as_posix() for path in group]
    start = re.sub(r"[0-9]+$", "", _common_start(names))
    end = _common_start([name[::-1] for name in names])[::-1]
    return f"{start}*{re.sub(r'^[0-9]+', '', end[max(0, len(start) + len(end) - min(map(len, names))) :])}"


def _common_start(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    return first[: next((at for at, letter in enumerate(first) if letter != last[at : at + 1]), len(first))]


def _coming_and_going(columns: Mapping[Path, tuple[str, ...]]) -> list[str]:
    """Name the columns that only some files have."""
    everywhere = set.intersection(*map(set, columns.values())) if columns else set()
    some = dict.fromkeys(name for names in columns.values() for name in names if name not in everywhere)
    return [f"columns that only some files have: {', '.join(some)}"] if some else []
