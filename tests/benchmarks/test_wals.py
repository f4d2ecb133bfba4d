import json

import numpy as np
import pytest

from benchmarks import wals
from benchmarks._synthetic import synthetic_matrix


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def test_synthetic_matrix__is_binary_skewed_and_of_the_asked_shape(rng):
    matrix = synthetic_matrix(300, 200, 8000, rng)

    assert (matrix.n_users, matrix.n_items) == (300, 200)
    assert 4000 < matrix.nnz < 8000
    assert set(matrix.by_user.values) == {1.0}
    for lengths in (matrix.by_user.lengths(), matrix.by_item.lengths()):
        assert np.sort(lengths)[-len(lengths) // 10 :].sum() > 0.2 * matrix.nnz


def test_main__prints_both_programs_on_one_objective(capsys):
    size = ["--users", "200", "--items", "150", "--events", "4000", "--factors", "8", "12", "--threads", "1"]

    wals.main([*size, "--iterations", "40", "--solver", "cg", "cholesky", "--json"])

    report = json.loads(capsys.readouterr().out)
    assert [each["n_factors"] for each in report["results"]] == [8, 12]
    for each in report["results"]:
        ours, peer, exact = each["ours"], each["implicit"], each["other_solvers"]["cholesky"]
        assert ours["seconds_per_iteration"] > 0
        assert each["ratio"] == peer["seconds_per_iteration"] / ours["seconds_per_iteration"]
        # One objective, one start: all three end close to each other.
        assert ours["objective"] == pytest.approx(exact["objective"], rel=0.01)
        assert peer["objective"] == pytest.approx(exact["objective"], rel=0.01)
    assert report["peak_memory_mb"] > 0


def test_main__prints_a_table(capsys):
    wals.main(["--users", "60", "--items", "50", "--events", "500", "--factors", "4", "--iterations", "1"])

    out = capsys.readouterr().out
    assert "| 4 | ours |" in out
    assert "| 4 | implicit |" in out
