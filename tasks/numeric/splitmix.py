"""SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014) as a hash of integers."""

from typing import Final

import numpy as np

from tasks.numeric.jit import jit

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_A: Final = np.uint64(0xBF58476D1CE4E5B9)
_B: Final = np.uint64(0x94D049BB133111EB)


@jit()
def mix(word: np.uint64) -> np.uint64:
    """Mix the bits of a word: neighbouring words give values that have nothing to do with each other."""
    word = (word ^ (word >> np.uint64(30))) * _A
    word = (word ^ (word >> np.uint64(27))) * _B
    return word ^ (word >> np.uint64(31))
