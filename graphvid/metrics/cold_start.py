"""Cold-start evaluation: a ranking of test videos by the embeddings of videos outside training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from graphvid._checks import check_choice, check_integer
from graphvid.metrics import ranking
from graphvid.metrics._inputs import ArrayOrTensor, VectorTable, as_tensor, check_indptr, integers
from graphvid.metrics._ties import Ties
from graphvid.metrics.neighbor_ranks import rank_neighbors


class ColdStartScores(NamedTuple):
    """Means over the queries, and the number of queries.

    Parameters
    ----------
    ndcg, map, mrr, recall, hit : float
        NDCG@k, mean average precision and mean reciprocal rank of the whole ranking, Recall@k and Hit@k, in [0, 1].
    k : int
        Cut-off of NDCG, recall and hit.
    num_queries : int
        Videos the means are taken over.
    num_skipped : int
        Videos left out because they have no relevant video.
    """

    ndcg: float
    map: float
    mrr: float
    recall: float
    hit: float
    k: int
    num_queries: int
    num_skipped: int

    @classmethod
    def of_queries(
        cls, by_query: Mapping[str, NDArray[np.float64]], *, k: int = 60, empty: Literal["skip", "zero"] = "skip"
    ) -> ColdStartScores:
        """Return the means of the results of `cold_start_by_query`.

        Parameters
        ----------
        by_query : mapping of str to ndarray of float64, each of shape (num_videos,)
            NaN for a video without a neighbour.
        k : int, default 60
            The cut-off that they were computed with.
        empty : {"skip", "zero"}, default "skip"
            As in `cold_start`.
        """
        undefined = np.isnan(by_query["recall"])
        num_queries = len(undefined) - (int(undefined.sum()) if empty == "skip" else 0)
        means = {name: float(torch.nansum(torch.from_numpy(x))) / num_queries for name, x in by_query.items()}
        return cls(**means, k=int(k), num_queries=num_queries, num_skipped=len(undefined) - num_queries)


def cold_start(
    embeddings: ArrayOrTensor,
    indptr: ArrayOrTensor,
    indices: ArrayOrTensor,
    weight: ArrayOrTensor | None = None,
    *,
    k: int = 60,
    empty: Literal["skip", "zero", "raise"] = "skip",
    ties: Ties = "expected",
    chunk_size: int | None = None,
    progress: bool = False,
) -> ColdStartScores:
    """Return the quality of a ranking by cosine for the neighbours of each video in the graph of the test videos.

    Every test video is a query. All other test videos are ranked by cosine similarity to it, the full ranking without
    sampling; its neighbours in the test part of the graph are the relevant ones.

    Parameters
    ----------
    embeddings : array_like or Tensor of float, shape (num_videos, dim)
        Vectors of the test videos; see `rank_neighbors`.
    indptr, indices : array_like or Tensor of int64, shapes (num_videos + 1,) and (num_relevant,)
        Neighbours of each test video, in the numbering of ``embeddings``; both directions of an undirected edge.
    weight : array_like or Tensor of float, shape (num_relevant,), optional
        Gain of each neighbour in NDCG, finite, >= 0. Default: every neighbour has gain 1. The other metrics know only
        relevant and not.
    k : int, default 60
        Cut-off of NDCG, recall and hit, >= 1; 60 is the one reported for the method.
    empty : {"skip", "zero", "raise"}, default "skip"
        What to do with a video without a neighbour, for which no metric is defined: leave it out and count it, score
        it 0, or raise.
    ties : {"expected", "optimistic", "pessimistic", "id"}, default "expected"
        What equal similarities count; see `rank_neighbors`.
    chunk_size : int, optional
        Queries ranked at a time; see `rank_neighbors`.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    ColdStartScores

    Raises
    ------
    TypeError, ValueError
        As `rank_neighbors` and `ndcg`; no video has a neighbour; ``empty="raise"`` and a video has none.

    Notes
    -----
    Time and memory are those of `rank_neighbors`; there is never a matrix of all pairs.

    References
    ----------
    Lee et al., "Large Scale Video Representation Learning via Relational Graph Clustering", CVPR 2020, evaluate on
    videos held out from training. Their candidates are not published in detail; here they are all test videos.

    Examples
    --------
    >>> vectors = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [1.0, 1.0]]
    >>> scores = cold_start(vectors, [0, 1, 2, 2, 2], [1, 0])  # 0 and 1 are neighbours, and each other's nearest
    >>> scores.ndcg, scores.mrr, scores.num_queries, scores.num_skipped
    (1.0, 1.0, 2, 2)
    """
    check_choice("empty", empty, ("skip", "zero", "raise"))
    if empty == "raise":
        num_neighbors = torch.diff(check_indptr(indptr, integers("indices", indices)))
        without = torch.nonzero(num_neighbors == 0)
        if 0 < len(without) < len(num_neighbors):
            raise ValueError(
                f"every video must have a neighbor, got {len(without)} without, the first is video {int(without[0])}"
            )
    by_query = cold_start_by_query(
        embeddings, indptr, indices, weight, k=k, ties=ties, chunk_size=chunk_size, progress=progress
    )
    return ColdStartScores.of_queries(by_query, k=k, empty="zero" if empty == "zero" else "skip")


def cold_start_by_query(
    embeddings: ArrayOrTensor | VectorTable,
    indptr: ArrayOrTensor,
    indices: ArrayOrTensor,
    weight: ArrayOrTensor | None = None,
    *,
    rows: ArrayOrTensor | None = None,
    k: int = 60,
    ties: Ties = "expected",
    chunk_size: int | None = None,
    progress: bool = False,
) -> dict[str, NDArray[np.float64]]:
    """Return the figures of `cold_start` for each test video, so that two methods can be compared query by query.

    Parameters
    ----------
    embeddings, indptr, indices, weight, k, ties, chunk_size, progress
        As in `cold_start`.
    rows : array_like or Tensor of int64, shape (num_videos,), optional
        The test videos are these rows of the embeddings; see `rank_neighbors`. Default: all.

    Returns
    -------
    dict of str to ndarray of float64, each of shape (num_videos,)
        ``ndcg``, ``map``, ``mrr``, ``recall``, ``hit``; NaN for a video without a neighbour.

    Raises
    ------
    TypeError, ValueError
        As `cold_start`.

    Examples
    --------
    >>> vectors = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [1.0, 1.0]]
    >>> cold_start_by_query(vectors, [0, 1, 2, 2, 2], [1, 0])["ndcg"]
    array([ 1.,  1., nan, nan])
    """
    check_integer("k", k, 1)
    neighbors = integers("indices", indices)
    starts = check_indptr(indptr, neighbors)
    if not bool((torch.diff(starts) > 0).any()):
        raise ValueError(f"at least one video must have a neighbor, got {starts.numel() - 1} videos without")
    ranks = rank_neighbors(
        embeddings, starts, neighbors, rows=rows, ties=ties, chunk_size=chunk_size, progress=progress
    )
    starts = starts.to(ranks.device)
    gains = None if weight is None else as_tensor(weight).to(ranks.device)
    per_query = {
        "ndcg": ranking.ndcg(ranks, starts, k=k, gains=gains),
        "map": ranking.average_precision(ranks, starts),
        "mrr": ranking.reciprocal_rank(ranks, starts),
        "recall": ranking.recall(ranks, starts, k=k),
        "hit": ranking.hit(ranks, starts, k=k),
    }
    return {name: values.cpu().numpy() for name, values in per_query.items()}
