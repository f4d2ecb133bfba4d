"""A run is written to the tracking server that its dataset file names, and is the same run where there is none."""

import json

import pytest
from mlflow_server import tracking_server
from small_shop import write_dataset


def run(shelftalker, home, folder, log, uri):
    section = f'[tracking]\nmlflow_uri = "{uri}"\n\n[evaluation]'
    path = write_dataset(folder, [("[evaluation]", section)])
    return shelftalker("run", "--dataset", path, "--source", log, "--json", "--home", home)


@pytest.mark.parametrize("there", [True, False])
def test_run__is_written_and_goes_on_without(warm_home, shelftalker, tmp_path, small_log, there):
    with tracking_server() as server:
        uri = server.uri if there else "http://127.0.0.1:1"
        result = run(shelftalker, warm_home, tmp_path, small_log, uri)
    summary = json.loads(result.stdout)

    assert (result.exit_code, summary["live"]) == (0, True), result.output
    assert ("was not written to MLflow at 127.0.0.1:1" in result.stderr) == (not there)
    assert [each["tags"]["run_id"] for each in server.runs] == [summary["run_id"]] * there
