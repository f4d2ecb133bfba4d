"""Logs of odd shapes, drafted and run with all default models as a newcomer would: a publication or a clear refusal."""

import json
from datetime import timedelta

import numpy as np
import pytest
from case_logs import START, write_csv
from visits import write_visits

from data_contracts.errors import ContractError
from data_contracts.parameters import NightlyParameters
from tasks.onboarding.draft import draft

pytestmark = [pytest.mark.usefixtures("home", "prefect_server"), pytest.mark.slow]


def shop(n_events=6_000, n_users=300, n_items=120, days=180, seed=0):
    """Rows of user, item and time, with favourites and a long tail."""
    rng = np.random.default_rng(seed)
    users = rng.integers(n_users, size=n_events)
    items = (users * 7 + rng.zipf(1.3, size=n_events)) % n_items
    seconds = np.sort(rng.integers(days * 86_400, size=n_events))
    return [
        {"user": f"u{user:05}", "item": f"i{item:06}", "time": START + timedelta(seconds=int(at))}
        for user, item, at in zip(users, items, seconds, strict=True)
    ]


def half_by_one_user():
    return [{**row, "user": "robot" if at % 2 else row["user"]} for at, row in enumerate(shop())]


def one_item_in_every_basket():
    rows = {}
    for row in shop():
        basket = f"{row['user']}-{row['time']:%j}"
        rows.setdefault(basket, [{**row, "item": "bag", "basket": basket}]).append({**row, "basket": basket})
    return [row for basket in rows.values() for row in basket]


def tiny_weights():
    return [{**row, "quantity": 1e-6} for row in shop()]


def one_day():
    return shop(days=1)


def three_users():
    return shop(300, 3, 40)


def every_item_once():
    return [{**row, "item": f"i{at:06}"} for at, row in enumerate(shop(20_000, 1_500))]


def run(folder, rows):
    return of_draft(folder, *draft(write_csv(folder / "log.csv", rows)))


def of_draft(folder, toml, suite):
    from flows.nightly import nightly

    (folder / "log.json").write_text(suite)
    (folder / "log.toml").write_text(toml)
    return nightly(NightlyParameters(dataset=str(folder / "log.toml")), return_state=True).result()


@pytest.mark.parametrize(
    "rows", [half_by_one_user, one_item_in_every_basket, tiny_weights, one_day, three_users]
)
def test_nightly__ends_with_a_publication_where_factors_are_no_worse_than_popularity(rows, tmp_path):
    summary = run(tmp_path, rows())

    assert summary.published
    assert not summary.left_out
    wals, popularity = (
        summary.models[name].to_json()["repeat"]["ndcg@10"] for name in ("wals", "popularity")
    )
    assert wals["high"] >= popularity["low"], json.dumps([wals, popularity])
    if rows is not three_users:
        assert wals["value"] >= popularity["value"]


def test_nightly__runs_on_visits_as_init_drafts_them(tmp_path):
    write_visits(tmp_path / "log.csv", n_events=12_000, n_visitors=1_500, n_items=120)
    toml, suite = draft(tmp_path / "log.csv")

    summary = of_draft(tmp_path, toml, suite)

    counted = summary.counts.event_types
    assert counted["view"] > 20 * counted["addtocart"] > 20 * counted["transaction"] > 0
    assert summary.counts.rows_accepted == sum(counted.values())
    assert summary.published
    assert not summary.left_out
    # Who buys something has looked at it before: what a visitor did says more than what everybody does.
    best, popularity = (
        summary.models[name].to_json()["repeat"]["ndcg@10"]["value"]
        for name in (summary.gate.winner, "popularity")
    )
    assert best > popularity
    assert "transaction" in toml.partition("targets")[2]


def test_nightly__refuses_a_log_in_which_no_item_comes_twice(tmp_path):
    with pytest.raises(ContractError, match="no event with an item known before it"):
        run(tmp_path, every_item_once())
