"""BPR's stochastic steps as the paper writes them, on Python numbers."""

import math

MASK = 2**64 - 1


def _bits(state):
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class Stream:
    """SplitMix64."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        return _bits(self.state)

    def unit(self):
        return (self.next() >> 11) * 2.0**-53

    def below(self, n):
        return ((self.next() >> 32) * n) >> 32


def slow_ascend(n_samples, seed, pairs, weights, candidates, seen, rates, model):
    """Change model = (X, Y, bias) (nested lists) by n_samples steps; pairs are (user, item) tuples."""
    rate, of_user, of_item, of_bias = rates
    X, Y, bias = model
    stream = Stream(seed)
    used = right = 0
    for _ in range(n_samples):
        place = stream.unit() * sum(weights)
        pair = next(p for p in range(len(pairs)) if place < sum(weights[: p + 1]))
        u, i = pairs[pair]
        draws = (candidates[stream.below(len(candidates))] for _ in range(16))
        j = next((c for c in draws if c not in seen[u]), None)
        if j is None:
            continue
        margin = bias[i] - bias[j] + sum(x * (y - z) for x, y, z in zip(X[u], Y[i], Y[j], strict=True))
        used += 1
        right += margin > 0
        slope = 1 / (1 + math.exp(margin))
        x, y, z = list(X[u]), list(Y[i]), list(Y[j])
        for f in range(len(x)):
            X[u][f] += rate * (slope * (y[f] - z[f]) - of_user * x[f])
            Y[i][f] += rate * (slope * x[f] - of_item * y[f])
            Y[j][f] += rate * (-slope * x[f] - of_item * z[f])
        bias[i] += rate * (slope - of_bias * bias[i])
        bias[j] += rate * (-slope - of_bias * bias[j])
    return used, right
