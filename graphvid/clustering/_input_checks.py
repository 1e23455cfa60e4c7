"""Checks of edge lists; an error names the wrong edge."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_choice, check_indptr, check_integer
from graphvid.clustering._input_kernels import EdgeFacts

Duplicates = Literal["error", "sum", "max"]


def id_type(num_nodes: int) -> type[np.int32] | type[np.int64]:
    """Return the type of node ids."""
    return np.int32 if num_nodes < 2**31 else np.int64


def check_policies(self_loops: str, duplicates: str) -> None:
    """Raise for unknown policies."""
    check_choice("self_loops", self_loops, ("drop", "error"))
    check_choice("duplicates", duplicates, get_args(Duplicates))


def edge_arrays(
    src: ArrayLike, dst: ArrayLike, weight: ArrayLike | None, num_nodes: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the edge list as arrays of equal length and of types that the kernels take."""
    check_integer("num_nodes", num_nodes, 0)
    ends = []
    for name, given in (("src", src), ("dst", dst)):
        ids = np.asarray(given)
        if ids.ndim != 1:
            raise ValueError(f"{name} must have one dimension, got shape {ids.shape}")
        if len(ids) and not np.issubdtype(ids.dtype, np.signedinteger):
            raise TypeError(f"{name} must hold signed integers, got {ids.dtype}")
        ends.append(ids if ids.dtype in (np.int32, np.int64) else ids.astype(np.int64))
    if len(ends[0]) != len(ends[1]):
        raise ValueError(f"src and dst must have the same length, got {len(ends[0])} and {len(ends[1])}")
    values = np.ones(len(ends[0]), np.float32) if weight is None else np.asarray(weight)
    check_weights("weight", values)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    if values.shape != ends[0].shape:
        raise ValueError(f"weight must have shape {ends[0].shape}, one per edge, got {values.shape}")
    return ends[0], ends[1], values


def check_weights(name: str, values: NDArray[Any]) -> None:
    """Raise unless ``values`` are real numbers or bool."""
    if values.size and values.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {values.dtype}")


def check_compressed(matrix: Any) -> None:
    """Raise unless the arrays of a SciPy matrix in CSR, CSC or BSR form fit each other and its shape."""
    outer, inner = matrix.shape if matrix.format != "csc" else matrix.shape[::-1]
    if matrix.format == "bsr":
        rows, columns = matrix.data.shape[1:]
        outer, inner = outer // max(rows, 1), inner // max(columns, 1)
    indptr, indices = matrix.indptr, matrix.indices
    if len(indptr) != outer + 1:
        raise ValueError(f"matrix.indptr must have shape ({outer + 1},), got {indptr.shape}")
    check_indptr("matrix.indptr", indptr, int(indptr[-1]))
    if not isinstance(indices, np.ndarray) or indices.dtype.kind not in "iu" or indices.ndim != 1:
        raise TypeError(f"matrix.indices must be a 1-D array of integers, got dtype {indices.dtype}")
    stored = int(indptr[-1])
    if len(indices) < stored or len(matrix.data) < stored:
        raise ValueError(
            f"matrix.indices and matrix.data must hold the {stored} entries of matrix.indptr, got {len(indices)} and "
            f"{len(matrix.data)}"
        )
    if stored and (indices[:stored].min() < 0 or indices[:stored].max() >= inner):
        low, high = indices[:stored].min(), indices[:stored].max()
        raise ValueError(f"matrix.indices must lie in [0, {inner}), got {low} to {high}")


def check_facts(
    facts: EdgeFacts,
    src: NDArray[Any],
    dst: NDArray[Any],
    values: NDArray[Any],
    num_nodes: int,
    self_loops: str,
) -> None:
    """Raise for ids out of range, weights that are not finite, and self-loops that are not accepted."""
    e = facts.bad_id
    if e >= 0:
        name, ids = ("dst", dst) if 0 <= src[e] < num_nodes else ("src", src)
        raise ValueError(f"{name} must lie in 0..{num_nodes - 1}, got {ids[e]} in edge {e}")
    e = facts.bad_weight
    if e >= 0:
        raise ValueError(f"weight must be finite, got {values[e]} for edge {e}, ({src[e]}, {dst[e]})")
    if not np.isfinite(facts.magnitude):
        raise ValueError(f"weight must have a finite sum of magnitudes in float64, got {facts.magnitude}")
    e = facts.first_loop
    if e >= 0 and self_loops == "error":
        count = len(src) - facts.num_up - facts.num_down
        raise ValueError(f"the graph must have no self-loops, got {count}; the first is edge {e} of node {src[e]}")


def name_unmirrored(src: NDArray[Any], dst: NDArray[Any], values: NDArray[Any]) -> None:
    """Raise an error that names the first edge, by (low, high, weight), without a mirror image."""
    low, high = np.minimum(src, dst), np.maximum(src, dst)
    order = np.lexsort((values, high, low))
    order = order[src[order] != dst[order]]
    change = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0) | (np.diff(values[order]) != 0)
    group = np.concatenate([[0], np.cumsum(change)])
    balance = np.bincount(group, weights=np.where(src[order] < dst[order], 1.0, -1.0))
    e = int(order[np.argmax(balance[group] != 0)])
    raise ValueError(
        f"the graph is declared symmetric, but edge {e}, ({src[e]}, {dst[e]}) with weight {values[e]}, has no mirror "
        "image with the same weight; pass symmetric=False if each edge is given once"
    )
