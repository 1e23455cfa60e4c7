"""Split of the videos into a training and a test part, and the subgraph of each part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer, check_number, check_seed, node_ids
from graphvid._dgl import DGLGraph, dgl


class NodeSplit(NamedTuple):
    """Videos of the training part and of the test part.

    Parameters
    ----------
    train, test : ndarray of int64
        Ids in ascending order; together every video once.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def split_nodes(num_nodes: int, *, train_fraction: float = 0.7, seed: int = 0) -> NodeSplit:
    """Split the videos 0 ... ``num_nodes - 1`` at random into a training and a test part.

    Parameters
    ----------
    num_nodes : int
        Number of videos, >= 2.
    train_fraction : float, default 0.7
        Share of the training part, in (0, 1); 7:3 is the split of Lee et al. (CVPR 2020). The part has
        ``round(train_fraction * num_nodes)`` videos, at least 1 and at most ``num_nodes - 1``.
    seed : int, default 0
        Seed of the split, >= 0.

    Returns
    -------
    NodeSplit

    Raises
    ------
    ValueError
        An argument is outside its range.

    Examples
    --------
    >>> split = split_nodes(10)
    >>> len(split.train), len(split.test)
    (7, 3)
    """
    check_integer("num_nodes", num_nodes, 2, 2**31)
    if check_number("train_fraction", train_fraction, "a number in (0, 1)", least=5e-324, most=1) == 1:
        raise ValueError(f"train_fraction must be a number in (0, 1), got {train_fraction!r}")
    check_seed(seed)
    size = min(max(round(train_fraction * num_nodes), 1), num_nodes - 1)
    order = np.random.default_rng(seed).permutation(num_nodes)
    return NodeSplit(np.sort(order[:size]), np.sort(order[size:]))


def node_subgraph(graph: DGLGraph, ids: ArrayLike) -> DGLGraph:
    """Return the graph on some videos, with the edges that have both ends among them.

    Parameters
    ----------
    graph : DGLGraph
        A graph with one node type.
    ids : array_like of integers, shape (num_kept,)
        Distinct nodes of ``graph``. Node i of the result is ``ids[i]``.

    Returns
    -------
    DGLGraph
        Same types as ``graph``, with the node and edge data of the remaining nodes and edges.

    Raises
    ------
    TypeError
        ``ids`` are not integers.
    ValueError
        An id out of range or given twice, or a graph with several node types.

    Notes
    -----
    O(num_nodes + edges at the kept nodes). Judge embeddings of new videos, and make clusters, on such subgraphs: an edge
    between the parts would let the test videos take part in training.

    Examples
    --------
    >>> from graphvid.graphs import relation_graph
    >>> path = relation_graph([0, 1, 2], [1, 2, 3], num_nodes=4)
    >>> node_subgraph(path, [3, 0, 2]).edges()
    (tensor([0, 2]), tensor([2, 0]))
    """
    if not isinstance(graph, DGLGraph):
        raise TypeError(f"graph must be a DGLGraph, got {type(graph).__name__}")
    if len(graph.ntypes) != 1:
        raise ValueError(f"graph must have one node type, got {graph.ntypes}")
    nodes = node_ids("ids", ids, graph.num_nodes(), "(num_kept,)")
    values, counts = np.unique(nodes, return_counts=True)
    if nodes.size != values.size:
        raise ValueError(f"ids must be distinct, got {values[counts > 1][0]} {counts.max()} times")
    kept = torch.from_numpy(nodes).to(dtype=graph.idtype, device=graph.device)
    return dgl.node_subgraph(graph, {graph.ntypes[0]: kept}, relabel_nodes=True, store_ids=False)
