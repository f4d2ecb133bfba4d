"""Where a fit on the cluster goes on: the item factors of its last iteration, and which fit they are of."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.errors import ConfigurationError, DamagedError
from tasks.cluster.arrays import ArrayFile, load_array, save_array
from tasks.runtime.files import read_json, replace_json

CHECKPOINT_FILE = "checkpoint.json"


class Checkpoint(NamedTuple):
    """Item factors after so many iterations; 0 for where they start."""

    iteration: int
    items: ArrayFile


def fit_key(*parts: str) -> str:
    """Hash of all that decides what a fit comes to."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def keep(folder: Path, key: str, iteration: int, y: npt.NDArray[np.float32]) -> Checkpoint:
    """Write item factors, point the checkpoint at them, and remove those of the iteration before the last."""
    items = save_array(folder / f"items-{iteration:05d}.npy", y, durable=True)
    content = {"fit": key, "iteration": iteration, "file": Path(items.path).name, "sha256": items.sha256}
    replace_json(folder / CHECKPOINT_FILE, content)
    (folder / f"items-{iteration - 2:05d}.npy").unlink(missing_ok=True)
    return Checkpoint(iteration, items)


def find(folder: Path, key: str) -> Checkpoint | None:
    """Where to go on, or None.

    Raises
    ------
    ConfigurationError
        If `folder` holds the checkpoint of another fit.
    DamagedError
        If what it names is not what was written.

    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    found = read_json(path)
    try:
        fit, iteration, name, sha256 = (found[key] for key in ("fit", "iteration", "file", "sha256"))
    except KeyError as error:
        raise DamagedError(f"{path} is damaged: it has no {error}") from error
    if fit != key:
        raise ConfigurationError(
            f"{path} belongs to another fit (other blocks, parameters, seed or start); use another folder or remove it"
        )
    items = ArrayFile(str(folder / name), sha256, 0)
    y = load_array(items)
    return Checkpoint(int(iteration), ArrayFile(items.path, sha256, y.nbytes))
