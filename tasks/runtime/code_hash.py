"""Which code made an artifact: a module's source and that of everything of ours that it imports."""

import ast
import hashlib
import os
from functools import cache
from pathlib import Path

from data_contracts.scoring import MORE_MODELS

OURS = ("data_contracts", "tasks", "flows")
ROOT = Path(__file__).parents[2]


@cache
def code_hash(*modules: str) -> str:
    """Sha256 over the source of `modules` and of all modules of this project they import, at any depth.

    An edit in a kernel re-runs the models that use it, and no other step. Third-party packages do not
    count: their versions stand in the manifest.
    """
    digest = hashlib.sha256()
    for name in sorted(closure(*modules)):
        digest.update(name.encode() + b"\0" + _source(name) + b"\0")
    return digest.hexdigest()


@cache
def closure(*modules: str) -> frozenset[str]:
    """Names of `modules` and of every module of ours that they import, directly or not."""
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_imports(name) - seen)
    return frozenset(seen)


@cache
def _imports(name: str) -> frozenset[str]:
    # Cached: each step of a run asks for much the same modules, and parsing them all takes half a second.
    found: set[str] = set()
    for node in ast.walk(ast.parse(_source(name))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from tasks.models import wals` names a module, `from tasks.runtime.store import home` a function.
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(each for each in found if each.split(".")[0] in OURS and _path(each) is not None)


def _source(name: str) -> bytes:
    path = _path(name)
    if path is None:
        raise ValueError(f"module {name!r} has no source file")
    return path.read_bytes()


@cache
def _path(name: str) -> Path | None:
    """Find a module's file by its name alone: importing it could cost seconds."""
    base = ROOT.joinpath(*name.split("."))
    places = [base.with_suffix(".py"), base / "__init__.py"]
    package, _, last = name.rpartition(".")
    if package == "tasks.models":
        more = os.environ.get(MORE_MODELS, "").split(os.pathsep)
        places += [Path(each) / f"{last}.py" for each in more if each]
    return next((path for path in places if path.is_file()), None)
