import re

import pytest

from benchmarks.__main__ import SHORT_FORMS, main, run


@pytest.mark.slow
@pytest.mark.parametrize(
    "short", [short for short in SHORT_FORMS if short.tiny], ids=lambda short: short.name
)
def test_benchmark__prints_json_that_the_report_understands(short):
    rows = short.rows(run(short.name, short.tiny))

    assert rows
    assert all(len(row) == 4 and row[0] and re.match(r"-?\d", row[1]) for row in rows)


def test_report__shows_machine_command_and_table(tmp_path, monkeypatch):
    figures = {"n_factors": 8, "ours_samples_per_second": 3e6, "implicit_samples_per_second": 2e6}
    asked = []

    def measured(name, options):
        asked.append((name, options))
        return {"results": [{**figures, "ours_over_implicit": 1.5}]}

    monkeypatch.setattr("benchmarks.__main__.run", measured)

    for _ in range(2):
        main(["bpr", "--tiny", "--output", str(tmp_path / "docs" / "benchmarks.md")])
        with (tmp_path / "docs" / "benchmarks.md").open("a") as report:
            report.write("## logs\n\nA table." * (not asked[1:]))

    text = (tmp_path / "docs" / "benchmarks.md").read_text()
    assert asked == 2 * [("bpr", next(short.tiny for short in SHORT_FORMS if short.name == "bpr"))]
    assert text.endswith("\n## logs\n\nA table."), "what is put in by hand stays"
    assert text.count("## bpr") == 1
    assert "| 8 factors: million samples per second | 3.00 | 2.00 | 1.50 |" in text
    assert re.search(r"\| memory \| \d+ GB \|", text)
    assert re.search(r"\| date \| \d{4}-\d{2}-\d{2} \|", text)
