"""The notebook of the docs runs, and says what the summary says."""

import json
from pathlib import Path

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"


def test_notebook__runs_from_top_to_bottom(home, prefect_server):
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    code = ["".join(each["source"]) for each in cells if each["cell_type"] == "code"]
    space = {}
    for number, text in enumerate(code):
        exec(compile(text, f"cell {number}", "exec"), space)

    summary, table = space["summary"], space["table"]
    assert summary.published
    assert {"wals", summary.gate.winner} <= set(table.model)
    value = table.query("model == 'wals' and scenario == 'repeat'").set_index("metric").value
    assert value[summary.gate.metric] == summary.models["wals"].repeat[summary.gate.metric].value
    assert len(space["list_of_user"]) == 5
    assert all(each["outputs"] == [] for each in cells if each["cell_type"] == "code")
