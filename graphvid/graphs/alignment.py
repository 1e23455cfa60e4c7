"""Ids of a graph, stored as a hash for every node, and the check that features have the same order as the nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from graphvid._checks import node_ids
from graphvid._dgl import DGLGraph
from graphvid.data import ClipFeatures, Features, hash_ids

ID_HASH = "id_hash"


def carry_ids(graph: DGLGraph, ids: Any, ntype: str = "video") -> DGLGraph:  # Any: ids of any hashable type
    """Write a hash of each node's id into ``graph.nodes[ntype].data["id_hash"]``; return the same graph.

    `co_watch_graph` does it, and `relation_graph` with ``ids``. Subgraphs keep it.

    Parameters
    ----------
    graph : DGLGraph
        Changed in place.
    ids : array_like, shape (num_nodes,)
        Original id of every node: ``log.video_ids`` or ``features.ids``.
    ntype : str, default "video"
        Node type.

    Raises
    ------
    ValueError
        The graph has no such nodes, or another number of them.
    """
    if ntype not in graph.ntypes:
        raise ValueError(f"graph must have nodes of type {ntype!r}, got {graph.ntypes}")
    hashes = hash_ids(ids)
    if len(hashes) != graph.num_nodes(ntype):
        raise ValueError(f"ids must be as many as the {graph.num_nodes(ntype)} nodes, got {len(hashes)}")
    graph.nodes[ntype].data[ID_HASH] = torch.from_numpy(hashes.copy()).to(graph.device)
    return graph


def check_alignment(
    graph: DGLGraph, features: Features | ClipFeatures, ntype: str = "video", *, rows: ArrayLike | None = None
) -> None:
    """Raise unless row i of the features, or of those at ``rows``, belongs to node i of the graph.

    Parameters
    ----------
    graph : DGLGraph
        A graph that carries its ids (`co_watch_graph`, `relation_graph` with ``ids``, `carry_ids`), or a subgraph of it.
        For a graph without ids, only the number of nodes is compared.
    features : Features or ClipFeatures
        With the ids of the videos.
    ntype : str, default "video"
        Node type of the videos.
    rows : array_like of int, shape (num_nodes,), optional
        Row of the features of every node. Default: all, in their order.

    Raises
    ------
    TypeError
        ``features`` are no Features or ClipFeatures: plain arrays have no ids.
    ValueError
        The number of videos differs, or the videos or their order do; the message distinguishes the last two.

    Notes
    -----
    O(num_nodes) time. Ids are compared by a 64-bit hash, in which an integer equals the text that spells it.

    Examples
    --------
    >>> import numpy as np
    >>> from graphvid.graphs import relation_graph
    >>> features = Features(["b", "a", "c"], {"x": np.eye(3)})
    >>> graph = relation_graph([0, 1], [1, 2], num_nodes=3, ids=["a", "b", "c"])
    >>> check_alignment(graph, features.align(["a", "b", "c"]))
    >>> check_alignment(graph, features)
    Traceback (most recent call last):
        ...
    ValueError: row i of the features must belong to node i of the graph, got the same videos in another order (2 of 3 rows \
differ); features.align(log.video_ids) puts them in the order of the log
    """
    if not isinstance(features, (Features, ClipFeatures)):
        raise TypeError(f"features must be Features or ClipFeatures, which have ids, got {type(features).__name__}")
    if ntype not in graph.ntypes:
        raise ValueError(f"graph must have nodes of type {ntype!r}, got {graph.ntypes}")
    rule, num_nodes = "row i of the features must belong to node i of the graph", graph.num_nodes(ntype)
    ids = features.ids if rows is None else features.ids[node_ids("rows", rows, features.num_videos, "(num_nodes,)")]
    if len(ids) != num_nodes:
        raise ValueError(f"{rule}, got {len(ids)} rows for {num_nodes} nodes")
    stored = graph.nodes[ntype].data.get(ID_HASH)
    if stored is None:
        return
    of_nodes, of_rows = stored.cpu().numpy(), hash_ids(ids)
    differ = int(np.count_nonzero(of_nodes != of_rows))
    if not differ:
        return
    if np.array_equal(np.sort(of_nodes), np.sort(of_rows)):
        raise ValueError(
            f"{rule}, got the same videos in another order ({differ} of {num_nodes} rows differ); "
            f"features.align(log.video_ids) puts them in the order of the log"
        )
    absent = int(np.count_nonzero(~np.isin(of_nodes, of_rows)))
    raise ValueError(f"{rule}, got features of other videos: {absent} of {num_nodes} nodes have none")
