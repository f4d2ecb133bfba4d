"""At most so many items of one label on a list: what stays, from the first place to the last."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Lists, Mask
from tasks.numeric.jit import jit

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ListLimits:
    """How many items of each label a list may hold.

    Parameters
    ----------
    labels
        (n_items, n_labels): which labels each item has; an item without any is unlimited.
    most
        int32 (n_labels,): the limit of each.
    groups
        int32 (n_labels,): attribute of each label, from 0 without a gap.

    """

    labels: Csr
    most: Int32
    groups: Int32

    def kept(self, items: Int32) -> Mask:
        """Places of lists that stay, bool (n_rows, k).

        A list is gone through from its first place; an item stays if all its labels have room, and takes one place
        of each. So the first places of a longer list are those of a shorter one.
        """
        keep = np.zeros(items.shape, dtype=np.bool_)
        counts = np.zeros(len(self.most), np.int32)
        rows = np.ascontiguousarray(items)
        _keep(rows, self.labels.indptr, self.labels.indices, self.most, counts, keep)
        return keep

    def applied(self, lists: Lists) -> Lists:
        """Lists without the items that are too many, gaps closed; padded with -1 and -inf as they were."""
        return taken(lists, self.kept(lists[0]))

    def longest(self, allow: Mask | None) -> int:
        """Upper bound of the items that a list can hold, if any of `allow` (n_items,) may stand on it."""
        items = np.arange(self.labels.shape[0]) if allow is None else np.flatnonzero(allow)
        lengths = self.labels.lengths()
        owners = np.repeat(np.arange(self.labels.shape[0]), lengths)
        inside = np.ones(len(owners), np.bool_) if allow is None else allow[owners]
        counts = np.bincount(self.labels.indices[inside], minlength=len(self.most))
        bound = len(items)
        for group in range(int(self.groups.max(initial=-1)) + 1):
            mine = self.groups == group
            labelled = np.unique(owners[inside & mine[self.labels.indices]])
            room = int(np.minimum(counts[mine], self.most[mine]).sum())
            # Each labelled item takes up at least one place of the group.
            bound = min(bound, len(items) - len(labelled) + min(room, len(labelled)))
        return bound


def taken(lists: Lists, keep: Mask) -> Lists:
    """The marked places of lists, moved to the front in their order; the rest is -1 and -inf."""
    codes, scores = lists
    order = np.argsort(~keep, axis=1, kind="stable")
    codes = np.where(keep, codes, np.int32(-1))
    scores = np.where(keep, scores, np.float32(-np.inf))
    return np.take_along_axis(codes, order, axis=1), np.take_along_axis(scores, order, axis=1)


@jit()
def _keep(items: Int32, indptr: Int64, indices: Int32, most: Int32, counts: Int32, keep: Mask) -> None:
    """Write to `keep` what stays; `counts` (n_labels,) holds zeros before and after."""
    for row in range(len(items)):
        for place in range(items.shape[1]):
            item = items[row, place]
            if item < 0:
                continue
            fits = True
            for at in range(indptr[item], indptr[item + 1]):
                fits = fits and counts[indices[at]] < most[indices[at]]
            if fits:
                keep[row, place] = True
                for at in range(indptr[item], indptr[item + 1]):
                    counts[indices[at]] += 1
        for place in range(items.shape[1]):
            if keep[row, place]:
                for at in range(indptr[items[row, place]], indptr[items[row, place] + 1]):
                    counts[indices[at]] = 0
