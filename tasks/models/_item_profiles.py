"""Item features as numbers: one sparse row per item, in which cosines say how alike two items are.

Salton, Buckley: Term-weighting approaches in automatic text retrieval, Information Processing & Management 1988, for
the words of titles; blocks of features side by side as in Lops, de Gemmis, Semeraro: Content-based Recommender Systems
(Recommender Systems Handbook, 2011).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix, diags, hstack

from data_contracts.interactions import Csr, ItemFeatures

Floats = npt.NDArray[np.floating]
Int64 = npt.NDArray[np.int64]

YEAR: Final = r"\((?P<year>[12]\d{3})\)\s*$"
"""A year in brackets at the end of a title, as catalogues of films and books write it."""
WORD: Final = r"(?u)\b\w+\b"
"""A word may be one letter or digit: sizes and volumes tell items apart."""
WITH_YEAR: Final = 0.5
"""Share of the titles that must have one before it is taken for a date."""
DAYS_PER_YEAR: Final = 365.2425


@dataclass(frozen=True)
class BlockWeights:
    """What each kind of feature counts: a part of the squared length of an item's row before it is scaled to 1.

    Parameters
    ----------
    labels, titles, numbers, dates
        Each at least 0; 0 leaves features of that kind out.

    """

    labels: float = 1.0
    titles: float = 1.0
    numbers: float = 0.25
    dates: float = 0.25


def item_profiles(
    features: ItemFeatures,
    n_items: int,
    *,
    weights: BlockWeights | None = None,
    n_buckets: int = 10,
    min_items: int = 2,
) -> Csr:
    """Features of the items as rows of length 1, so that a dot product of two rows is a cosine.

    Each labels attribute, the titles, each number and each date is a block of columns. A block's rows are scaled to
    length 1 and weighed; with two items that have all blocks, the cosine is the weighted mean of the blocks' cosines.

    Parameters
    ----------
    features
        Aligned with item codes. Labels are 0 or 1, titles are TF-IDF of their words, numbers and dates (also a year in
        brackets at the end of most titles) are one of `n_buckets` with about as many items in each.
    n_items
        Number of item codes, those of the catalogue included.
    weights
        What each kind of feature counts; as :class:`BlockWeights` has it if None.
    n_buckets
        At most; less where values repeat. A number that has one value alone is left out.
    min_items
        A word of fewer items is left out: with 2, words that no other item could have.

    Returns
    -------
    Csr (n_items, n_features), float32, rows sorted. An item of which nothing is known has an empty row.

    """
    given = weights or BlockWeights()
    blocks = [(given.labels, each.by_item.to_scipy()) for each in features.labels.values()]
    if features.titles is not None and given.titles > 0:
        blocks.append((given.titles, title_words(features.titles, min_items)))
    for weight, columns in ((given.numbers, features.numbers), (given.dates, all_dates(features))):
        blocks += [(weight, bucketed(each, n_buckets)) for each in columns.values()]
    parts = [np.sqrt(weight) * unit_rows(block) for weight, block in blocks if weight > 0 and block.nnz]
    return as_csr(unit_rows(hstack(parts, format="csr") if parts else csr_matrix(np.zeros((n_items, 0)))))


def check_profiles(profiles: Csr, what_to_do: str) -> None:
    """Refuse profiles in which all items are alike: nothing can be told from them.

    Raises
    ------
    ValueError
        If there are two items or more, and all have the same row; `what_to_do` ends the message.

    """
    n_items = profiles.shape[0]
    lengths = profiles.lengths()
    if n_items < 2 or not (lengths == lengths[0]).all():
        return
    indices, values = (each.reshape(n_items, int(lengths[0])) for each in (profiles.indices, profiles.values))
    if (indices == indices[0]).all() and np.allclose(values, values[0]):
        said = "nothing is known of any" if not profiles.nnz else "all have the same features"
        raise ValueError(f"the features of the {n_items} items say nothing: {said}; {what_to_do}")


def dense_profiles(
    features: ItemFeatures, n_items: int, rng: np.random.Generator, *, title_size: int, n_buckets: int
) -> npt.NDArray[np.float32]:
    """Titles, numbers and dates in few columns, for networks; labels are left to their embeddings.

    Parameters
    ----------
    features
        Aligned with item codes.
    n_items
        Number of item codes.
    rng
        Where the directions of the words begin.
    title_size
        Dimensions that the words of titles (TF-IDF) are reduced to, by a truncated SVD; few words stay as they are.
    n_buckets
        As :func:`item_profiles` takes it.

    Returns
    -------
    float32 C-order (n_items, n_columns): a title's part has length 1, or 0 where there is none.

    """
    columns: list[Floats] = [*features.numbers.values(), *all_dates(features).values()]
    parts = [bucketed(each, n_buckets).toarray() for each in columns]
    if features.titles is not None:
        words = title_words(features.titles, 2)
        if min(words.shape) > title_size:
            from sklearn.decomposition import TruncatedSVD

            svd = TruncatedSVD(title_size, random_state=int(rng.integers(2**31)))
            words = csr_matrix(svd.fit_transform(words))
        parts.append(unit_rows(words).toarray())
    return np.ascontiguousarray(np.hstack([np.zeros((n_items, 0)), *parts]), dtype=np.float32)


def title_words(titles: pa.LargeStringArray, min_items: int) -> csr_matrix:
    """TF-IDF of the words of titles, (n_items, n_words); words in order, those of fewer than `min_items` left out."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    split = TfidfVectorizer(token_pattern=WORD).build_analyzer()
    texts = [split(text or "") for text in titles.to_pylist()]
    counts = Counter(word for words in texts for word in set(words))
    vocabulary = sorted(word for word, count in counts.items() if count >= min_items)
    if not vocabulary:
        return csr_matrix(np.zeros((len(texts), 0), np.float32))
    weigher = TfidfVectorizer(analyzer=_as_it_is, vocabulary=vocabulary, sublinear_tf=True, dtype=np.float32)
    return weigher.fit_transform(texts)


