"""What an edge list must be, and the errors that name the edge that is not."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid.clustering._input_kernels import EdgeFacts

Duplicates = Literal["error", "sum", "max"]


def id_type(num_nodes: int) -> type[np.int32] | type[np.int64]:
    """Return the type of node ids."""
    return np.int32 if num_nodes < 2**31 else np.int64


def check_policies(self_loops: str, duplicates: str) -> None:
    """Raise for unknown policies."""
    if self_loops not in ("drop", "error"):
        raise ValueError(f"self_loops must be 'drop' or 'error', got {self_loops!r}")
    if duplicates not in get_args(Duplicates):
        raise ValueError(f"duplicates must be one of {get_args(Duplicates)}, got {duplicates!r}")


def edge_arrays(
    src: ArrayLike, dst: ArrayLike, weight: ArrayLike | None, num_nodes: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the edge list as arrays of one length and of types the kernels take."""
    if num_nodes < 0:
        raise ValueError(f"num_nodes must be >= 0, got {num_nodes}")
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
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    if values.shape != ends[0].shape:
        raise ValueError(f"weight must have shape {ends[0].shape}, one per edge, got {values.shape}")
    return ends[0], ends[1], values


def check_facts(
    facts: EdgeFacts, src: NDArray[Any], dst: NDArray[Any], values: NDArray[Any], num_nodes: int,
    self_loops: str,
) -> None:  # fmt: skip
    """Raise for ids, weights and self-loops that are not accepted."""
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
    """Raise with the first edge, by (low, high, weight), that lacks its mirror image."""
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
