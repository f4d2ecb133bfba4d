"""Pages in a real browser that clicks and types, and what is wrong with them for people and their helpers."""

import shutil
from contextlib import contextmanager

import pytest


@contextmanager
def browser(width=1400, height=900):
    """A browser with one page; skips where there is none."""
    api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on the path, so nothing can be clicked in a browser")
    with api.sync_playwright() as driver:
        # Pages are those of this machine; as root Chromium has no sandbox.
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = started.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        yield page
        started.close()


def overflow(page):
    """Pixels by which a page is wider than its window, what scrolls inside it apart."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def barriers(page):
    """What axe-core finds that keeps people out: serious and critical, by rule, with the places."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return {
        each["id"]: [node["target"] for node in each["nodes"]]
        for each in found
        if each["impact"] in {"serious", "critical"}
    }
