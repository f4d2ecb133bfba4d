"""Sums over blocks in one fixed order, whoever adds which blocks.

Floating-point sums depend on their order. Here it is that of a binary tree over the blocks' numbers: the node
``(level, place)`` is the sum of the blocks ``place * 2**level .. (place + 1) * 2**level - 1``, and always that of its
two halves. A worker that has some neighbouring blocks sums whatever nodes lie within them, mostly one; the driver
goes on from there. So the bytes are the same for any number of workers, and hardly more than one array a worker moves.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Node = tuple[int, int]


class TreeSum:
    """Adds arrays of neighbouring nodes, given in order."""

    def __init__(self) -> None:
        self.parts: list[tuple[Node, Array]] = []

    def add(self, node: Node, array: Array) -> None:
        """Take the next node's array; it may be changed."""
        level, place = node
        while self.parts and place % 2 == 1 and self.parts[-1][0] == (level, place - 1):
            left = self.parts.pop()[1]
            left += array
            level, place, array = level + 1, place // 2, left
        self.parts.append(((level, place), array))

    def nodes(self) -> tuple[Node, ...]:
        """What could not be added further without the neighbours."""
        return tuple(node for node, _ in self.parts)

    def stacked(self) -> Array:
        """Arrays of :meth:`nodes`, one after the other on a new first axis."""
        return np.stack([array for _, array in self.parts])

    def total(self) -> Array:
        """The sum of everything, from the last node to the first: the order depends on the number of blocks alone."""
        total = self.parts[-1][1].copy()
        for _, array in reversed(self.parts[:-1]):
            total = array + total
        return total


def total(parts: Iterable[tuple[tuple[Node, ...], Array]]) -> Array:
    """Sum of all blocks, from what each group of neighbouring blocks came to, in order."""
    tree = TreeSum()
    for nodes, arrays in parts:
        for node, array in zip(nodes, arrays, strict=True):
            tree.add(node, array)
    return tree.total()
