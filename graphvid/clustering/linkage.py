"""Linkages with a parameter; a string names those without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from graphvid._checks import check_integer, check_number
from graphvid.clustering import _kernels as kernels

LinkageName = Literal["average", "max", "sum", "explicit_average", "cut_sparsity"]


@dataclass(frozen=True)
class Percentile:
    """Linkage ``sorted(S)[floor(q * (len(S) - 1))]``; with fewer than ``min_count`` weights ``max(S)``.

    Parameters
    ----------
    q : float
        From 0 (smallest weight) to 1 (largest).
    min_count : int
        Default 4, as in the published implementation.

    Examples
    --------
    >>> Percentile(0.5)
    Percentile(q=0.5, min_count=4)
    """

    q: float
    min_count: int = 4

    def __post_init__(self) -> None:
        check_number("q", self.q, "a number in [0, 1]", least=0, most=1)
        check_integer("min_count", self.min_count, 1)


@dataclass(frozen=True)
class AverageMaxDegreeBounded:
    """Linkage ``sum(S) / min(c * min(|X|, |Y|), |X| |Y|)``: an average that expects at most ``c`` edges a node.

    Parameters
    ----------
    c : float
        Bound on the degree, positive and finite; for a graph of k nearest neighbours take ``k``. With ``c < 1`` the linkage
        first multiplies weights by ``c``, so that two single nodes keep the weight of their edge.

    Examples
    --------
    >>> AverageMaxDegreeBounded(10)
    AverageMaxDegreeBounded(c=10)
    """

    c: float

    def __post_init__(self) -> None:
        check_number("c", self.c, "a finite number > 0", least=5e-324)


Linkage = LinkageName | Percentile | AverageMaxDegreeBounded

_CODES = {
    "average": kernels.AVERAGE,
    "max": kernels.MAX,
    "sum": kernels.SUM,
    "explicit_average": kernels.EXPLICIT_AVERAGE,
    "cut_sparsity": kernels.CUT_SPARSITY,
}


class LinkageRule(NamedTuple):
    """A linkage in the form that the kernels take."""

    code: int
    bound: float = 1.0  # c of AverageMaxDegreeBounded
    percentile: Percentile | None = None


def linkage_rule(linkage: Linkage) -> LinkageRule:
    """Return the checked linkage in the kernels' form."""
    if isinstance(linkage, Percentile):
        return LinkageRule(kernels.MAX, percentile=linkage)
    if isinstance(linkage, AverageMaxDegreeBounded):
        return LinkageRule(kernels.MAX_DEGREE_BOUNDED, float(linkage.c))
    if not isinstance(linkage, str) or linkage not in _CODES:
        raise ValueError(
            f"linkage must be one of {get_args(LinkageName)}, Percentile(q) or AverageMaxDegreeBounded(c), "
            f"got {linkage!r}"
        )
    return LinkageRule(_CODES[linkage])
