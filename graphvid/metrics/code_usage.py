"""Use of codewords by codes: perplexity, and the share of dead codewords."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_count


class CodeUsage(NamedTuple):
    """Use of the codewords of every codebook.

    Parameters
    ----------
    perplexity : ndarray of float64, shape (num_codebooks,)
        Exponential of the entropy of the shares of the codewords, in [1, num_codewords]: the number of equally used codewords
        with the same entropy.
    dead_share : ndarray of float64, shape (num_codebooks,)
        Share of the codewords that no item has.
    """

    perplexity: NDArray[np.float64]
    dead_share: NDArray[np.float64]


def code_usage(codes: ArrayLike, num_codewords: int) -> CodeUsage:
    r"""Return the perplexity of codes and the share of dead codewords, codebook by codebook.

    .. math:: \exp\Bigl(-\sum_k p_{mk} \log p_{mk}\Bigr), \qquad p_{mk} = \frac{|\{i : b_{im} = k\}|}{N}

    Parameters
    ----------
    codes : array_like of int, shape (num_items, num_codebooks)
        In ``[0, num_codewords)``.
    num_codewords : int
        Codewords of a codebook.

    Raises
    ------
    TypeError
        Codes that are not integers.
    ValueError
        Another shape, no item, or a code out of range.

    Examples
    --------
    >>> code_usage([[0, 0], [1, 0]], 4)
    CodeUsage(perplexity=array([2., 1.]), dead_share=array([0.5 , 0.75]))
    """
    array = np.asarray(codes)
    check_count("num_codewords", num_codewords)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"codes must have shape (num_items, num_codebooks), each >= 1, got {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"codes must hold integers, got dtype {array.dtype}")
    if array.min() < 0 or array.max() >= num_codewords:
        raise ValueError(f"codes must be in [0, {num_codewords}), got {array.min()} to {array.max()}")
    counts = np.stack([np.bincount(column, minlength=num_codewords) for column in array.T.astype(np.int64)])
    shares = counts / len(array)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
    return CodeUsage(np.exp(entropy), (counts == 0).mean(axis=1))
