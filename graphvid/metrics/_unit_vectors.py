"""Cosines of some vectors with all vectors, which are in memory or read a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from graphvid.metrics._inputs import ArrayOrTensor, as_tensor, integers

_BLOCK_VALUES = 1 << 21  # of vectors, held at a time


class UnitVectors(Protocol):
    """Vectors of length 1."""

    num_vectors: int
    device: torch.device
    most_queries: int  # in a call of `scores`, so that the queries are a block too

    def scores(self, ids: Tensor) -> Tensor:
        """Return the cosines of some vectors with all, (num_ids, num_vectors)."""


def unit_vectors(embeddings: Any, rows: ArrayOrTensor | None) -> UnitVectors:  # Any: arrays, and tables of rows
    """Return the vectors of length 1, or raise an error about the embeddings or the rows."""
    is_table = hasattr(embeddings, "shape") and hasattr(embeddings, "__getitem__")
    in_memory = isinstance(embeddings, (np.ndarray, Tensor)) or not is_table
    if in_memory and (rows is None or not isinstance(embeddings, np.ndarray)):
        return _Whole(as_tensor(embeddings), rows)
    return _Blocks(embeddings, rows)


class _Whole:
    def __init__(self, vectors: Tensor, rows: ArrayOrTensor | None) -> None:
        chosen = None if rows is None else _check_rows(rows, len(vectors))
        taken = vectors if chosen is None else vectors[chosen.to(vectors.device)]
        self._vectors = _normalized(taken, None if chosen is None else chosen.numpy())
        self.num_vectors = self.most_queries = len(self._vectors)
        self.device = self._vectors.device

    def scores(self, ids: Tensor) -> Tensor:
        return self._vectors[ids] @ self._vectors.T


class _Blocks:
    device = torch.device("cpu")

    def __init__(self, table: Any, rows: ArrayOrTensor | None) -> None:
        if len(table.shape) != 2:
            raise ValueError(f"embeddings must have shape (num_videos, dim), got {tuple(table.shape)}")
        self._table = table
        self._rows = None if rows is None else _check_rows(rows, table.shape[0]).numpy()
        self.num_vectors = table.shape[0] if self._rows is None else len(self._rows)
        self._factors = getattr(table, "unit_factors", lambda rows: None)  # of a sparse table that is standardised
        of = table if self._factors(np.arange(0)) is None else table.table
        in_a_row = of.nnz / max(of.shape[0], 1) if sparse.issparse(of) else of.shape[1]
        most = (
            self.num_vectors // 8 if sparse.issparse(of) else self.num_vectors
        )  # sparse products need three times their memory
        self.most_queries = max(1, min(int(_BLOCK_VALUES / max(in_a_row, 1)), most))
        for _ in self._blocks():  # checks that all values are finite
            pass

    def scores(self, ids: Tensor) -> Tensor:
        queries = self._unit(ids.numpy())
        dtype = queries.dtype if isinstance(queries, Tensor) else torch.float32
        found = torch.empty(len(ids), self.num_vectors, dtype=dtype)
        for start, block in self._blocks():
            if sparse.issparse(block):
                product = torch.from_numpy((block @ queries.T).toarray()).T
            elif isinstance(block, Tensor):
                product = queries @ block.T
            else:
                scaled = (block.scaled @ queries.scaled.T).toarray().T
                product = torch.from_numpy(scaled + queries.left @ block.right.T)
            found[:, start : start + product.shape[1]] = product
        return found

    def _blocks(self) -> Iterator[tuple[int, Any]]:
        for start in range(0, self.num_vectors, self.most_queries):
            yield start, self._unit(np.arange(start, min(start + self.most_queries, self.num_vectors)))

    def _unit(self, ids: NDArray[np.int64]) -> Any:
        """Return some of the vectors at length 1, as a tensor, in sparse rows, or as factors of such."""
        rows = ids if self._rows is None else self._rows[ids]
        factors = self._factors(rows)
        if factors is not None:
            return factors
        block = self._table[rows]
        if not sparse.issparse(block):
            return _normalized(as_tensor(block), rows)
        in_row = np.repeat(np.arange(len(ids)), np.diff(block.indptr))
        wrong = np.flatnonzero(~np.isfinite(block.data))
        if wrong.size:
            at = wrong[0]
            raise _not_finite(block.data[at], rows[in_row[at]], block.indices[at])
        values = block.data.astype(np.float64)
        lengths = np.sqrt(np.bincount(in_row, np.square(values), len(ids)))
        unit = (values / np.where(lengths > 0, lengths, 1)[in_row]).astype(np.float32)
        return sparse.csr_array((unit, block.indices, block.indptr), shape=block.shape)


def _check_rows(rows: ArrayOrTensor, size: int) -> Tensor:
    chosen = integers("rows", rows).cpu()
    if chosen.numel() and (int(chosen.min()) < 0 or int(chosen.max()) >= size):
        raise ValueError(f"rows must be in [0, {size}), got {int(chosen.min())} to {int(chosen.max())}")
    return chosen


def _normalized(vectors: Tensor, rows: NDArray[np.int64] | None) -> Tensor:
    """Return vectors at length 1; ``rows`` are their numbers in the table, for an error."""
    if not vectors.is_floating_point():
        raise TypeError(f"embeddings must be floating point, got dtype {vectors.dtype}")
    if vectors.dim() != 2:
        raise ValueError(f"embeddings must have shape (num_videos, dim), got {tuple(vectors.shape)}")
    bad = torch.nonzero(~torch.isfinite(vectors))
    if bad.numel():
        row, column = bad[0].tolist()
        raise _not_finite(vectors[row, column].item(), row if rows is None else int(rows[row]), column)
    vectors = vectors.detach().to(torch.promote_types(vectors.dtype, torch.float32))
    largest = vectors.abs().amax(dim=1, keepdim=True) if vectors.shape[1] else vectors.new_ones(len(vectors), 1)
    scaled = vectors / torch.where(largest > 0, largest, 1)  # so that the squares neither overflow nor vanish
    return torch.nn.functional.normalize(scaled)


def _not_finite(value: float, row: int, column: int) -> ValueError:
    return ValueError(f"embeddings must be finite, got {value} in row {row}, column {column}")
