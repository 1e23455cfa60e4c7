r"""Ranking metrics of many queries at once, from the ranks of the relevant items.

All functions take the same two arrays: ``ranks[indptr[q] : indptr[q + 1]]`` are the ranks of the relevant items of query q,
counted from 1, in any order. They return one float64 per query, NaN for a query without a relevant item, on the device of
``ranks``. `graphvid.metrics.rank_neighbors` makes the ranks from an embedding.

Items of equal score are tied: each of them can have any of their places. For ties, ``ranks`` has shape (num_relevant, 2) and
holds the first and the last of these places, as the rank functions return them under ``ties="expected"``. NDCG, average
precision, recall and hit are then the means over all orders of the tied items. The reciprocal rank is one over the mean of the
best and the worst rank of the first relevant item, as in the Open Graph Benchmark. Without ties both shapes give the same
figures.

Below, :math:`R_q` is the number of relevant items of query q and :math:`r` runs over their ranks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphvid._checks import check_integer
from graphvid.metrics._inputs import ArrayOrTensor, as_tensor
from graphvid.metrics._ties import Groups, groups


def ndcg(ranks: ArrayOrTensor, indptr: ArrayOrTensor, *, k: int = 60, gains: ArrayOrTensor | None = None) -> Tensor:
    r"""Return the normalised discounted cumulative gain of the first ``k`` places of each ranking.

    .. math:: \mathrm{NDCG@}k = \frac{\sum_{r \le k} g_r / \log_2(r + 1)}
                                     {\sum_{i=1}^{\min(R_q, k)} g_{(i)} / \log_2(i + 1)}

    with the gains :math:`g` of the relevant items, :math:`g_{(1)} \ge g_{(2)} \ge \dots`

    Parameters
    ----------
    ranks : array_like or Tensor of int64, shape (num_relevant,) or (num_relevant, 2)
        Rank of each relevant item, >= 1, query after query, distinct within a query. With two columns: its first and last
        possible rank, the same for tied items.
    indptr : array_like or Tensor of int64, shape (num_queries + 1,)
        Where the ranks of each query start.
    k : int, default 60
        Number of places that count, >= 1. Lee et al. (CVPR 2020) report 60.
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
        Arguments of the wrong shape or outside their range, a rank given twice in a query, bounds that overlap.

    Notes
    -----
    O(num_relevant log num_relevant) time to sort the gains, and O(k) more with ties.

    References
    ----------
    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002.

    Examples
    --------
    >>> ndcg([1, 3], [0, 2, 2])  # (1 + 1 / 2) / (1 + 1 / log2(3)), and a query without a relevant item
    tensor([0.9197,    nan], dtype=torch.float64)
    """
    check_integer("k", k, 1)
    found = groups(ranks, indptr)
    gain = torch.ones(found.above.shape, dtype=torch.float64, device=found.above.device)
    if gains is not None:
        gain = as_tensor(gains).to(gain)
        if gain.shape != found.above.shape or not bool((torch.isfinite(gain) & (gain >= 0)).all()):
            raise ValueError(f"gains must be {found.above.numel()} finite numbers >= 0, got {gains!r}")
    order = torch.argsort(gain, descending=True, stable=True)
    order = order[torch.argsort(found.rows[order], stable=True)]
    best = _discounted(gain[order], _places(found.indptr, found.rows), k)
    ideal, reached = _sum(best, found.indptr), discounted_gain(found, k, gain)
    return _undefined_where_empty(torch.where(ideal > 0, reached / ideal.clamp(min=1e-300), 0.0), found.indptr)


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
    O(num_relevant log num_relevant) time to sort the ranks.

    Examples
    --------
    >>> average_precision([3, 1], [0, 2])  # (1 / 1 + 2 / 3) / 2
    tensor([0.8333], dtype=torch.float64)
    """
    found = groups(ranks, indptr)
    return precisions(found, None) / torch.diff(found.indptr)


