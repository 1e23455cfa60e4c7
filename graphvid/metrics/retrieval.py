"""Quality of a search: mAP@R by labels, overlap with an exact search, and recall of the nearest item."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from graphvid._checks import check_choice, check_integer
from graphvid.metrics._inputs import ArrayOrTensor, as_tensor, integers

_DENOMINATORS = ("hits", "min")
_EMPTY = ("zero", "skip", "raise")


class MeanAveragePrecision(NamedTuple):
    """A mean average precision, and how it was computed.

    Parameters
    ----------
    value : float
        Mean over the queries that count, in [0, 1]; NaN if none counts.
    denominator : {"hits", "min"}
        Denominator of each query's sum; state it with the figure.
    k : int
        First places that counted: the R of mAP@R.
    num_queries : int
        Queries in the mean.
    per_query : Tensor of float64, shape (num_queries given,)
        Average precision of each query, NaN for one that was left out.

    Examples
    --------
    >>> str(mean_average_precision([[True, False, True]], [3]))
    'mAP@3 0.8333 (denominator hits, 1 query)'
    """

    value: float
    denominator: str
    k: int
    num_queries: int
    per_query: Tensor

    def __str__(self) -> str:
        queries = f"{self.num_queries:,} quer{'y' if self.num_queries == 1 else 'ies'}"
        return f"mAP@{self.k} {self.value:.4f} (denominator {self.denominator}, {queries})"


def mean_average_precision(
    relevant: ArrayOrTensor,
    num_relevant: ArrayOrTensor,
    *,
    k: int | None = None,
    denominator: Literal["hits", "min"] = "hits",
    empty: Literal["zero", "skip", "raise"] = "zero",
) -> MeanAveragePrecision:
    r"""Return mAP@R: the mean over queries of the average precision of the first R places of their rankings.

    .. math:: \mathrm{AP@}R = \frac{1}{Z} \sum_{r=1}^{R} \mathrm{rel}(r)
                              \frac{\text{number of relevant items at rank} \le r}{r}

    where :math:`Z` is the number of relevant items *found within* R (``denominator="hits"``: the code released with
    DeepHash, MeCoQ and others), or the stricter :math:`\min(\text{all relevant items}, R)` (``"min"``). The two agree
    if R is the whole database. The result names the denominator, because published figures differ by it.

    Parameters
    ----------
    relevant : array_like or Tensor of bool, shape (num_queries, depth)
        Whether the item at each rank is relevant to the query, the best rank first.
    num_relevant : array_like or Tensor of int64, shape (num_queries,)
        Relevant items of each query in the whole database, found or not.
    k : int, optional
        The R of mAP@R, from 1 to ``depth``. Default: ``depth``.
    denominator : {"hits", "min"}, default "hits"
        See above. With "hits" a query for which nothing relevant was found scores 0.
    empty : {"zero", "skip", "raise"}, default "zero"
        A query without any relevant item in the database scores 0 (as in the released code), is left out of the mean,
        or is an error.

    Returns
    -------
    MeanAveragePrecision
        The mean, with the denominator used.

    Raises
    ------
    TypeError
        ``relevant`` that is not boolean, ``num_relevant`` that is not integers.
    ValueError
        Shapes that do not fit, more relevant items in a ranking than ``num_relevant``, arguments out of range, no query.

    Notes
    -----
    O(num_queries * depth) time and memory.

    Examples
    --------
    >>> ranking, total = [[True, False, True, False], [False, False, False, False]], [3, 1]
    >>> mean_average_precision(ranking, total).per_query  # (1 / 1 + 2 / 3) / 2, and nothing found
    tensor([0.8333, 0.0000], dtype=torch.float64)
    >>> mean_average_precision(ranking, total, denominator="min").per_query  # (1 / 1 + 2 / 3) / 3
    tensor([0.5556, 0.0000], dtype=torch.float64)
    """
    found, total = as_tensor(relevant), integers("num_relevant", num_relevant)
    if found.dtype != torch.bool:
        raise TypeError(f"relevant must hold bool, got dtype {found.dtype}")
    if found.dim() != 2 or not found.numel() or len(total) != len(found):
        raise ValueError(
            "relevant must have shape (num_queries, depth), neither 0, and num_relevant (num_queries,), got "
            f"{tuple(found.shape)} and {tuple(total.shape)}"
        )
    check_choice("denominator", denominator, _DENOMINATORS)
    check_choice("empty", empty, _EMPTY)
    k = found.shape[1] if k is None else k
    check_integer("k", k, 1)
    if k > found.shape[1]:
        raise ValueError(f"k must be at most the {found.shape[1]} ranks of relevant, got {k}")
    total = total.to(found.device)
    _check_totals(found, total, empty)
    first = found[:, :k]
    hits = torch.cumsum(first, dim=1, dtype=torch.float64)
    ranks = torch.arange(1, k + 1, dtype=torch.float64, device=found.device)
    sums = (first * hits / ranks).sum(dim=1)
    divisor = hits[:, -1] if denominator == "hits" else total.clamp(max=k).double()
    per_query = torch.where(divisor > 0, sums / divisor.clamp(min=1), 0.0)
    if empty == "skip":
        per_query = torch.where(total > 0, per_query, torch.nan)
    counted = per_query[~torch.isnan(per_query)]
    return MeanAveragePrecision(float(counted.mean()), denominator, int(k), len(counted), per_query)


def top_k_overlap(found: ArrayLike, exact: ArrayLike) -> Tensor:
    r"""Return the share of each query's exact ``k`` best items that a search found among its own ``k`` best.

    .. math:: \frac{|F_q \cap E_q|}{k}

    Parameters
    ----------
    found, exact : array_like of ids, shape (num_queries, k)
        Ids, integers or text, that the search and the exact search returned; distinct within a row, in any order.

    Returns
    -------
    Tensor of float64, shape (num_queries,)
        In [0, 1]; its mean over queries is also called k-recall@k.

    Raises
    ------
    ValueError
        Shapes that differ, are not two-dimensional or have no column; an id that occurs twice in a row.

    Notes
    -----
    O(num_queries * k log k) time. Where items have equal scores at place k, an exact search has more than one right
    answer; both should break ties the same way, as the indices of `graphvid.retrieval` do (by ascending id).

    Examples
    --------
    >>> top_k_overlap([[1, 2, 3], [4, 5, 6]], [[3, 1, 9], [4, 5, 6]])
    tensor([0.6667, 1.0000], dtype=torch.float64)
    """
    ours, theirs = np.asarray(found), np.asarray(exact)
    if ours.ndim != 2 or ours.shape != theirs.shape or ours.shape[1] == 0:
        raise ValueError(
            f"found and exact must both have shape (num_queries, k), k >= 1, got {ours.shape} and {theirs.shape}"
        )
    _, codes = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
    halves = np.split(codes.reshape(2 * len(ours), ours.shape[1]), 2)
    for name, half, given in zip(("found", "exact"), halves, (ours, theirs)):
        _check_distinct(name, half, given)
    both = np.sort(np.concatenate(halves, axis=1), axis=1)
    common = (both[:, 1:] == both[:, :-1]).sum(axis=1)
    return torch.from_numpy(common / ours.shape[1])


def one_recall(found: ArrayLike, nearest: ArrayLike, *, k: int) -> Tensor:
    """Return 1 for each query whose nearest item is among the first ``k`` found, else 0: 1-recall@R in the literature.

    Parameters
    ----------
    found : array_like of ids, shape (num_queries, depth)
        Ids that the search returned, the best first.
    nearest : array_like of ids, shape (num_queries,)
        The best item of each query by an exact search.
    k : int
        The R of 1-recall@R, from 1 to ``depth``.

    Returns
    -------
    Tensor of float64, shape (num_queries,)
        0 or 1; the mean over queries is the figure.

    Raises
    ------
    ValueError
        Shapes that do not fit, ``k`` out of range.

    References
    ----------
    Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", PAMI 2011, section V.

    Examples
    --------
    >>> one_recall([[1, 2, 3], [4, 5, 6]], [2, 9], k=2)
    tensor([1., 0.], dtype=torch.float64)
    """
    ids, best = np.asarray(found), np.asarray(nearest)
    if ids.ndim != 2 or best.shape != ids.shape[:1]:
        raise ValueError(
            f"found must have shape (num_queries, depth) and nearest (num_queries,), got {ids.shape} and {best.shape}"
        )
    check_integer("k", k, 1)
    if k > ids.shape[1]:
        raise ValueError(f"k must be at most the {ids.shape[1]} ids found for a query, got {k}")
    return torch.from_numpy((ids[:, :k] == best[:, None]).any(axis=1).astype(np.float64))


def _check_totals(found: Tensor, total: Tensor, empty: str) -> None:
    short = torch.nonzero(found.sum(dim=1) > total).flatten()
    if short.numel():
        row = int(short[0])
        raise ValueError(
            f"num_relevant must be at least the relevant items in the ranking, got {int(total[row])} for query {row}, "
            f"whose ranking has {int(found[row].sum())}"
        )
    if empty == "raise" and bool((total == 0).any()):
        row = int(torch.nonzero(total == 0)[0])
        raise ValueError(f"every query must have a relevant item where empty='raise', got none for query {row}")


def _check_distinct(name: str, codes: NDArray[np.intp], ids: NDArray[np.generic]) -> None:
    """Raise if a row holds an id twice."""
    order = np.argsort(codes, axis=1, kind="stable")
    ordered = np.take_along_axis(codes, order, axis=1)
    twice = np.argwhere(ordered[:, 1:] == ordered[:, :-1])
    if len(twice):
        row, place = twice[0]
        shown = ids[row].tolist()[order[row, place]]
        raise ValueError(f"{name} must hold distinct ids in a row, got {shown!r} twice in row {row}")
