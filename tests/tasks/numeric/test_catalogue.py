"""Candidates laid out for some of them alone: the same lists, to the byte."""

import numpy as np
import pytest

from tasks.numeric import catalogue
from tasks.numeric.catalogue import Catalogue


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.7])
def test_allowing__gives_the_lists_of_a_mask(rng, monkeypatch, biased, share):
    monkeypatch.setattr(catalogue, "TILE_COLUMNS", 16)
    # Few values: many ties.
    factors = rng.integers(-2, 3, (300, 4)).astype(np.float32)
    bias = rng.integers(0, 2, 300).astype(np.float32) if biased else None
    queries = rng.integers(-2, 3, (40, 4)).astype(np.float32)
    allow = rng.random(300) < share

    items, scores = Catalogue.of(factors, bias).allowing(allow).best(queries, 9)
    expected = Catalogue.of(factors, bias, ~allow).best(queries, 9)

    assert (items == expected[0]).all()
    assert (scores == expected[1]).all()
    assert allow[items[items >= 0]].all()
