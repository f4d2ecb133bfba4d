"""WALS written out over every cell of the matrix, in float64: slow, and short enough to be trusted."""

import numpy as np


def cells(csr, extra, targets, unobserved_weight):
    """(weights, targets) of all cells, both (n_rows, n_cols), of rows given as a Csr."""
    weights = np.full(csr.shape, float(unobserved_weight))
    aims = np.zeros(csr.shape)
    for row in range(csr.shape[0]):
        for at in range(csr.indptr[row], csr.indptr[row + 1]):
            weights[row, csr.indices[at]] = float(unobserved_weight) + float(extra[at])
            aims[row, csr.indices[at]] = float(targets[at]) if len(targets) else 1.0
    return weights, aims


def cells_of(side):
    return cells(side.rows, side.extra, side.targets, side.unobserved_weight)


def prior_of(side, shape):
    return side.prior.astype(np.float64) if len(side.prior) else np.zeros(shape)


def solve(side, fixed):
    """The exact solution of every row; rows without entries are 0, unless they have a prior."""
    weights, aims = cells_of(side)
    y = fixed.astype(np.float64)
    out = np.zeros((len(weights), y.shape[1]))
    prior = prior_of(side, out.shape)
    for row in np.flatnonzero(
        (side.rows.lengths() > 0) | ((len(side.prior) > 0) & (side.regularization > 0))
    ):
        left = (y * weights[row][:, None]).T @ y + side.regularization[row] * np.eye(y.shape[1])
        right = y.T @ (weights[row] * aims[row]) + side.regularization[row] * prior[row]
        out[row] = np.linalg.solve(left, right)
    return out


def gradient(side, solved, fixed):
    """Half the gradient of the objective in `solved`, (n_rows, n_factors)."""
    weights, aims = cells_of(side)
    x, y = solved.astype(np.float64), fixed.astype(np.float64)
    return (weights * (x @ y.T - aims)) @ y + side.regularization[:, None] * (x - prior_of(side, x.shape))


def parts(users, items, user_factors, item_factors):
    """(observed, unobserved, regularization) parts of the objective."""
    weights, aims = cells_of(users)
    x, y = user_factors.astype(np.float64), item_factors.astype(np.float64)
    errors = weights * (x @ y.T - aims) ** 2
    seen = users.rows.to_scipy().astype(bool).toarray() | (aims != 0)
    for row in range(users.rows.shape[0]):
        seen[row, users.rows.row(row)[0]] = True
    away = x - prior_of(users, x.shape), y - prior_of(items, y.shape)
    penalty = sum(
        (side.regularization[:, None] * z**2).sum() for side, z in zip((users, items), away, strict=True)
    )
    return errors[seen].sum(), errors[~seen].sum(), penalty
