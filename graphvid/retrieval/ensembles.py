"""Vectors of several models as one: their mean, or the best inner products of all of them in fewer columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import svds

from graphvid._checks import check_integer
from graphvid.retrieval._vectors import unit_rows


def mean_ensemble(members: Sequence[ArrayLike], weights: ArrayLike | None = None) -> NDArray[np.float32]:
    r"""Return the weighted mean of the members' vectors, each first scaled to length 1.

    .. math:: y_v = \sum_m w_m \frac{x^m_v}{\lVert x^m_v \rVert} \Big/ \sum_m w_m

    Parameters
    ----------
    members : sequence of array_like of float, each of shape (num_videos, dim)
        Vectors of the same videos in the same order. Rows of zeros stay zeros.
    weights : array_like of float, shape (num_members,), optional
        Finite, above 0. Default: 1 for each.

    Returns
    -------
    ndarray of float32, shape (num_videos, dim)

    Raises
    ------
    ValueError
        No member, members of different shapes, values that are not finite, weights that are not above 0.

    Notes
    -----
    Use it for models that share their axes, such as folds trained from one start. Models trained separately have rotated
    axes; use `SVDEnsemble` for those.

    Examples
    --------
    >>> mean_ensemble([[[2.0, 0.0]], [[0.0, 5.0]]], weights=[3, 1])
    array([[0.75, 0.25]], dtype=float32)
    """
    units = [unit_rows(member) for member in _checked(members)]
    shapes = sorted({unit.shape for unit in units})
    if len(shapes) > 1:
        raise ValueError(f"members must have one shape under a mean, got {shapes}; SVDEnsemble takes different columns")
    weight = _weights(weights, len(units))
    total = sum(w * unit for w, unit in zip(weight, units))
    return np.asarray(total / weight.sum(), dtype=np.float32)


class SVDEnsemble:
    r"""Approximate the inner products of several models' vectors with ``dim`` columns, with the smallest error.

    .. math:: X = [\sqrt{w_1} X_1 \,|\, \sqrt{w_2} X_2 \,|\, \dots] \approx U S V^\top, \qquad Y = X V = U S

    with the rows of each :math:`X_m` scaled to length 1. The inner product of two rows of :math:`X` is the weighted sum
    of the members' cosines, and :math:`U S` keeps the products of all rows better than any other ``dim`` columns.
    :math:`X` is not centred, and :math:`S` is not dropped: either would change the cosines.

    Parameters
    ----------
    dim : int, default 256
        Columns of the result, at least 1; at most the number of videos, and of columns of all members together.
    weights : array_like of float, shape (num_members,), optional
        Finite, above 0. Default: 1 for each.

    Attributes
    ----------
    components_ : ndarray of float64, shape (num_components, sum of the members' columns)
        :math:`V^\top`, by falling singular value; the entry of largest size of each row is positive.
    singular_values_ : ndarray of float64, shape (num_components,)
    dims_ : tuple of int
        Columns of each member.

    Raises
    ------
    ValueError
        ``dim`` below 1.

    Notes
    -----
    ARPACK on the matrix, with a start vector of ones, so that calls are reproducible; a dense decomposition if ``dim`` is not
    below both sides of the matrix, for which ARPACK does not work.

    References
    ----------
    Solutions of ranks 1 and 11 of the QQ Browser 2021 AI contest, track 1, which use ``TruncatedSVD`` of scikit-learn.

    Examples
    --------
    >>> first, second = np.eye(3), np.eye(3)[:, [1, 0, 2]]
    >>> vectors = SVDEnsemble(dim=3).fit_transform([first, second])
    >>> np.abs(vectors @ vectors.T).round(6)  # twice the mean of the members' cosines
    array([[2., 0., 0.],
           [0., 2., 0.],
           [0., 0., 2.]], dtype=float32)
    """

    def __init__(self, dim: int = 256, weights: ArrayLike | None = None) -> None:
        check_integer("dim", dim, 1)
        self.dim, self.weights = dim, weights

    def fit(self, members: Sequence[ArrayLike]) -> SVDEnsemble:
        """Compute the axes.

        Parameters
        ----------
        members : sequence of array_like of float, each of shape (num_videos, its own columns)
            Vectors of the same videos in the same order.

        Raises
        ------
        ValueError
            As `mean_ensemble` raises, but columns may differ; members with only zeros.
        """
        joined, self.dims_ = self._joined(members)
        if not joined.any():
            raise ValueError("members must hold vectors, got zeros alone")
        if self.dim < min(joined.shape):
            _, values, axes = svds(joined, k=self.dim, v0=np.ones(min(joined.shape)), solver="arpack")
            order = np.argsort(-values, kind="stable")
            values, axes = values[order], axes[order]
        else:
            _, values, axes = np.linalg.svd(joined, full_matrices=False)
        largest = np.abs(axes).argmax(axis=1)
        signs = np.sign(axes[np.arange(len(axes)), largest])
        self.singular_values_, self.components_ = values, axes * signs[:, None]
        return self

    def transform(self, members: Sequence[ArrayLike]) -> NDArray[np.float32]:
        """Return vectors of shape (num_videos, num_components) on the fitted axes, for the same or new videos.

        Raises
        ------
        ValueError
            As `fit`; members with other columns than those fitted.
        """
        joined, dims = self._joined(members)
        if dims != self.dims_:
            raise ValueError(f"members must have the columns {self.dims_} they were fitted with, got {dims}")
        return np.asarray(joined @ self.components_.T, dtype=np.float32)

    def fit_transform(self, members: Sequence[ArrayLike]) -> NDArray[np.float32]:
        """Fit, then transform the same vectors."""
        return self.fit(members).transform(members)

    def _joined(self, members: Sequence[ArrayLike]) -> tuple[NDArray[np.float64], tuple[int, ...]]:
        units = [unit_rows(member) for member in _checked(members)]
        weight = np.sqrt(_weights(self.weights, len(units)))
        return np.concatenate([w * unit for w, unit in zip(weight, units)], axis=1), tuple(x.shape[1] for x in units)


def _checked(members: Sequence[ArrayLike]) -> list[NDArray[np.float64]]:
    arrays = [np.asarray(member, dtype=np.float64) for member in members]
    if not arrays:
        raise ValueError("members must hold at least one table of vectors, got none")
    for at, array in enumerate(arrays):
        if array.ndim != 2 or not array.size or len(array) != len(arrays[0]):
            raise ValueError(
                f"members must be tables of {len(arrays[0])} rows, got shape {array.shape} for member {at}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"members must be finite, got other values in member {at}")
    return arrays


def _weights(weights: ArrayLike | None, count: int) -> NDArray[np.float64]:
    if weights is None:
        return np.ones(count)
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (count,) or not (np.isfinite(array) & (array > 0)).all():
        raise ValueError(f"weights must be {count} finite numbers > 0, one a member, got {array.tolist()}")
    return array
