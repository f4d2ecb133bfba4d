"""One half step of matrix factorisation of ratings: rows and their biases, given the columns."""

from typing import Any

import numpy as np

from tasks.numeric.jit import jit


@jit(fastmath=True)
def solve_rows(
    first: int,
    last: int,
    indptr: Any,
    indices: Any,
    rest: Any,
    fixed: Any,
    fixed_bias: Any,
    regularization: Any,
    bias_regularization: float,
    out: Any,
    out_bias: Any,
) -> None:
    """Least squares for some rows: factors and bias together, by Cholesky.

    Minimises over x and b the sum of ``(rest - fixed_bias - b - x.y)^2 + regularization |x|^2 + bias_regularization b^2``.

    Parameters
    ----------
    first, last
        Rows to solve.
    indptr, indices, rest
        Ratings by row, less their mean; float64.
    fixed, fixed_bias
        float64 (n_columns, n_factors) and (n_columns,).
    regularization
        float64 (n_rows,): of each row's factors.
    out, out_bias
        float64 (n_rows, n_factors) and (n_rows,): overwritten; 0 for a row without ratings.

    """
    d = fixed.shape[1]
    n = d + 1
    a, x = np.empty((n, n)), np.empty(n)
    for row in range(first, last):
        out[row] = 0.0
        out_bias[row] = 0.0
        if indptr[row] == indptr[row + 1]:
            continue
        a[:] = 0.0
        x[:] = 0.0
        for f in range(d):
            a[f, f] = regularization[row]
        a[d, d] = bias_regularization
        for at in range(indptr[row], indptr[row + 1]):
            y, r = fixed[indices[at]], rest[at] - fixed_bias[indices[at]]
            for f in range(d):
                x[f] += r * y[f]
                for g in range(f + 1):
                    a[f, g] += y[f] * y[g]
                a[d, f] += y[f]
            x[d] += r
            a[d, d] += 1.0
        solve_in_place(a, x)
        for f in range(d):
            out[row, f] = x[f]
        out_bias[row] = x[d]


@jit(fastmath=True)
def solve_in_place(a: Any, x: Any) -> None:
    """Solve ``a z = x`` into `x` for a positive definite `a`, of which the lower triangle is read and overwritten."""
    n = len(x)
    for j in range(n):
        for k in range(j):
            a[j, j] -= a[j, k] * a[j, k]
        a[j, j] = np.sqrt(max(a[j, j], 1e-12))
        for i in range(j + 1, n):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            a[i, j] = total / a[j, j]
    for i in range(n):
        for k in range(i):
            x[i] -= a[i, k] * x[k]
        x[i] /= a[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            x[i] -= a[k, i] * x[k]
        x[i] /= a[i, i]
