"""Pages in a headless Chromium."""

import shutil
import subprocess

import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files",
    "--window-size=1600,1000", "--virtual-time-budget=5000", "--dump-dom",
)  # fmt: skip


def dumped_page(address, folder):
    """HTML of a page after its scripts ran; skips where there is no Chromium."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium on the path, so the page cannot be looked at in a browser")
    command = [chromium, *FLAGS, f"--user-data-dir={folder / 'browser'}", address]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
