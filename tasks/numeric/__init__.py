"""Pure numeric code: jit options, kernels, solvers, top-k, metrics, bootstrap."""
