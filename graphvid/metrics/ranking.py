r"""Ranking metrics of many queries at once, from the ranks of the items that matter.

All of them take the same two arrays: ``ranks[indptr[q] : indptr[q + 1]]`` are the ranks, counted from 1 and in any
order, that the relevant items of query q have in its ranking. They return one float64 per query, NaN for a query
without a relevant item, on the device of ``ranks``. `graphvid.metrics.rank_neighbors` makes the ranks of an embedding.

Below, :math:`R_q` is the number of relevant items of query q and :math:`r` runs over their ranks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphvid.metrics._inputs import ArrayOrTensor, as_tensor, check_count, ragged


def ndcg(ranks: ArrayOrTensor, indptr: ArrayOrTensor, *, k: int = 60, gains: ArrayOrTensor | None = None) -> Tensor:
    r"""Return the normalised discounted cumulative gain of the first ``k`` places of each ranking.

    .. math:: \mathrm{NDCG@}k = \frac{\sum_{r \le k} g_r / \log_2(r + 1)}
                                     {\sum_{i=1}^{\min(R_q, k)} g_{(i)} / \log_2(i + 1)}

    with the gains :math:`g` of the relevant items, :math:`g_{(1)} \ge g_{(2)} \ge \dots`

    Parameters
    ----------
    ranks : array_like or Tensor of int64, shape (num_relevant,)
        Rank of each relevant item, >= 1, query after query, distinct within a query.
    indptr : array_like or Tensor of int64, shape (num_queries + 1,)
        Where the ranks of each query start.
    k : int, default 60
        Places that count, >= 1; 60 is the cut-off reported for the method of Lee et al. (CVPR 2020).
    gains : array_like or Tensor of float, shape (num_relevant,), optional
        Gain of each relevant item, finite, >= 0. Default: 1 for each. A query whose gains are all 0 has NDCG 0.

    Returns
    -------
    Tensor of float64, shape (num_queries,)
        In [0, 1], or NaN for a query without a relevant item.

    Raises
    ------
    TypeError
        Ranks or ``indptr`` that are not integers.
    ValueError
        Arguments of the wrong shape or outside their range.

    Notes
    -----
    O(num_relevant log num_relevant) time for the order of the gains.

    References
    ----------
    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002.

    Examples
    --------
    >>> ndcg([1, 3], [0, 2, 2])  # (1 + 1 / 2) / (1 + 1 / log2(3)), and a query without a relevant item
    tensor([0.9197,    nan], dtype=torch.float64)
    """
    ranks, indptr, rows = ragged(ranks, indptr)
    check_count("k", k)
    gain = torch.ones(ranks.shape, dtype=torch.float64, device=ranks.device)
    if gains is not None:
        gain = as_tensor(gains).to(gain)
        if gain.shape != ranks.shape or not bool((torch.isfinite(gain) & (gain >= 0)).all()):
            raise ValueError(f"gains must be {ranks.numel()} finite numbers >= 0, got {gains!r}")
    order = torch.argsort(gain, descending=True, stable=True)
    order = order[torch.argsort(rows[order], stable=True)]
    ideal = _sum(_discounted(gain[order], _places(indptr, rows), k), indptr)
    found = _sum(_discounted(gain, ranks, k), indptr)
    return _undefined_where_empty(torch.where(ideal > 0, found / ideal.clamp(min=1e-300), 0.0), indptr)


def average_precision(ranks: ArrayOrTensor, indptr: ArrayOrTensor) -> Tensor:
    r"""Return the average precision of each whole ranking; its mean over queries is MAP.

    .. math:: \mathrm{AP} = \frac{1}{R_q} \sum_{r} \frac{\text{number of relevant items at rank} \le r}{r}

    Parameters
    ----------
    ranks, indptr
        See `ndcg`.

    Returns
    -------
    Tensor of float64, shape (num_queries,)
        In (0, 1], or NaN for a query without a relevant item.

    Raises
    ------
    TypeError, ValueError
        As `ndcg`.

    Notes
    -----
    O(num_relevant log num_relevant) time for the order of the ranks.

    Examples
    --------
    >>> average_precision([3, 1], [0, 2])  # (1 / 1 + 2 / 3) / 2
    tensor([0.8333], dtype=torch.float64)
    """
    ranks, indptr, rows = ragged(ranks, indptr)
    order = torch.argsort(ranks)
    order = order[torch.argsort(rows[order], stable=True)]
    return _sum(_places(indptr, rows).double() / ranks[order], indptr) / torch.diff(indptr)


def reciprocal_rank(ranks: ArrayOrTensor, indptr: ArrayOrTensor) -> Tensor:
    r"""Return one over the rank of the first relevant item of each query; its mean over queries is MRR.

    Parameters
    ----------
    ranks, indptr
        See `ndcg`.

    Returns
    -------
    Tensor of float64, shape (num_queries,)
        In (0, 1], or NaN for a query without a relevant item.

    Raises
    ------
    TypeError, ValueError
        As `ndcg`.

    Examples
    --------
    >>> reciprocal_rank([3, 2], [0, 2])
    tensor([0.5000], dtype=torch.float64)
    """
    ranks, indptr, _ = ragged(ranks, indptr)
    best = torch.segment_reduce(1.0 / ranks.double(), "max", offsets=indptr, initial=0.0)
    return _undefined_where_empty(best, indptr)


def recall(ranks: ArrayOrTensor, indptr: ArrayOrTensor, *, k: int = 60) -> Tensor:
    r"""Return the share of each query's relevant items that are among the first ``k``.

    The share is of all :math:`R_q` items, so a query with more than ``k`` of them cannot reach 1.

    Parameters
    ----------
    ranks, indptr, k
        See `ndcg`.

    Returns
    -------
    Tensor of float64, shape (num_queries,)
        In [0, 1], or NaN for a query without a relevant item.

    Raises
    ------
    TypeError, ValueError
        As `ndcg`.

    Examples
    --------
    >>> recall([3, 1, 9], [0, 3], k=3)
    tensor([0.6667], dtype=torch.float64)
    """
    ranks, indptr, _ = ragged(ranks, indptr)
    check_count("k", k)
    return _sum(ranks <= k, indptr) / torch.diff(indptr)


def hit(ranks: ArrayOrTensor, indptr: ArrayOrTensor, *, k: int = 60) -> Tensor:
    r"""Return 1 for each query that has a relevant item among the first ``k``, and 0 for the others.

    Parameters
    ----------
    ranks, indptr, k
        See `ndcg`.

    Returns
    -------
    Tensor of float64, shape (num_queries,)
        0, 1, or NaN for a query without a relevant item.

    Raises
    ------
    TypeError, ValueError
        As `ndcg`.

    Examples
    --------
    >>> hit([3, 5, 9], [0, 1, 3], k=3)
    tensor([1., 0.], dtype=torch.float64)
    """
    ranks, indptr, _ = ragged(ranks, indptr)
    check_count("k", k)
    return _undefined_where_empty((_sum(ranks <= k, indptr) > 0).double(), indptr)


def _places(indptr: Tensor, rows: Tensor) -> Tensor:
    """Return 1, 2, 3, ... within each query."""
    return torch.arange(1, rows.numel() + 1, device=rows.device) - indptr[rows]


def _discounted(gain: Tensor, ranks: Tensor, k: int) -> Tensor:
    return torch.where(ranks <= k, gain / torch.log2(ranks.double() + 1.0), 0.0)


def _sum(values: Tensor, indptr: Tensor) -> Tensor:
    # Not index_add, whose order of summation on a GPU changes from call to call.
    return torch.segment_reduce(values.double(), "sum", offsets=indptr, initial=0.0)


def _undefined_where_empty(values: Tensor, indptr: Tensor) -> Tensor:
    return torch.where(torch.diff(indptr) > 0, values, torch.nan)
