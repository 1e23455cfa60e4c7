"""Figures of a search of the database by codes, and of the baselines: uncompressed vectors and FAISS's codes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphvid._faiss import import_faiss
from graphvid.metrics import mean_average_precision, one_recall, top_k_overlap

NAMES = {"map": "mAP", "overlap": "overlap@10", "one_recall": "1-recall@10"}
_K = 10  # cut-off of the overlap and of 1-recall

Floats = NDArray[np.float32]
RowIds = NDArray[np.int64]
Json = dict[str, Any]  # Any: JSON values
Judged = dict[str, Tensor]


class Split(NamedTuple):
    """Rows of the videos of each part of the split.

    Parameters
    ----------
    database : ndarray of int64
        Videos for training and to search.
    validation, queries : ndarray of int64
        Videos outside training: a tenth of the videos each, at most 1,000.
    """

    database: RowIds
    validation: RowIds
    queries: RowIds


def split_rows(num_videos: int, seed: int) -> Split:
    """Split videos by a permutation.

    Raises
    ------
    ValueError
        Fewer than 20 videos.
    """
    if num_videos < 20:
        raise ValueError(f"the source must have at least 20 videos, got {num_videos}")
    order, part = np.random.default_rng(seed).permutation(num_videos), min(1000, num_videos // 10)
    return Split(order[2 * part :], order[part : 2 * part], order[:part])


def unit(x: Floats) -> Floats:
    """Scale rows to unit length; zeros stay zeros."""
    scaled: Floats = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.float32(1e-12))
    return scaled


def in_bytes(bits: int) -> str:
    """Return the number of bytes for a number of bits."""
    size = -(-bits // 8)
    return f"{size:,} byte{'' if size == 1 else 's'}"


class Trial:
    """Queries that search a database, and the result of an exact search of their features.

    Parameters
    ----------
    features : ndarray, shape (num_rows, dim)
        Compared by cosine in the exact search.
    labels : ndarray of int, shape (num_rows,), optional
        Classes.
    queries, database : ndarray of int
        Rows.

    Attributes
    ----------
    queries, database : ndarray
        As given.
    asked, base : ndarray, shape (num_queries, dim) and (num_items, dim)
        Features of the two at unit length.
    exact : ndarray, shape (num_queries, num_items)
        Their cosines.
    """

    def __init__(self, features: Floats, labels: RowIds | None, queries: RowIds, database: RowIds) -> None:
        self.queries, self.database = queries, database
        self.asked, self.base = unit(features[queries]), unit(features[database])
        self.exact: Floats = self.asked @ self.base.T
        self._alike = None if labels is None else labels[queries][:, None] == labels[database]
        self._nearest = np.argsort(-self.exact, axis=1, kind="stable")[:, :_K]

    def judge(self, scores: Floats) -> Judged:
        """Evaluate the scores of a search, query by query.

        Parameters
        ----------
        scores : ndarray, shape (num_queries, num_items)

        Returns
        -------
        dict of Tensor of float64, each of shape (num_queries,)
            ``overlap`` of the first 10 with those of the exact search, ``one_recall`` (whether the nearest item is among
            the first 10), and ``map``, the average precision over the whole database, with labels. Equal scores are ranked
            by place.
        """
        order = np.argsort(-scores, axis=1, kind="stable")
        k = self._nearest.shape[1]
        found = {
            "overlap": top_k_overlap(order[:, :k], self._nearest),
            "one_recall": one_recall(order, self._nearest[:, 0], k=k).double(),
        }
        if self._alike is not None:
            relevant = np.take_along_axis(self._alike, order, axis=1)
            found["map"] = mean_average_precision(relevant, relevant.sum(axis=1)).per_query
        return found


def means(judged: Judged) -> Json:
    """Return the mean of each figure over the queries."""
    return {name: float(values.mean()) for name, values in judged.items()}


def faiss_scores(kind: str, database: Floats, queries: Floats, num_codebooks: int, num_bits: int) -> Floats:
    """Score the database by the codes of FAISS, trained on it: the negative squared distances of queries to codewords.

    Parameters
    ----------
    kind : {"PQ", "OPQ"}
        Codes of the vectors, or of the vectors after a rotation that reduces the loss.
    database, queries : ndarray, shape (num_rows, dim)
        Vectors; padded with zeros if ``dim`` is no multiple of ``num_codebooks``.
    num_codebooks, num_bits : int
        Size of the codes.

    Raises
    ------
    ImportError
        FAISS is not installed.
    """
    faiss = import_faiss()
    missing = -database.shape[1] % num_codebooks
    base, asked = (np.pad(x, ((0, 0), (0, missing))) for x in (database, queries))
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # sums in one order
    try:
        if kind == "OPQ":
            turn = faiss.OPQMatrix(base.shape[1], num_codebooks)
            inner = faiss.ProductQuantizer(base.shape[1], num_codebooks, num_bits)  # FAISS's default has 8 bits
            inner.cp.min_points_per_centroid = 1
            turn.pq = inner
            turn.train(base)
            base, asked = turn.apply(base), turn.apply(asked)
        quantizer = faiss.ProductQuantizer(base.shape[1], num_codebooks, num_bits)
        quantizer.cp.min_points_per_centroid = 1
        quantizer.train(base)
        decoded = quantizer.decode(quantizer.compute_codes(base))
    finally:
        faiss.omp_set_num_threads(threads)
    return np.asarray(2 * asked @ decoded.T - np.square(decoded).sum(axis=1), np.float32)
