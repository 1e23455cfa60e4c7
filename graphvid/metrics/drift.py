"""Drift of vectors: their movement between two times of training."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from graphvid.metrics._inputs import ArrayOrTensor, as_tensor


class FeatureDrift(NamedTuple):
    """Distance of the vectors of the same nodes at two times.

    Parameters
    ----------
    total : float
        Sum over the nodes of the Euclidean distance of the two vectors.
    mean : float
        ``total`` divided by the number of nodes.
    relative : float
        ``mean`` divided by the mean length of the present vectors, so that numbers of nodes and scales compare.
    """

    total: float
    mean: float
    relative: float


def feature_drift(now: ArrayOrTensor, before: ArrayOrTensor) -> FeatureDrift:
    r"""Return the distances by which the nodes' vectors have moved.

    .. math:: D(t, \Delta t) = \sum_i \lVert g(i; \theta_t) - g(i; \theta_{t - \Delta t}) \rVert_2

    Parameters
    ----------
    now, before : array_like or Tensor of float, shape (num_nodes, dim)
        Vectors of the same nodes at time :math:`t` and :math:`\Delta t` steps earlier, in the same order; a fixed
        sample of nodes will do for ``mean`` and ``relative``. Keep a copy of the earlier ones.

    Returns
    -------
    FeatureDrift

    Raises
    ------
    ValueError
        Shapes differ or are empty, a value is not finite or all present vectors are zero.
    TypeError
        Vectors are not floating point.

    Notes
    -----
    Sums in float64; O(num_nodes * dim) time and memory.

    References
    ----------
    Wang et al., Cross-Batch Negative Sampling for Training Two-Tower Recommenders, SIGIR 2021; ``mean`` and
    ``relative`` are ours.

    Examples
    --------
    >>> feature_drift(torch.tensor([[3.0, 4.0], [0.0, 5.0]]), torch.tensor([[0.0, 0.0], [0.0, 5.0]]))
    FeatureDrift(total=5.0, mean=2.5, relative=0.5)
    """
    pair = as_tensor(now), as_tensor(before)
    if pair[0].shape != pair[1].shape or pair[0].dim() != 2 or not pair[0].numel():
        shapes = " and ".join(str(tuple(x.shape)) for x in pair)
        raise ValueError(f"now and before must have one shape (num_nodes, dim) with a node at least, got {shapes}")
    for name, vectors in zip(("now", "before"), pair, strict=True):
        if not vectors.is_floating_point():
            raise TypeError(f"{name} must be floating point, got dtype {vectors.dtype}")
    present, past = (vectors.detach().double() for vectors in pair)
    total = float(torch.linalg.vector_norm(present - past, dim=1).sum())
    length = float(torch.linalg.vector_norm(present, dim=1).sum())
    if not math.isfinite(total) or not math.isfinite(length):
        raise ValueError(f"now and before must be finite, got a drift of {total} and lengths of {length} in all")
    if not length:
        raise ValueError("now must have a vector other than zero, got only zeros")
    return FeatureDrift(total, total / len(present), total / length)
