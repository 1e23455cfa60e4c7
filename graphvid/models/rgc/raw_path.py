"""The path of the features without the network: scaled, projected to their leading directions, as unit rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional as F

from graphvid._random import seeded
from graphvid.data import Standardizer, Table
from graphvid.data.feature_tables import BLOCK_VALUES, JoinedTable, row_blocks, unit_rows, values_per_row
from graphvid.nn import FeatureRows, Standardize
from graphvid.nn.feature_rows import concatenated, standardized_linear
from graphvid.ops import Adjacency

from .inputs import rows_on

Raw = Literal["none", "raw", "standardised", "idf"]

_DIRECTIONS_STREAM = 2  # stream of config.seed, apart from that of dropout
_ROWS = (
    16_384  # rows for the fit of the directions: it bounds time and memory, and more rows hardly change the directions
)
_OVERSAMPLING, _ITERATIONS = 10, 3
_LEAST_IDF = 1e-6  # idf of a column that all videos have, which has no information
_LEAST_LENGTH = 1e-12


class RawPath(nn.Module):
    r"""Map features to unit rows: scaled, and projected to their leading directions.

    .. math::

       r(x) = \operatorname{normalize}(h(x) V), \qquad h(x) = \operatorname{normalize}\bigl((x - \mu) / \sigma\bigr)

    The columns of :math:`V` are the leading right singular vectors of :math:`h` over training videos (latent semantic
    analysis). Without :math:`V` all columns stay. A video without features gives 0.

    Parameters
    ----------
    dims : mapping of str to int
        Columns of every modality; the modalities are concatenated.
    dim : int or None
        Columns of :math:`V`, at most as many as the features have; None: no projection.
    trained : bool, default False
        Whether :math:`V` is a parameter, which may then have more columns: the others begin at 0.

    Notes
    -----
    :math:`\mu`, :math:`\sigma` and :math:`V` are buffers: saved and moved with the weights, and no optimiser changes them,
    except a trained :math:`V`. `fit` sets them.

    Examples
    --------
    >>> features = {"look": np.array([[2.0, 0.0], [0.0, 0.0], [1.0, 1.0]], dtype=np.float32)}
    >>> whole = RawPath({"look": 2}, None).fit("raw", features, seed=0)
    >>> whole({"look": torch.tensor([[3.0, 4.0], [0.0, 0.0]])})
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """

    directions: Tensor

    def __init__(self, dims: Mapping[str, int], dim: int | None, *, trained: bool = False) -> None:
        super().__init__()
        columns = sum(dims.values())
        if dim is not None and dim > columns and not trained:
            raise ValueError(f"raw_dim must be at most {columns}, the columns of the features, got {dim}")
        self.dims = dict(dims)
        self.whole = dim is None
        self.scale = Standardize(columns)
        directions = torch.zeros(columns, 0 if dim is None else dim)
        if trained:
            self.directions = nn.Parameter(directions)
        else:
            self.register_buffer("directions", directions)

    def forward(self, features: Mapping[str, FeatureRows]) -> Tensor:
        """Return unit rows, shape ``(batch, dim)``."""
        return F.normalize(self.project(features), dim=-1)

    def project(self, features: Mapping[str, FeatureRows]) -> Tensor:
        """Return the rows before scaling to unit length; the first k columns are the projection to k columns."""
        blocks = [features[name] for name in self.dims]
        if self.whole or all(isinstance(x, Tensor) for x in blocks):
            rows = self.scale(concatenated([x if isinstance(x, Tensor) else _dense(x) for x in blocks]))
            return rows if self.whole else F.normalize(rows, dim=-1) @ self.directions
        parts = [self._sparse_or_dense(x, columns) for x, columns in zip(blocks, self._columns(), strict=True)]
        product, squares = (torch.stack(of_parts).sum(dim=0) for of_parts in zip(*parts, strict=True))
        return product / squares.sqrt().clamp(min=_LEAST_LENGTH)[:, None]

    @torch.no_grad()
    def vectors(self, tables: Mapping[str, Table], rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Return `project` of rows of tables, all by default, a block at a time."""
        joined = JoinedTable([tables[name] for name in self.dims])
        count = joined.shape[0] if rows is None else len(rows)
        step = max(1, int(BLOCK_VALUES / max(values_per_row(joined), 1)))
        found = np.empty((count, len(self.scale.mean) if self.whole else self.directions.shape[1]), np.float32)
        for start in range(0, count, step):
            at = slice(start, start + step)
            chosen = at if rows is None else rows[at]
            block = {name: rows_on(tables[name][chosen], self.directions.device) for name in self.dims}
            found[at] = self.project(block).cpu().numpy()
        return found

    def _columns(self) -> list[slice]:
        ends = np.cumsum(list(self.dims.values()))
        return [slice(int(end) - size, int(end)) for end, size in zip(ends, self.dims.values(), strict=True)]

    def _sparse_or_dense(self, x: FeatureRows, columns: slice) -> tuple[Tensor, Tensor]:
        """Return a modality's part of the products with the directions and of the squared lengths of the rows."""
        mean, scale, directions = self.scale.mean[columns], self.scale.scale[columns], self.directions[columns]
        if isinstance(x, Tensor):
            rows = (x - mean) / scale
            return rows @ directions, rows.square().sum(dim=1)
        assert x.weight is not None
        column, row, centre = x.ends("src").long(), x.ends("dst").long(), mean / scale
        value = x.weight / scale[column]
        change = value.square() - 2 * value * centre[column]
        squares = centre.square().sum() + change.new_zeros(x.num_dst).index_add_(0, row, change)
        return standardized_linear(x, mean, scale, directions.t()), squares.clamp(min=0)

    def fit(
        self, kind: Raw, features: Mapping[str, Table], rows: NDArray[np.int64] | None = None, *, seed: int
    ) -> RawPath:
        r"""Set shift, scale and directions from training videos.

        Parameters
        ----------
        kind : {"raw", "standardised", "idf"}
            ``"raw"``: unchanged. ``"standardised"``: by mean and deviation. ``"idf"``: each column times
            :math:`\log\bigl((1 + n) / (1 + n_c)\bigr)`, where :math:`n_c` of :math:`n` videos have it, for counts and words.
        features : mapping of str to table
            By modality; see `RelationalGraphClustering`.
        rows : ndarray of int64, optional
            Rows of the training videos. Default: all.
        seed : int
            Seed of the drawn rows and of the randomised decomposition.

        Raises
        ------
        ValueError
            ``"idf"`` with negative features.

        Notes
        -----
        The directions are those of a randomised decomposition of at most 16,384 rows; sparse rows stay sparse.
        If the rows span fewer directions than ``dim``, the last directions are 0.

        References
        ----------
        Halko, Martinsson and Tropp, "Finding structure with randomness", SIAM Review 2011.
        """
        joined = JoinedTable([features[name] for name in self.dims])
        rows = np.arange(joined.shape[0]) if rows is None else rows
        mean, scale = _shift_and_scale(kind, joined, rows)
        self.scale.set(torch.from_numpy(mean), torch.from_numpy(scale))
        if self.whole:
            return self
        if len(rows) > _ROWS:
            drawn = np.random.default_rng([seed, _DIRECTIONS_STREAM]).permutation(len(rows))[:_ROWS]
            rows = rows[np.sort(drawn)]
        dim = self.directions.shape[1]
        with seeded(seed, _DIRECTIONS_STREAM), torch.no_grad():
            block = joined[rows]
            found = _leading(block, mean, scale, min(dim + _OVERSAMPLING, *block.shape))[:, :dim]
            self.directions.zero_()
            self.directions[:, : found.shape[1]] = found
        return self


