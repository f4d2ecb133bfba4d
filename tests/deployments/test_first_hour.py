"""The first hour of a newcomer with own data: a terminal, a server, a browser, and the morning after."""

import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from browser import barriers, browser, overflow
from receivers import hook
from terminal import shelftalker

from deployments.drill_checks import wait_until
from deployments.processes import descendants, lives
from deployments.workspace import ROOT, free_port

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.slow]

N_USERS, N_ITEMS, N_ROWS = 150, 60, 6_000
PICTURES = os.environ.get("SHELFTALKER_PICTURES")
"""Folder for the pictures of the README: set it to docs to make them anew."""
NOTIFY = '\n[notify]\nkind = "webhook"\nurl_env = "FIRST_HOUR_HOOK"\non = ["published", "undecided", "rejected", "failed"]\n'


def orders():
    """A shop of four aisles until yesterday: people keep to two of them, and come back for what they had."""
    rng = np.random.default_rng(7)
    users = np.sort(rng.integers(N_USERS, size=N_ROWS))
    aisle = (users + rng.integers(2, size=N_ROWS)) % 4
    shelf = np.minimum(rng.zipf(1.5, size=N_ROWS) - 1, N_ITEMS // 4 - 1)
    yesterday = pd.Timestamp(dt.datetime.now(dt.UTC).date()) - pd.Timedelta(minutes=1)
    times = yesterday - pd.to_timedelta(rng.integers(180 * 24 * 60, size=N_ROWS), unit="min")
    items = aisle * (N_ITEMS // 4) + (shelf + users // 8) % (N_ITEMS // 4)
    return pd.DataFrame(
        {
            "customer": [f"C{each:04}" for each in users],
            "product": [f"P{each:03}" for each in items],
            "ordered at": times.strftime("%Y-%m-%d %H:%M"),
            "quantity": rng.integers(1, 4, size=N_ROWS),
            "title": [f"Thing {each}" for each in items],
        }
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder with three logs, and the environment of somebody who has never used the program."""
    folder = tmp_path_factory.mktemp("hour")
    log = orders()
    log.to_csv(folder / "orders.csv", index=False)
    log.head(2_000).to_excel(folder / "sheet.xlsx", index=False)
    (folder / "days").mkdir()
    for day, rows in log.groupby(log["ordered at"].str[:7]):
        rows.to_csv(folder / "days" / f"{day}.csv", index=False, sep=";")
    home = folder / "home"
    (home / "datasets").mkdir(parents=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {
        **kept,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "SHELFTALKER_HOME": str(home),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    return folder, home, environment


def asked(here, columns, *arguments):
    """A command that goes well in a terminal: its lines, none cut and none too long."""
    code, lines = shelftalker(columns, *arguments, cwd=here[0], env=here[2])
    assert code == 0, "\n".join(lines)
    # A path stays whole, so that it can be copied.
    assert [line for line in lines if len(line) > columns and "/" not in line] == []
    assert [line for line in lines if "…" in line] == []
    return "\n".join(lines)


@pytest.fixture(scope="module")
def drafted(here):
    """A dataset file for each log."""
    return {name: asked(here, 100, "init", name) for name in ("orders.csv", "sheet.xlsx", "days")}


@pytest.mark.parametrize("log", ["orders.csv", "sheet.xlsx", "days"])
def test_init__drafts_a_file_that_check_takes(here, drafted, log):
    name = log.partition(".")[0]
    columns = tomllib.loads((here[0] / f"{name}.toml").read_text("utf-8"))["columns"]
    assert (columns["user"], columns["item"], columns["time"]) == ("customer", "product", "ordered at")
    assert f"{name}.toml" in drafted[log]

    said = asked(here, 60, "check", f"{name}.toml")

    assert "customer" in said
    assert "Nothing was trained" in " ".join(said.split())


@pytest.fixture(scope="module")
def published(here, drafted):
    """The run of the CSV file, as it looked in a terminal."""
    return asked(here, 100, "run", "--dataset", "orders.toml")


def test_run__shows_a_table_and_what_was_published(here, published):
    assert "published" in published
    assert "personal_frequency" in published
    again = asked(here, 60, "run", "--dataset", "orders.toml")
    assert "reused" in again
    assert "P0" in asked(here, 60, "recommend", "--dataset", "orders", "--user", "C0003", "-k", "5")


@pytest.fixture(scope="module")
def served(here, published):
    """`serve` with the file dropped into the home; its process, and addresses of UI and reports."""
    folder, home, environment = here
    (home / "datasets" / "orders.toml").write_text(
        (folder / "orders.toml").read_text("utf-8") + NOTIFY, "utf-8"
    )
    shutil.copy(folder / "orders.json", home / "datasets")
    ports = [free_port(), free_port()]
    command = [sys.executable, "-m", "deployments.serve", "--port", ports[0], "--reports-port", ports[1]]
    log = folder / "serve.log"
    with hook() as receiver, log.open("wb") as file:
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=ROOT,
            env={**environment, "FIRST_HOUR_HOOK": f"http://127.0.0.1:{receiver.server_port}/"},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        wait_until("the server", lambda: ("Ctrl-C" in log.read_text() or process.poll() is not None) or None)
        assert process.poll() is None, log.read_text()
        yield process, receiver, *(f"http://127.0.0.1:{port}" for port in ports)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)


@pytest.fixture(scope="module")
def page(here, served):
    """A browser in which the operator has given the password."""
    password = (here[1] / "prefect" / "password").read_text().strip()
    with browser() as opened:
        opened.goto(served[2])
        opened.locator("input").fill(password)
        opened.keyboard.press("Enter")
        opened.wait_for_url("**/dashboard**")
        yield opened


def picture(page, name, size, first=None):
    """Keep what is seen for the README, from the element `first` on, where that is wanted."""
    if PICTURES:
        page.set_viewport_size({"width": size[0], "height": 2_000})
        page.wait_for_timeout(1_000)
        corner = {"x": 0, "y": 0} if first is None else first.bounding_box()
        left, top = max(0, corner["x"] - 140), max(0, corner["y"] - 24)
        area = {"x": left, "y": top, "width": size[0] - left, "height": size[1]}
        page.screenshot(path=Path(PICTURES, name), clip=area)
        page.set_viewport_size({"width": 1400, "height": 900})


def open_form(page, address, deployment):
    page.goto(f"{address}/v2/deployments")
    page.get_by_role("link", name=deployment, exact=True).first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Custom run").first.click()
    page.get_by_role("button", name="Submit").wait_for()


def test_form__refuses_a_wrong_value_and_starts_a_night(served, page):
    open_form(page, served[2], "orders-nightly")
    seed = page.get_by_label("Seed")
    seed.fill("-1")
    page.get_by_role("button", name="Submit").click()
    assert "greater than or equal to 0" in seed.evaluate("input => input.validationMessage")

    seed.fill("0")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**?tab=Runs")
    page.goto(f"{served[2]}/v2/runs")

    # The list of runs reads like a diary.
    told = page.get_by_text(re.compile(r"orders as of .*: \w+ published, \S+ 0\.\d+, gate (open|undecided)"))
    told.first.wait_for(timeout=200_000)
    assert served[1].got[-1]["event"] in {"published", "undecided"}
    assert served[1].got[-1]["dataset"] == "orders"


def test_backfill__of_two_dates_from_its_form(here, served, page):
    days = [str(dt.datetime.now(dt.UTC).date() - dt.timedelta(days=back)) for back in (3, 2)]
    open_form(page, served[2], "orders-backfill")
    address = page.url.partition("?")[0]
    given = {"parameters": {"dataset": "orders", "first": days[0], "last": days[1]}}
    page.goto(f"{address}?parameters={quote(json.dumps(given))}")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**?tab=Runs")

    places = [here[1] / "published" / "orders" / day for day in days]
    wait_until("both dates", lambda: all(map(Path.is_dir, places)) or None, 280)
    page.goto(f"{served[2]}/v2/runs")
    page.get_by_text(f"orders from {days[0]} to {days[1]}").first.wait_for()
    told = page.get_by_text(re.compile(r"orders as of .*: \w+ published"))
    told.nth(2).wait_for()
    picture(page, "ui-runs.png", (1400, 460), told.first)


@pytest.mark.parametrize("width", [1400, 400])
def test_pages__fit_and_keep_nobody_out(here, served, page, width, tmp_path):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(served[3])
    assert page.get_by_text("orders").first.is_visible()
    assert (overflow(page), barriers(page)) == (0, {})

    page.get_by_role("link", name=re.compile("report|20")).first.click()
    page.get_by_role("heading", level=1).wait_for()
    assert (overflow(page), barriers(page)) == (0, {})
    if width > 1000:
        picture(page, "report.png", (1000, 700))
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 between margins of 10 mm, in pixels of CSS
    assert overflow(page) == 0
    page.emulate_media(media="screen")


def test_serve__ends_whole_with_ctrl_c(served):
    process = served[0]
    family = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 0
    assert not any(map(lives, family))
