import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks import logs
from benchmarks._habit_logs import habits_log, tastes_log


def _summary(**values):
    kinds = {"wals": "wals", "blend": "blend", "trees": "lambdamart", "mine": "personal_frequency"}
    models = {
        name: {
            "kind": kinds[name],
            "repeat": {"p@5": {"value": value, "low": value - 0.0196, "high": value + 0.0196}},
        }
        for name, value in values.items()
    }
    return {"gate": {"metric": "p@5", "scenario": "repeat"}, "models": models, "process_seconds": 2.0}


@pytest.mark.parametrize(("blend", "holds"), [(0.2951, True), (0.2949, False), (0.4, True)])
def test_compared__holds_the_blend_against_the_best_single_less_half_a_standard_error(blend, holds):
    """The interval is 3.92 standard errors of 0.01 wide; another stack is no single model."""
    found = logs.compared([_summary(wals=0.1, blend=blend, trees=0.9, mine=0.3)])

    assert found["best_single"] == "mine"
    assert found["models"]["mine"]["standard_error"] == pytest.approx(0.01)
    assert found["blend_minus_best"] == pytest.approx(blend - 0.3)
    assert found["holds"] is holds


def test_compared__ranks_means_over_seeds():
    found = logs.compared([_summary(wals=0.1, mine=0.3), _summary(wals=0.5, mine=0.2)])

    assert found["models"]["wals"]["mean"] == pytest.approx(0.3)
    assert (found["models"]["wals"]["low"], found["models"]["wals"]["high"]) == (0.1, 0.5)
    assert [found["models"][name]["rank"] for name in ("wals", "mine")] == [1, 2]
    assert found["holds"] is None


def test_table__shows_mean_rank_and_verdict():
    report = {"logs": {"shop": logs.compared([_summary(mine=0.3, blend=0.2)])}, "absent": ["far"]}

    assert logs.as_table(report).splitlines()[2:] == [
        "| shop | p@5, repeat | 0.3000 (1) | 0.2000 (2) | -0.1000 (se 0.0100) | no |",
        "",
        "Left out, as the file is not there: far",
    ]


def test_main__names_logs_whose_file_is_absent(tmp_path, capsys):
    logs.main(["--logs", "movielens_small,ta_feng", "--data", str(tmp_path), "--json"])

    assert json.loads(capsys.readouterr().out) == {"logs": {}, "absent": ["movielens_small", "ta_feng"]}


def test_main__refuses_a_log_it_does_not_know(capsys):
    with pytest.raises(SystemExit):
        logs.main(["--logs", "sample,nowhere"])

    assert "no log 'nowhere'" in capsys.readouterr().err


def test_generated_logs__are_opposites(tmp_path):
    """Of the habits, most pairs come again; of the tastes, none does."""
    shares = []
    for write in (habits_log, tastes_log):
        write(tmp_path / "log.parquet", 3)
        table = pq.read_table(tmp_path / "log.parquet").to_pandas()
        assert table["time"].is_monotonic_increasing
        again = table.drop_duplicates(["user", "item", "basket"]).duplicated(["user", "item"])
        shares.append(float(np.mean(again)))

    assert shares[0] > 0.5
    assert shares[1] == 0.0
