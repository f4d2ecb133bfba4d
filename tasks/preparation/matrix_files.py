"""Files that a grouped matrix consists of: plain .npy arrays, opened memory-mapped."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr

PARTS = ("indptr", "indices", "values")
"""Arrays of a :class:`data_contracts.interactions.Csr`; each is a file ``NAME_PART.npy``."""


def save_csr(folder: Path, name: str, csr: Csr) -> None:
    """Write one matrix."""
    arrays: tuple[npt.NDArray[Any], ...] = (csr.indptr, csr.indices, csr.values)
    for part, array in zip(PARTS, arrays, strict=True):
        np.save(folder / f"{name}_{part}.npy", array)


def open_csr(folder: Path, name: str, n_cols: int) -> Csr:
    """Open one matrix memory-mapped: ``NAME_indptr.npy``, ``NAME_indices.npy``, ``NAME_values.npy``."""
    parts = [open_array(folder / f"{name}_{part}.npy") for part in PARTS]
    return Csr(parts[0], parts[1], parts[2], n_cols)


def open_array(path: Path) -> npt.NDArray[Any]:
    """Open one array memory-mapped."""
    try:
        return np.asarray(np.load(path, mmap_mode="r"))
    except ValueError:  # a file of no entries cannot be memory-mapped
        return np.asarray(np.load(path))


def create_array(path: Path, dtype: type[np.generic], length: int) -> npt.NDArray[Any]:
    """Make an array to be filled through the page cache."""
    if not length:  # an empty file cannot be memory-mapped
        np.save(path, np.empty(0, dtype))
        return np.empty(0, dtype)
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(length,))
