"""Two runs on one home at the same time: neither harms the other, and the newest day stays live."""

import json
import subprocess
import sys
from pathlib import Path

from small_shop import published_bytes, write_dataset

from data_contracts.run_summary import RunSummary
from tasks.publication.registry import latest, publications
from tasks.runtime import store

COMMAND = Path(sys.executable).with_name("shelftalker")


def start(environment, *words):
    command = [str(word) for word in (COMMAND, *words, "--json")]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def answer(process):
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return json.loads(out)


def test_two_nightly_runs_and_a_backfill__share_a_home(home, small_log, tmp_path, other_process):
    where = ("--dataset", write_dataset(tmp_path), "--source", small_log)
    nightly = [start(other_process, "run", *where) for _ in range(2)]
    backfill = start(other_process, "backfill", *where, "--from", "2025-06-29", "--to", "2025-06-30")
    first, second = (RunSummary.model_validate(answer(each)) for each in nightly)
    rows = answer(backfill)

    assert published_bytes(first) == published_bytes(second)
    assert [row["result"] for row in rows] == ["published", "published"]
    assert str(latest("small").as_of) == "2025-07-01"
    for each in publications("small"):
        assert not store.damage(each.folder)
    for manifest in home.glob("artifacts/*/*/manifest.json"):
        assert not store.damage(manifest.parent)
    assert not list(home.rglob(f"{store.TEMPORARY}*/*.parquet"))
