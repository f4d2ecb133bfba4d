"""Keep the home that this version leaves, for the tests of later ones: ``python tests/reference/write_home.py VERSION``."""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOMES = ROOT / "tests" / "homes"
DAYS = ("2025-06-17", "2025-06-24")
KEPT = (
    "home/published",
    "home/receipts",
    *(f"home/artifacts/{step}" for step in ("gate", "mapping", "split")),
)
"""The rest is large, and a run makes it again."""


def write(version: str, folder: Path) -> Path:
    """Run the shop of ``log.tar.xz`` on two days in an empty folder, and pack what is kept of its home."""
    for name in ("log", "0.1.0"):
        with tarfile.open(HOMES / f"{name}.tar.xz") as archive:
            plain = [each for each in archive if "/" not in each.name]  # not the home of that version
            archive.extractall(folder, plain, filter="data")
    for day in DAYS:
        words = ["run", "--dataset", "small.toml", "--source", "small.csv", "--home", "home", "--as-of", day]
        subprocess.run(
            [sys.executable, "-c", "from flows.cli import main; main()", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
        )
    packed = HOMES / f"{version}.tar.xz"
    with tarfile.open(packed, "w:xz", preset=9) as archive:
        for name in ("small.toml", *KEPT):
            archive.add(folder / name, name, filter=_anonymous)
    return packed


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return None if entry.name.endswith("/.lock") else entry


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as empty:
        sys.stdout.write(f"{write(sys.argv[1], Path(empty))}\n")
