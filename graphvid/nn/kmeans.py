"""k-means of codewords: Lloyd's iterations for every codebook, with codewords of free or unit length."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from graphvid._checks import check_choice, check_count, check_tensor
from graphvid._faiss import import_faiss

KMeansMethod = Literal["lloyd", "faiss"]
_ITEMS = 1 << 22  # scores in memory at once


def kmeans_codebooks(
    parts: Tensor,
    num_codewords: int,
    *,
    spherical: bool = True,
    method: KMeansMethod = "lloyd",
    num_iterations: int = 25,
    seed: int = 0,
) -> Tensor:
    r"""Cluster the sub-vectors of every codebook and return the centres.

    Parameters
    ----------
    parts : Tensor, shape (num_items, num_codebooks, dim), floating
        Sub-vectors, finite; of unit length or zero with ``spherical``.
    num_codewords : int
        Centres a codebook; at most ``num_items``.
    spherical : bool, default True
        Scale the centres to unit length after every iteration, so that the nearest centre is the one of largest product.
    method : {"lloyd", "faiss"}
        Iterations in PyTorch on the device of ``parts``, or `faiss.Kmeans` (extra ``retrieval``), several times as fast
        on the CPU from 10,000 items on.
    num_iterations : int, default 25
    seed : int, default 0
        Seed of the start items of the centres.

    Returns
    -------
    Tensor, shape (num_codebooks, num_codewords, dim)
        Codebooks with the dtype and device of ``parts``.

    Raises
    ------
    ValueError
        Fewer items than codewords, numbers out of range, an unknown method.
    ImportError
        FAISS is not installed, for method ``"faiss"``.

    Notes
    -----
    O(num_iterations * num_items * num_codebooks * num_codewords * dim) time. Centres start at distinct items. A centre
    that loses all its items moves to the item that is farthest from its own centre. No codebook depends on another's
    data; ties go to the lower centre.

    References
    ----------
    Dhillon and Modha, Concept Decompositions for Large Sparse Text Data Using Clustering, Machine Learning 2001.

    Examples
    --------
    >>> points = torch.tensor([[0.0], [0.2], [5.0], [5.2]])[:, None]  # one codebook
    >>> kmeans_codebooks(points, 2, spherical=False).flatten().sort().values
    tensor([0.1000, 5.1000])
    """
    check_tensor("parts", parts, floating=True)
    if parts.dim() != 3:
        raise ValueError(f"parts must have shape (num_items, num_codebooks, dim), got {tuple(parts.shape)}")
    check_count("num_codewords", num_codewords)
    check_count("num_iterations", num_iterations)
    if len(parts) < num_codewords:
        raise ValueError(
            f"num_codewords must be at most the number of items, got {num_codewords} for {len(parts)} items"
        )
    check_choice("method", method, get_args(KMeansMethod))
    if not bool(torch.isfinite(parts).all()):
        raise ValueError("parts must be finite, got NaN or infinity")
    parts = parts.detach()
    one = _faiss if method == "faiss" else _lloyd
    books = [
        one(parts[:, m].contiguous(), num_codewords, spherical, num_iterations, seed + m) for m in range(parts.shape[1])
    ]
    return torch.stack(books)


def _lloyd(x: Tensor, count: int, spherical: bool, num_iterations: int, seed: int) -> Tensor:
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).to(x.device)
    centres = x[order[:count]].clone()
    if spherical:
        centres = normalize(centres, eps=1e-12)
    for _ in range(num_iterations):
        owner, distance = nearest(x, centres)
        sums = torch.zeros_like(centres).index_add_(0, owner, x)
        sizes = torch.bincount(owner, minlength=count)
        centres = sums / sizes.clamp(min=1)[:, None]
        empty = (sizes == 0).nonzero().squeeze(1)
        if len(empty):
            centres[empty] = x[distance.argsort(descending=True, stable=True)[: len(empty)]]
        if spherical:
            centres = normalize(centres, eps=1e-12)
    return centres


def nearest(x: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Return the nearest centre of every row, the lower one of equals, and its squared distance, shapes (num_rows,)."""
    half, owner, distance = centres.square().sum(1) / 2, [], []
    for rows in torch.split(x, max(1, _ITEMS // len(centres))):
        best = (rows @ centres.T - half).max(dim=1)
        owner.append(best.indices)
        distance.append(rows.square().sum(1) - 2 * best.values)
    return torch.cat(owner), torch.cat(distance)


def _faiss(x: Tensor, count: int, spherical: bool, num_iterations: int, seed: int) -> Tensor:
    kmeans = import_faiss().Kmeans(
        x.shape[1], count, niter=num_iterations, spherical=spherical, seed=seed, min_points_per_centroid=1
    )
    kmeans.train(x.float().cpu().numpy())
    return torch.from_numpy(np.asarray(kmeans.centroids, np.float32).copy()).to(x)
