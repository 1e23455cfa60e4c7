"""Builder of a relational graph from a list of edges; all relational graphs have this form."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_choice, check_integer, node_ids
from graphvid._dgl import DGLGraph, dgl
from graphvid.graphs.alignment import carry_ids

ETYPE = ("video", "co_watch", "video")


def relation_graph(
    src: ArrayLike,
    dst: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    num_nodes: int,
    duplicates: Literal["error", "sum", "max"] = "error",
    ids: Any = None,  # Any: ids of any hashable type
) -> DGLGraph:
    """Return the undirected graph of an edge list in which each pair of videos is given once.

    Parameters
    ----------
    src, dst : array_like of integers, shape (num_pairs,)
        Ends of every edge, in ``[0, num_nodes)``; the direction has no meaning.
    weight : array_like of numbers, shape (num_pairs,), optional
        Similarity of the ends, finite, >= 0, larger is better. Zero is an edge like any other.
        Default: 1 for every edge.
    num_nodes : int
        Number of videos, those without an edge included.
    duplicates : {"error", "sum", "max"}, default "error"
        Treatment of a pair that is given more than once, in the same or the other direction: raise an error (a sum would
        double the weights of a list that holds both directions), or merge its weights.
    ids : array_like, shape (num_nodes,), optional
        Original id of every video, ``features.ids``, so that `check_alignment` can detect features in another order.

    Returns
    -------
    DGLGraph
        Node type ``"video"``; edge type ``("video", "co_watch", "video")`` with both directions of each edge, sorted by
        (source, destination); ``edata["weight"]`` float32 of shape (2 * num_edges,); int64 ids; on the CPU. With ``ids``
        also ``ndata["id_hash"]`` int64.

    Raises
    ------
    TypeError
        Ends that are not integers, a weight that is not a number.
    ValueError
        Arrays of unequal length, an id out of range, an edge from a video to itself, a weight that is negative or not
        finite, a repeated pair when ``duplicates="error"``; the message names the first such edge by its row and its ids.

    Notes
    -----
    O(num_pairs log num_pairs) time, about 150 bytes per pair at the peak. Weights are summed in float64 in ascending
    order, so that the result does not depend on the order of the rows.

    Examples
    --------
    >>> graph = relation_graph([0, 2], [1, 1], [3.0, 0.5], num_nodes=4)
    >>> graph.edges()
    (tensor([0, 1, 1, 2]), tensor([1, 0, 2, 1]))
    >>> graph.edata["weight"]
    tensor([3.0000, 3.0000, 0.5000, 0.5000])
    """
    check_integer("num_nodes", num_nodes, 0)
    check_choice("duplicates", duplicates, ("error", "sum", "max"))
    if num_nodes > 2**31:
        raise ValueError(f"num_nodes must be at most 2**31, so that pairs are numbers of 64 bits, got {num_nodes}")
    u, v = (node_ids(name, ids, num_nodes, "(num_pairs,)") for name, ids in (("src", src), ("dst", dst)))
    w = np.ones(len(u)) if weight is None else _weights(weight)
    if not len(u) == len(v) == len(w):
        raise ValueError(f"src, dst and weight must have equal lengths, got {len(u)}, {len(v)} and {len(w)}")
    _refuse(u == v, "src and dst must differ in every row", ids, u, v)
    _refuse(~np.isfinite(w) | (w < 0), "weight must be finite and >= 0", ids, u, v, w)
    low, high, merged = _merge(u, v, w, num_nodes, duplicates, ids)
    graph = undirected_graph(low, high, merged.astype(np.float32), num_nodes)
    return graph if ids is None else carry_ids(graph, ids)


def undirected_graph(
    src: NDArray[np.int64], dst: NDArray[np.int64], weight: NDArray[np.float32], num_nodes: int
) -> DGLGraph:
    """Return the graph with both directions of each given edge, sorted by (source, destination)."""
    both_src, both_dst = np.concatenate([src, dst]), np.concatenate([dst, src])
    order = np.argsort(both_src * num_nodes + both_dst)
    both_src, both_dst = both_src[order], both_dst[order]
    both_weight = weight[np.where(order < len(weight), order, order - len(weight))]
    graph = dgl.heterograph(
        {ETYPE: (torch.from_numpy(both_src), torch.from_numpy(both_dst))},
        num_nodes_dict={ETYPE[0]: num_nodes},
        idtype=torch.int64,
    )
    graph.edata["weight"] = torch.from_numpy(both_weight)
    return graph


def _weights(values: ArrayLike) -> NDArray[np.float64]:
    weight = np.asarray(values)
    if weight.ndim != 1:
        raise ValueError(f"weight must have shape (num_pairs,), got {weight.shape}")
    if weight.size and not (np.issubdtype(weight.dtype, np.floating) or np.issubdtype(weight.dtype, np.integer)):
        raise TypeError(f"weight must hold real numbers, got dtype {weight.dtype}")
    return weight.astype(np.float64)


def _refuse(
    bad: NDArray[np.bool_],
    rule: str,
    ids: Any,  # Any: ids of any hashable type
    u: NDArray[np.int64],
    v: NDArray[np.int64],
    *others: NDArray[Any],
) -> None:
    """Raise with the first bad row, if there is one."""
    rows = np.flatnonzero(bad)
    if rows.size:
        ends = [end[rows[0]] if ids is None else list(ids)[end[rows[0]]] for end in (u, v)]
        values = ", ".join(str(value) for value in (*ends, *(other[rows[0]] for other in others)))
        raise ValueError(f"{rule}, got ({values}) in row {rows[0]} and {rows.size - 1} more such rows")


def _merge(
    u: NDArray[np.int64],
    v: NDArray[np.int64],
    weight: NDArray[np.float64],
    num_nodes: int,
    duplicates: str,
    ids: Any,  # Any: ids of any hashable type
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the distinct pairs, smaller end first, with one weight each."""
    key = np.minimum(u, v) * num_nodes + np.maximum(u, v)
    order = np.lexsort((weight, key))
    sorted_key, sorted_weight = key[order], weight[order]
    is_start = np.ones(len(key), bool)
    is_start[1:] = sorted_key[1:] != sorted_key[:-1]
    if duplicates == "error":
        repeated = np.zeros(len(key), bool)
        repeated[order[~is_start]] = True
        rule = "each pair must be given once, in one direction (duplicates='sum' or 'max' merges its weights)"
        _refuse(repeated, rule, ids, u, v)
    starts = np.flatnonzero(is_start)
    if starts.size:
        merge = np.add if duplicates == "sum" else np.maximum
        sorted_weight = merge.reduceat(sorted_weight, starts)
    keys = sorted_key[starts]
    return keys // max(num_nodes, 1), keys % max(num_nodes, 1), sorted_weight
