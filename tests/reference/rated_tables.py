"""Tables of ratings of low rank, some of them held out."""

import numpy as np
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix


def rated(n_users=80, n_items=60, noise=0.1, taste=1.0, seed=0):
    """(matrix of known ratings, users, items and ratings that are held out): tastes of rank 2 with biases."""
    rng = np.random.default_rng(seed)
    table = 3 + rng.normal(0, 0.5, (n_users, 1)) + rng.normal(0, 0.5, n_items)
    table = table + taste * rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items))
    table = table + rng.normal(0, noise, table.shape)
    chance = rng.random(table.shape)
    known = csr_matrix(np.where(chance < 0.5, table, 0))
    users, items = np.nonzero(chance > 0.9)
    matrix = GroupedMatrix.from_csr(known)
    matrix = GroupedMatrix(matrix.by_user, matrix.by_item, ratings=matrix.by_user)
    return matrix, users, items, table[users, items]


def error(scorer, users, items, ratings):
    return np.sqrt(np.mean((scorer.predict_ratings(users, items) - ratings) ** 2))


def fitted(model, matrix, seed=7, progress=None, **parameters):
    return model.fit(matrix, model.Config(**parameters), rng=np.random.default_rng(seed), progress=progress)
