"""The published baseline figures of Online Retail; each bound is the figure's own last digit."""

import numpy as np
import pytest
import retail_split

from tasks.models import personal_frequency, popularity, recent_popularity

pytestmark = pytest.mark.real_data
FORGETS_NOTHING = personal_frequency.Config(fill_half_life_days=None, cold_start_half_life_days=None)


def _lists(scores):
    best = np.argpartition(-scores, 20, axis=1)[:, :20]
    return np.stack([row[np.lexsort((row, -line[row]))][:5] for row, line in zip(best, scores, strict=True)])


@pytest.mark.parametrize(
    ("model", "config", "split", "figure_within"),
    [
        (popularity, popularity.Config(), "validation", (0.0642, 0.0001)),
        (popularity, popularity.Config(), "test", (0.0630, 0.0001)),
        (recent_popularity, recent_popularity.Config(), "validation", (0.085, 0.0005)),
        (recent_popularity, recent_popularity.Config(), "test", (0.113, 0.0005)),
        (personal_frequency, FORGETS_NOTHING, "validation", (0.1833, 0.0002)),
        (personal_frequency, FORGETS_NOTHING, "test", (0.2063, 0.0002)),
        (personal_frequency, personal_frequency.Config(), "validation", (0.1908, 0.001)),
        (personal_frequency, personal_frequency.Config(), "test", (0.2257, 0.001)),
    ],
)
def test_baselines__reach_their_published_precision(rng, model, config, split, figure_within):
    matrix, baskets = retail_split.load(split)
    scorer = model.fit(matrix, config, rng=rng)

    cold_start_items = np.lexsort((np.arange(matrix.n_items), -scorer.cold_start))[:5]
    lists = np.tile(cold_start_items, (matrix.n_users, 1))
    if model is personal_frequency:
        lists = _lists(scorer.scores(np.arange(matrix.n_users)))

    figure, within = figure_within
    assert abs(retail_split.precision_at_5(lists, cold_start_items, baskets) - figure) <= within