def _shift_and_scale(
    kind: Raw, table: Table, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    columns = table.shape[1]
    mean, scale = np.zeros(columns, np.float32), np.ones(columns, np.float32)
    if kind == "standardised":
        fitted = Standardizer.fit(table, rows)
        return fitted.mean.astype(np.float32), fitted.scale.astype(np.float32)
    if kind == "idf":
        having, least = np.zeros(columns), np.inf
        for _, block in row_blocks(table, rows):
            least = min(least, block.min())
            having += np.asarray((block > 0).sum(axis=0)).ravel()
        if least < 0:
            raise ValueError(f"features must be >= 0 with raw 'idf', got {least}")
        weight = np.log((1 + len(rows)) / (1 + having))
        scale = (1 / np.maximum(weight, _LEAST_IDF)).astype(np.float32)
    return mean, scale


def _leading(block: Any, mean: NDArray[np.float32], scale: NDArray[np.float32], rank: int) -> Tensor:  # Any: a Block
    """Return the leading right singular vectors of scaled rows of length 1, one for each column.

    For sparse rows the products subtract the centre, so that the rows stay sparse.
    """
    if not (sparse.issparse(block) and mean.any()):
        return torch.svd_lowrank(_unit(block, mean, scale), q=rank, niter=_ITERATIONS)[2]
    scaled, centre = _scaled(block, scale), mean / scale
    squares = scaled.power(2).sum(axis=1) - 2 * (scaled @ centre) + centre @ centre
    length = (1 / np.sqrt(np.maximum(squares, _LEAST_LENGTH))).astype(np.float32)
    rows = sparse.csr_array(scaled * length[:, None])

    def times(x: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = rows @ x - length[:, None] * (centre @ x)
        return found

    def transposed_times(x: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = rows.T @ x - centre[:, None] * (length @ x)
        return found

    basis = np.linalg.qr(times(torch.randn(block.shape[1], rank).numpy()))[0]
    for _ in range(_ITERATIONS):
        basis = np.linalg.qr(times(np.linalg.qr(transposed_times(basis))[0]))[0]
    return torch.from_numpy(np.linalg.svd(transposed_times(basis), full_matrices=False)[0])


def _unit(block: Any, mean: NDArray[np.float32], scale: NDArray[np.float32]) -> Tensor:  # Any: a Block
    """Return scaled rows at length 1; sparse rows, which have no centre here, stay sparse."""
    if sparse.issparse(block):
        coo = sparse.coo_array(unit_rows(_scaled(block, scale)))
        return torch.sparse_coo_tensor(
            torch.from_numpy(np.stack([coo.row, coo.col])),
            torch.from_numpy(coo.data),
            coo.shape,
            is_coalesced=True,
            check_invariants=True,
        )
    return F.normalize(torch.from_numpy((block - mean) / scale), dim=-1)


def _scaled(block: sparse.csr_array, scale: NDArray[np.float32]) -> sparse.csr_array:
    return sparse.csr_array((block.data / scale[block.indices], block.indices, block.indptr), block.shape)


def _dense(x: Adjacency) -> Tensor:
    assert x.weight is not None
    rows = x.weight.new_zeros(x.num_dst, x.num_src)
    rows[x.ends("dst").long(), x.ends("src").long()] = x.weight
    return rows
