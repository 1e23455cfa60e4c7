"""Recommenders without gradient steps, by SciPy and NumPy: popularity, item neighbours, RP3beta, EASE and GF-CF.

Each is a function from training pairs to a scorer as `graphvid.metrics.rank_items` takes. `item_knn`, `rp3beta` and
`gf_cf` hold sparse matrices and blocks of bounded size only; `ease` is dense and refuses more than `MOST_DENSE` items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import svds
from torch import Tensor

from graphvid.data import Interactions

Scorer = Callable[[Tensor], Tensor]
MOST_DENSE = 8_192  # items of EASE: two float64 matrices of 0.5 GB
_BLOCK = 1 << 23  # entries of a block of similarities at most, before the best are chosen


def popularity(train: Interactions) -> Scorer:
    """Score items by their number of users, the same for everyone."""
    counts = torch.from_numpy(train.item_counts.astype(np.float32))
    return lambda users: counts.expand(len(users), -1)


def item_knn(train: Interactions, *, num_neighbors: int, shrinkage: float) -> Scorer:
    r"""Score an item by its similarity with the user's items among its ``num_neighbors`` most similar ones.

    .. math:: s_{ij} = \frac{c_{ij}}{\sqrt{c_i c_j} + \text{shrinkage}}

    with :math:`c_{ij}` users of both and :math:`c_i` users of one item: the cosine for ``shrinkage=0``. Of equally
    similar items, those with lower ids are neighbours.

    References
    ----------
    Deshpande and Karypis, "Item-based top-N recommendation algorithms", ACM TOIS 2004.
    """
    _check("shrinkage", shrinkage, 0)
    rows = train.to_sparse()
    norm = np.sqrt(train.item_counts)

    def similarity(counts: sparse.csr_matrix, item: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(counts.data / (norm[item] * norm[counts.indices] + shrinkage))

    weights = _nearest(rows.T.tocsr(), rows, num_neighbors, similarity)
    return _linear(rows, weights.T.tocsr())


def rp3beta(train: Interactions, *, num_neighbors: int, alpha: float, beta: float) -> Scorer:
    r"""Score an item by the walks of three steps from the user to it, less for popular items.

    .. math:: w_{ij} = \frac{1}{c_j^\beta} \sum_v \left(\frac{1}{c_i} \cdot \frac{1}{c_v}\right)^\alpha

    over the users v of items i and j; of each i the ``num_neighbors`` largest are kept, of equal ones those with lower
    ids. The first step, from the user to an item, has the same weight for all of a user's items.

    References
    ----------
    Paudel et al., "Updatable, accurate, diverse, and scalable recommendations for interactive applications", ACM TiiS
    2017.
    """
    _check("beta", beta, 0)
    rows = train.to_sparse()
    of_items, of_users = (np.maximum(counts, 1.0) for counts in (train.item_counts, np.diff(train.indptr)))
    to_users = (sparse.diags(of_items**-alpha) @ rows.T).tocsr()
    to_items = (sparse.diags(of_users**-alpha) @ rows).tocsr()
    rarity = of_items**-beta

    def weight(walks: sparse.csr_matrix, item: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(walks.data * rarity[walks.indices])

    return _linear(rows, _nearest(to_users, to_items, num_neighbors, weight))


def ease(train: Interactions, *, l2: float) -> Scorer:
    """Score by the item-item weights with a zero diagonal that rebuild the training pairs best, under a penalty.

    Raises
    ------
    ValueError
        More than `MOST_DENSE` items: time is cubic in their number and memory 16 bytes a pair of items.

    References
    ----------
    Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, eq. 8.
    """
    _check("l2", l2, 0)
    if train.num_items > MOST_DENSE:
        raise ValueError(f"train must have at most {MOST_DENSE} items, as EASE is dense, got {train.num_items}")
    rows = train.to_sparse()
    gram = (rows.T @ rows).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += l2
    inverse = linalg.inv(gram, overwrite_a=True)
    weights = (inverse / -np.diag(inverse)).astype(np.float32)
    np.fill_diagonal(weights, 0.0)

    def score(users: Tensor) -> Tensor:
        return torch.from_numpy(rows[users.numpy()] @ weights)

    return score


def gf_cf(train: Interactions, *, num_factors: int, weight: float) -> Scorer:
    r"""Score by a linear and an ideal low-pass filter of the user's items on the normalised graph, without training.

    .. math:: s_u = r_u \left(\tilde R^\top \tilde R + \text{weight} \cdot D_I^{-1/2} V V^\top D_I^{1/2}\right), \quad
        \tilde R = D_U^{-1/2} R D_I^{-1/2}

    with V the first ``num_factors`` right singular vectors of :math:`\tilde R`.

    References
    ----------
    Shen et al., "How powerful is graph convolution for recommendation?", CIKM 2021.
    """
    most = min(train.num_users, train.num_items) - 1
    if not 1 <= num_factors <= most:
        raise ValueError(f"num_factors must be in [1, {most}], below the numbers of users and items, got {num_factors}")
    rows = train.to_sparse()
    of_items, of_users = (
        np.sqrt(np.maximum(counts, 1)).astype(np.float32) for counts in (train.item_counts, np.diff(train.indptr))
    )
    normal = (sparse.diags(1 / of_users) @ rows @ sparse.diags(1 / of_items)).tocsr()
    transposed = normal.T.tocsr()
    start = np.ones(most + 1, dtype=np.float32)
    right = np.ascontiguousarray(svds(normal, k=num_factors, v0=start, return_singular_vectors="vh")[2].T)

    def score(users: Tensor) -> Tensor:
        own = rows[users.numpy()]
        low = ((own @ (right / of_items[:, None])) @ right.T) * of_items
        linear = (transposed @ (normal @ own.T.toarray())).T
        return torch.from_numpy(np.ascontiguousarray(linear + weight * low, dtype=np.float32))

    return score


def _check(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise ValueError(f"{name} must be a number >= {least}, got {value!r}")


def _linear(rows: sparse.csr_matrix, weights: sparse.csr_matrix) -> Scorer:
    """Score by the sum of the rows of ``weights`` of the user's items."""

    def score(users: Tensor) -> Tensor:
        return torch.from_numpy((rows[users.numpy()] @ weights).toarray())

    return score