def all_dates(features: ItemFeatures) -> Mapping[str, npt.NDArray[np.float64]]:
    """Dates by name, days since 1970-01-01 UTC, and the year in brackets that most titles end in, if they do."""
    found = dict(features.dates)
    if features.titles is None:
        return found
    years = pc.struct_field(pc.extract_regex(features.titles, YEAR), "year").cast(pa.float64())
    there = len(years) - years.null_count
    if there > WITH_YEAR * (len(features.titles) - features.titles.null_count):
        numbers = years.fill_null(np.nan).to_numpy(zero_copy_only=False)
        found["the year in titles"] = (numbers - 1970) * DAYS_PER_YEAR
    return found


def buckets(values: Floats, n_buckets: int) -> Int64:
    """Bucket of each value, -1 where there is none; at most `n_buckets`, with about as many values in each."""
    known = np.isfinite(values)
    found = np.full(len(values), -1, np.int64)
    if known.any():
        edges = np.unique(np.quantile(values[known], np.linspace(0, 1, n_buckets + 1)[1:-1]))
        found[known] = np.unique(np.searchsorted(edges, values[known], side="right"), return_inverse=True)[1]
    return found


def bucketed(values: Floats, n_buckets: int) -> csr_matrix:
    """Buckets of the values as columns, (n_items, n_buckets): 1 where a value is; empty if all are in one."""
    codes = buckets(values, n_buckets)
    items = np.flatnonzero(codes >= 0)
    if codes.max(initial=0) < 1:
        return csr_matrix(np.zeros((len(values), 0), np.float32))
    return csr_matrix(
        (np.ones(len(items), np.float32), (items, codes[items])), shape=(len(values), int(codes.max()) + 1)
    )


def unit_rows(rows: Any) -> csr_matrix:
    """Rows scaled to length 1, in float64; empty ones stay empty."""
    wide = csr_matrix(rows, dtype=np.float64)
    norms = np.sqrt(np.asarray(wide.multiply(wide).sum(axis=1)).ravel())
    return (diags(1 / np.where(norms > 0, norms, 1.0)) @ wide).tocsr()


def as_csr(rows: csr_matrix) -> Csr:
    """The same rows as ours, sorted."""
    rows.sort_indices()
    return Csr(
        rows.indptr.astype(np.int64),
        rows.indices.astype(np.int32, copy=False),
        rows.data.astype(np.float32),
        int(rows.shape[1]),
    )


def _as_it_is(words: list[str]) -> list[str]:
    return words
