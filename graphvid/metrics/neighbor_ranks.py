"""Ranks of the true neighbours of each video when all videos are ranked by cosine similarity to it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from graphvid._checks import check_integer
from graphvid.metrics._inputs import ArrayOrTensor, VectorTable, check_indptr, integers, rows_of
from graphvid.metrics._ties import Ties, check_ties, settle
from graphvid.metrics._unit_vectors import unit_vectors

_BLOCK = 1 << 23  # scores in memory at a time with the default chunk size


@torch.no_grad()
def rank_neighbors(
    embeddings: ArrayOrTensor | VectorTable,
    indptr: ArrayOrTensor,
    indices: ArrayOrTensor,
    *,
    rows: ArrayOrTensor | None = None,
    ties: Ties = "expected",
    chunk_size: int | None = None,
    progress: bool = False,
) -> Tensor:
    """Return the rank of every true neighbour among all other videos, ranked by cosine similarity.

    Parameters
    ----------
    embeddings : array_like or Tensor of float, shape (num_videos, dim)
        One vector per video, finite, of any length; a vector of zeros has cosine 0 with every other. The function works on
        the device of this tensor and in its dtype, but at least float32. With ``rows``, and for a sparse matrix of SciPy or a
        table on disk, it reads a block of vectors at a time.
    indptr : array_like or Tensor of int64, shape (num_videos + 1,)
        Where the neighbours of each video start in ``indices``.
    indices : array_like or Tensor of int64, shape (num_relevant,)
        Neighbour ids in ``[0, num_videos)``, distinct for each video and not the video itself.
    rows : array_like or Tensor of int64, shape (num_videos,), optional
        Rows of the embeddings that are the videos. Default: all rows.
    ties : {"expected", "optimistic", "pessimistic", "id"}, default "expected"
        Rank of items of equal score. ``"expected"``: the first and the last of their places, and the metrics take the mean
        over all orders. ``"optimistic"``: relevant items first. ``"pessimistic"``: relevant items last. ``"id"``: by ascending
        id.
    chunk_size : int, optional
        Queries ranked at a time, >= 1. Default: the number that gives 2**23 scores (96 MiB at the peak).
    progress : bool, default False
        Show a progress bar over the queries.

    Returns
    -------
    Tensor of int64, shape (num_relevant, 2) for "expected", else (num_relevant,)
        Rank of ``indices[e]`` among the ``num_videos - 1`` other videos, counted from 1; with two columns its first and last
        possible rank.

    Raises
    ------
    TypeError
        The embeddings are not floating-point numbers, or the ids are not integers.
    ValueError
        Shapes do not match, a value is not finite (the message has its row and column), an id is out of range, a neighbour
        occurs twice, a video is its own neighbour, or ``chunk_size`` is below 1.

    Notes
    -----
    Each chunk needs one matrix product, one sort of the scores without their ids, and one binary search for each neighbour:
    O(num_videos^2 (dim + log num_videos)) time and O(chunk_size * num_videos + num_relevant) memory. With ``ties="id"``, a
    scan counts the neighbours whose score is not unique. Rounding in the matrix product depends on the shape of a chunk, so
    pairs whose cosines differ by less than about 1e-7 (float32) may swap when ``chunk_size`` changes.

    Examples
    --------
    >>> rank_neighbors([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [-1.0, 0.0]], [0, 2, 2, 3, 3], [1, 3, 0])
    tensor([[1, 1],
            [3, 3],
            [2, 3]])
    """
    check_ties(ties)
    vectors = unit_vectors(embeddings, rows)
    num_videos = vectors.num_vectors
    neighbors = integers("indices", indices).to(vectors.device)
    starts = check_indptr(indptr, neighbors)
    queries = _check_neighbors(starts, neighbors, num_videos)
    if chunk_size is None:
        chunk_size = max(1, min(_BLOCK // max(num_videos, 1), vectors.most_queries))
    check_integer("chunk_size", chunk_size, 1)

    if not neighbors.numel():
        return neighbors if ties != "expected" else neighbors.new_empty(0, 2)
    asked = torch.unique_consecutive(queries)  # videos without a neighbour need no ranking
    ranks = neighbors.new_empty(len(neighbors), 1 if ties == "id" else 2)
    with tqdm(total=asked.numel(), desc="ranking", unit="query", disable=not progress) as bar:
        for chunk in torch.split(asked, int(chunk_size)):
            first, last = int(starts[chunk[0]]), int(starts[chunk[-1] + 1])
            scores = vectors.scores(chunk)  # (chunk, num_videos)
            scores.scatter_(1, chunk[:, None], -torch.inf)
            places = torch.searchsorted(chunk, queries[first:last])
            ranks[first:last] = _ranks_in_rows(scores, places, neighbors[first:last], by_id=ties == "id")
            bar.update(chunk.numel())
    return ranks[:, 0].contiguous() if ties == "id" else settle(ranks, starts, ties)


def _ranks_in_rows(scores: Tensor, rows: Tensor, columns: Tensor, *, by_id: bool) -> Tensor:
    """Return the first and last place of the scores equal to ``scores[rows[e], columns[e]]`` in its row, (num_wanted, 2).

    With ``by_id``, return one rank, shape (num_wanted, 1); equal scores are ordered by column. ``rows`` must be ascending.
    """
    wanted = scores[rows, columns]
    counts = torch.bincount(rows, minlength=len(scores))
    places = torch.arange(rows.numel(), device=rows.device) - (torch.cumsum(counts, 0) - counts)[rows]
    padded = torch.zeros(len(scores), int(counts.max()), dtype=scores.dtype, device=scores.device)
    padded[rows, places] = wanted
    ascending = _sort_rows(scores)
    not_above = torch.searchsorted(ascending, padded, right=True)[rows, places]
    below = torch.searchsorted(ascending, padded, right=False)[rows, places]
    ranks = scores.shape[1] - not_above + 1
    if not by_id:
        return torch.stack([ranks, scores.shape[1] - below], dim=1)
    tied = torch.nonzero(not_above - below > 1).flatten()
    ids = torch.arange(scores.shape[1], device=scores.device)
    for part in torch.split(tied, max(1, scores.numel() // scores.shape[1])):
        equal_before = (scores[rows[part]] == wanted[part, None]) & (ids < columns[part, None])
        ranks[part] += equal_before.sum(dim=1)
    return ranks[:, None]


def _sort_rows(scores: Tensor) -> Tensor:
    """Return the rows in ascending order."""
    if scores.device.type == "cpu":  # NumPy's sort without ids is 20 times as fast as torch.sort
        return torch.from_numpy(np.sort(scores.numpy(), axis=1))
    return torch.sort(scores, dim=1).values


def _check_neighbors(starts: Tensor, neighbors: Tensor, num_videos: int) -> Tensor:
    """Return the query of each neighbour, or raise."""
    if starts.numel() != num_videos + 1:
        raise ValueError(f"indptr must have num_videos + 1 = {num_videos + 1} values, got {starts.numel()}")
    if neighbors.numel() and (int(neighbors.min()) < 0 or int(neighbors.max()) >= num_videos):
        low, high = int(neighbors.min()), int(neighbors.max())
        raise ValueError(f"indices must be in [0, {num_videos}), got {low} to {high}")
    queries = rows_of(starts)
    own = torch.nonzero(queries == neighbors).flatten()
    if own.numel():
        raise ValueError(f"a video must not be its own neighbor, got video {int(neighbors[own[0]])}")
    keys = torch.sort(queries * num_videos + neighbors).values
    twice = torch.nonzero(keys[1:] == keys[:-1]).flatten()
    if twice.numel():
        query, neighbor = divmod(int(keys[twice[0]]), num_videos)
        raise ValueError(f"neighbors must be distinct, got {neighbor} twice for video {query}")
    return queries