def _nearest(
    left: sparse.csr_matrix,
    right: sparse.csr_matrix,
    k: int,
    weigh: Callable[[sparse.csr_matrix, NDArray[np.int64]], NDArray[np.float64]],
) -> sparse.csr_matrix:
    """Return the ``k`` largest entries of each row of ``left @ right`` without its diagonal, weighed first.

    ``weigh`` gives the weights of some rows of the product and is told the row of each entry.
    """
    _check("num_neighbors", k, 1)
    indptr, indices, data = [np.zeros(1, dtype=np.int64)], [], []
    for start, stop in _blocks(left, right):
        product = (left[start:stop] @ right).tocsr()
        product.sort_indices()
        item = np.repeat(np.arange(start, stop), np.diff(product.indptr))
        weights = weigh(product, item)
        weights[product.indices == item] = 0.0
        kept = [_best(weights, first, last, k) for first, last in zip(product.indptr[:-1], product.indptr[1:])]
        places = np.concatenate(kept)
        indptr.append(np.array([len(row) for row in kept]))
        indices.append(product.indices[places])
        data.append(weights[places].astype(np.float32))
    shape = (left.shape[0], right.shape[1])
    return sparse.csr_matrix((np.concatenate(data), np.concatenate(indices), np.cumsum(np.concatenate(indptr))), shape)


def _blocks(left: sparse.csr_matrix, right: sparse.csr_matrix) -> Iterator[tuple[int, int]]:
    """Give ranges of rows of ``left @ right`` of at most `_BLOCK` entries, or of one row."""
    terms = left.astype(bool).astype(np.float64) @ np.diff(right.indptr)
    total = np.cumsum(np.minimum(terms, right.shape[1]))
    start, done = 0, 0.0
    while start < len(total):
        stop = max(start + 1, int(np.searchsorted(total, done + _BLOCK, side="right")))
        yield start, stop
        start, done = stop, total[stop - 1]


def _best(weights: NDArray[np.float64], first: int, last: int, k: int) -> NDArray[np.int64]:
    """Return the places in ``[first, last)`` of the ``k`` largest positive weights, of equal ones the first."""
    own = weights[first:last]
    if len(own) <= k:
        return first + np.flatnonzero(own > 0)
    least = np.partition(own, -k)[-k]
    above, tied = np.flatnonzero(own > least), np.flatnonzero((own == least) & (own > 0))
    return first + np.sort(np.concatenate([above, tied[: k - len(above)]]))
