"""An index of vectors with exact search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_choice
from graphvid.retrieval._ids import Ids, as_ids, find_all, order_of
from graphvid.retrieval._kernels import keep_best_products, sort_best
from graphvid.retrieval._search import check_top_k, find_exclusions, over_rows
from graphvid.retrieval._vectors import as_vectors, largest_norm, unit_rows
from graphvid.retrieval.result import SearchResult

Metric = Literal["cosine", "dot"]

_PRODUCTS = 1 << 22  # held at a time: 16 MiB
_QUERIES = 256  # multiplied at a time
METRICS = ("cosine", "dot")


class VectorIndex:
    """Vectors with their ids and exact search: it scores every item, and rounding decides no rank.

    Parameters
    ----------
    vectors : array_like or Tensor of float, shape (num_items, dim)
        One vector for each item, finite, kept as float32.
    ids : array_like of int or str, shape (num_items,), optional
        Distinct ids in any order, all integers (int64) or all text. Default: 0 to num_items - 1.
    metric : {"cosine", "dot"}, default "cosine"
        The score. A vector of zeros has no direction: its cosine with everything is 0, as in
        `graphvid.metrics.rank_neighbors`.

    Attributes
    ----------
    ids : ndarray of int64 or str, shape (num_items,)
        In ascending order, which is the order of the items in the index.
    vectors : ndarray of float32, shape (num_items, dim)
        In the order of ``ids``, at length 1 for ``"cosine"``.
    metric : str
        As given.

    Raises
    ------
    TypeError
        Vectors that are not real numbers; ids that are neither all integers nor all text.
    ValueError
        A value that is not finite, shapes that do not fit, an id that occurs twice, an unknown metric.

    Notes
    -----
    A search multiplies blocks of queries and items in float32 (at most 2**22 products at a time). Every item whose product is
    within the rounding error of the ``top_k`` best so far gets a new score in float64, term after term. So the result does
    not depend on the blocks, the order of the items, the batches of queries, or the number of threads. O(num_queries *
    num_items * dim) time; the memory beside vectors and result is bounded.

    Examples
    --------
    >>> index = VectorIndex([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]], ids=["c", "a", "b"])
    >>> found = index.search([[2.0, 0.1]], top_k=2)
    >>> found.ids.tolist(), found.scores.round(3).tolist()
    ([['c', 'a']], [[0.999, 0.742]])
    >>> index.search([[2.0, 0.1]], top_k=2, exclude=["c"]).ids.tolist()
    [['a', 'b']]
    """

    def __init__(self, vectors: Any, ids: Any | None = None, *, metric: Metric = "cosine") -> None:
        # Any: array_like or Tensor; ids as in `as_ids`
        check_choice("metric", metric, METRICS)
        self.ids, self.vectors = sorted_rows(as_vectors("vectors", vectors), ids)
        self.metric = metric
        if metric == "cosine":
            self.vectors = unit_rows(self.vectors)
        self._longest = largest_norm(self.vectors)

    @property
    def num_items(self) -> int:
        """Number of items."""
        return len(self.ids)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    def vectors_of(self, ids: Any) -> NDArray[np.float32]:  # Any: as in `as_ids`
        """Return the vectors of some items, in the order given, at length 1 for ``"cosine"``.

        Raises
        ------
        KeyError
            Ids that are not in the index; names some.
        """
        return self.vectors[find_all("ids", ids, self.ids)]

    def search(
        self,
        queries: Any,
        top_k: int,
        *,
        exclude: Iterable[Any] | None = None,
        exclude_each: Sequence[Iterable[Any]] | None = None,
    ) -> SearchResult:
        """Return the items of the highest scores for each query.

        Parameters
        ----------
        queries : array_like or Tensor of float, shape (num_queries, dim)
            Finite vectors.
        top_k : int
            Items for each query, >= 1.
        exclude : iterable of ids, optional
            Ids to exclude from all queries; unknown ids have no effect.
        exclude_each : sequence of iterables of ids, optional
            Ids to exclude, for each query.

        Returns
        -------
        SearchResult
            Ids, and scores in float64.

        Raises
        ------
        TypeError
            Queries that are not real numbers; text to exclude among integer ids, or the reverse.
        ValueError
            Queries of another dimension or not finite; a query with fewer than ``top_k`` items left (named).
        """
        # Any: array_like or Tensor; ids as in `as_ids`
        asked = as_vectors("queries", queries, self.dim)
        left_out = find_exclusions(exclude, exclude_each, self.ids, len(asked))
        top_k = check_top_k(top_k, left_out, self.num_items)
        if self.metric == "cosine":
            asked = unit_rows(asked)
        scores = np.empty((len(asked), top_k))
        positions = np.empty((len(asked), top_k), np.int64)
        for first in range(0, len(asked), _QUERIES):
            some = slice(first, min(first + _QUERIES, len(asked)))
            indptr = left_out.indptr[some.start : some.stop + 1]
            self._search(asked[some], (left_out.shared, indptr, left_out.own), scores[some], positions[some])
        return SearchResult(self.ids[positions], scores)

    def _search(
        self,
        queries: NDArray[np.float32],
        left_out: tuple[NDArray[np.int64], ...],
        scores: NDArray[np.float64],
        positions: NDArray[np.int64],
    ) -> None:
        """Write the best items of some queries, block after block."""
        error = _rounding(self.dim, np.linalg.norm(queries.astype(np.float64), axis=1) * self._longest)
        counts = np.zeros(len(queries), np.int64)
        step = max(1, _PRODUCTS // max(1, len(queries)))
        for start in range(0, self.num_items, step):
            block = self.vectors[start : start + step]
            with np.errstate(over="ignore", invalid="ignore"):  # such products are computed anew
                products = queries @ block.T
            over_rows(
                keep_best_products,
                len(queries),
                products,
                start,
                queries,
                block,
                error,
                *left_out,
                scores,
                positions,
                counts,
            )
        sort_best(scores, positions, counts)


def sorted_rows(vectors: NDArray[np.float32], ids: Any | None) -> tuple[Ids, NDArray[np.float32]]:
    """Return ids in ascending order and the vectors in the same order; raise if they do not fit."""
    if ids is None:
        return np.arange(len(vectors), dtype=np.int64), vectors
    names = as_ids("ids", ids)
    if len(names) != len(vectors):
        raise ValueError(f"ids must have one id for each of the {len(vectors)} vectors, got {len(names)}")
    order = order_of("ids", names)
    return (names, vectors) if order is None else (names[order], vectors[order])


def _rounding(dim: int, lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return bounds of the errors of float32 products from the lengths of the vectors, for any order of the terms."""
    relative = (dim + 2) * 2.0**-24
    return relative / (1 - relative) * lengths + dim * 2.0**-126  # a term below 2**-126 may be lost
