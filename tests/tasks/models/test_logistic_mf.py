import numba
import numpy as np
from event_logs import checkerboard
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix
from tasks.models import _sample_cells, logistic_mf


def _fit(matrix, progress=None, **parameters):
    config = logistic_mf.Config(n_factors=8, **parameters)
    return logistic_mf.fit(matrix, config, rng=np.random.default_rng(7), progress=progress)


def test_loss__falls_from_epoch_to_epoch():
    losses = []

    _fit(checkerboard()[0], progress=lambda done, total, figures: losses.append(figures["loss"]))

    assert len(losses) == logistic_mf.Config().epochs
    assert losses[-1] < 0.6 * losses[0]


def test_fit__repeats_to_the_byte_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(_sample_cells, "PAIRS_PER_CELL", 256)
    rng, found, before = np.random.default_rng(0), [], numba.get_num_threads()
    rows, columns = rng.integers(0, 600, 30_000), rng.integers(0, 300, 30_000)
    matrix = GroupedMatrix.from_csr(csr_matrix((np.ones(30_000), (rows, columns)), shape=(600, 300)))
    for threads in (1, before):
        numba.set_num_threads(threads)
        found.append(_fit(matrix, epochs=2).item_factors.tobytes())
    numba.set_num_threads(before)

    assert found[0] == found[1]


def test_active_users__are_likelier_to_take_an_item():
    scorer = _fit(checkerboard()[0])

    assert np.ptp(scorer.user_factors[:, -1]) > 0
    assert (scorer.item_factors[:, -1] == 1).all()


def test_early_stop__ends_when_the_loss_hardly_falls():
    calls = []

    _fit(checkerboard()[0], early_stop=0.5, progress=lambda *call: calls.append(call[:2]))

    assert len(calls) < logistic_mf.Config().epochs
    assert calls[-1] == (len(calls), len(calls))
