"""The notebook of the docs, run cell by cell."""

import asyncio
import json
from pathlib import Path

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"


async def run_cells(parameters):
    """Run the code cells as Jupyter does, inside a running loop; what is tagged `parameters` is replaced."""
    names = {}
    for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            names |= parameters
        elif cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    return names


def test_notebook__of_the_docs_runs_and_shows_tables(small, small_log, home):
    given = {"DATASET": small().dataset, "SOURCE": str(small_log)}

    names = asyncio.run(run_cells(given))

    summary, table = names["summary"], names["table"]
    assert summary.published
    gate = summary.gate
    interval = summary.models[gate.winner].metrics(gate.scenario)[gate.metric]
    assert table.loc[(gate.winner, gate.scenario, gate.metric)].to_dict() == interval.to_json()
    assert set(names["gains"].index) == set(gate.differences)
    assert list(names["shown"]["rank"]) == [1, 2, 3, 4, 5]
    assert names["shown"].attrs["source"] == "model"
    assert names["shown"]["item_id"][0] not in set(names["beside"]["item_id"])