def reciprocal_rank(ranks: ArrayOrTensor, indptr: ArrayOrTensor) -> Tensor:
    r"""Return one over the rank of the first relevant item of each query; its mean over queries is MRR.

    For a tied item it takes the mean of its best and its worst rank, as the Open Graph Benchmark does.

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
    found = groups(ranks, indptr)
    return _undefined_where_empty(reciprocal(found, None), found.indptr)


def recall(ranks: ArrayOrTensor, indptr: ArrayOrTensor, *, k: int = 60) -> Tensor:
    r"""Return the share of each query's relevant items that are among the first ``k``.

    The denominator is :math:`R_q`, so a query with more than ``k`` relevant items cannot reach 1.

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
    check_integer("k", k, 1)
    found = groups(ranks, indptr)
    return hits(found, k) / torch.diff(found.indptr)


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
    check_integer("k", k, 1)
    found = groups(ranks, indptr)
    return _undefined_where_empty(any_hit(found, k), found.indptr)


def hits(found: Groups, k: int) -> Tensor:
    """Return the expected number of relevant items among the first ``k`` of each query."""
    return _sum(found.among(k).double() / found.size, found.indptr)


def any_hit(found: Groups, k: int) -> Tensor:
    """Return the chance that a relevant item is among the first ``k`` of each query.

    A group of t tied items has m places among the first k. All its r relevant items are behind them with probability
    C(t - m, r) / C(t, r), the product of (t - m - i) / (t - i) over i < r.
    """
    behind = (found.size - found.among(k) - found.number).clamp(min=0) / (found.size - found.number).double()
    return 1.0 - torch.segment_reduce(behind, "prod", offsets=found.indptr, initial=1.0)


def discounted_gain(found: Groups, k: int, gain: Tensor) -> Tensor:
    """Return the expected discounted cumulative gain of the first ``k`` places of each query."""
    alone = _discounted(gain, found.above + 1, k)
    if not bool(found.tied.any()):
        return _sum(alone, found.indptr)
    end = found.above + found.among(k)
    places = torch.arange(1, int(end.max()) + 1, dtype=torch.float64, device=gain.device)
    until = torch.nn.functional.pad(torch.cumsum(1.0 / torch.log2(places + 1.0), 0), (1, 0))
    mean = (until[end] - until[torch.minimum(found.above, end)]) / found.size
    return _sum(torch.where(found.tied, gain * mean, alone), found.indptr)


def precisions(found: Groups, k: int | None) -> Tensor:
    """Return the expected sum, over the relevant items among the first ``k``, of the precision at each one's rank.

    A group of t tied items comes after a others, B of them relevant, and has r relevant items. Before its item at place a + j
    there are B relevant items of earlier groups and, on average, (r - 1)(j - 1) / (t - 1) of its own group.
    """
    above, size = found.above.double(), found.size.double()
    places = found.size.double() if k is None else found.among(k).double()
    earlier = found.earlier.double()
    alone = torch.where(places > 0, (earlier + 1.0) / (above + 1.0), 0.0)
    if not bool(found.tied.any()):
        return _sum(alone, found.indptr)
    inverse = torch.digamma(above + places + 1.0) - torch.digamma(above + 1.0)  # sum of 1 / (a + j)
    others = (found.relevant.double() - 1.0) / (size - 1.0).clamp(min=1.0)
    mean = ((earlier + 1.0) * inverse + others * (places - (above + 1.0) * inverse)) / size
    return _sum(torch.where(found.tied, mean, alone), found.indptr)


def reciprocal(found: Groups, k: int | None) -> Tensor:
    """Return one over the mean of the best and worst rank of the first relevant item; 0 beyond ``k`` or without one."""
    rank = found.above.double() + 1.0 + (found.size - found.relevant).double() / 2.0
    value = 1.0 / rank if k is None else torch.where(rank <= k, 1.0 / rank, 0.0)
    return torch.segment_reduce(value, "max", offsets=found.indptr, initial=0.0)


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
