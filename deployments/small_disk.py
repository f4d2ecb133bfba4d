"""A disk that is soon full, mounted over a folder."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(folder: Path, n_bytes: int) -> Iterator[str]:
    """Mount a small tmpfs over a folder; gives '' or why that is not possible here."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        yield "only root may mount a small disk"
        return
    command = ["mount", "-t", "tmpfs", "-o", f"size={n_bytes},mode=0755", "shelftalker-drill", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        yield f"a small disk cannot be mounted here: {mounted.stderr.strip()}"
        return
    try:
        yield ""
    finally:
        # Lazily: a process that was killed may hold a file of it for a moment more.
        unmount = ["umount", "--lazy", str(folder)]
        subprocess.run(unmount, check=True)
