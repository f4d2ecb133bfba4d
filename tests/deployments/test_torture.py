"""A twentieth of `make torture`, of every kind; and the torture itself notices what is wrong."""

import random

import pytest

from deployments.torture import inputs, kills
from deployments.torture.__main__ import torture
from deployments.torture.cases import LIMIT_SECONDS, Case, Tally, refusal
from deployments.torture.harm import BYTES, harmed

SHARE = 0.05


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_torture__a_twentieth_of_everything_passes(tmp_path, prefect_server, capsys):
    tally = Tally()
    torture(tally, tmp_path, prefect_server, seed=20261127, share=SHARE)

    said = capsys.readouterr().out
    assert tally.failed == 0, said
    assert tally.passed > 70


def test_tally__counts_what_is_wrong(capsys):
    def broken():
        raise ZeroDivisionError

    tally = Tally()
    tally.try_all("cases", [Case("fine", str), Case("odd", lambda: "a row is lost"), Case("broken", broken)])

    assert (tally.passed, tally.failed) == (1, 2)
    assert "a row is lost" in capsys.readouterr().out


def test_tally__ends_what_takes_too_long(monkeypatch):
    assert LIMIT_SECONDS == 60
    monkeypatch.setattr("deployments.torture.cases.LIMIT_SECONDS", 1)

    def forever():
        while True:
            pass

    tally = Tally()
    tally.try_all("cases", [Case("endless", forever)])
    assert tally.failed == 1


@pytest.mark.parametrize(
    ("error", "fine"),
    [
        (OSError("log.csv: no space left"), True),
        (OSError("no space left"), False),
        (KeyError("log.csv"), False),
        (OSError("log.csv" * 1000), False),
    ],
)
def test_refusal__is_ours_short_and_names_the_file(error, fine):
    assert (refusal(error, "log.csv") == "") is fine


def test_harm__is_the_same_for_the_same_seed():
    clean = inputs.write_log(random.Random(3))
    for seed in range(200):
        assert harmed(random.Random(seed), clean) == harmed(random.Random(seed), clean)
    for harm in BYTES:
        assert isinstance(harm(random.Random(1), b""), bytes) or harm.__name__ == "replace"


def test_kills__half_a_state_is_noticed(tmp_path):
    home = tmp_path / "home"
    kills.finish(kills.start(home))
    assert kills.half_state(home, kills.SHOP) == ""

    next(home.glob("published/shop/*/run3/predictions.parquet")).write_bytes(b"half")
    assert "predictions.parquet is not what was written" in kills.half_state(home, kills.SHOP)
