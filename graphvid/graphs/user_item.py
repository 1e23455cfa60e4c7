"""Builder of the bipartite graph of users and items from interactions."""

from __future__ import annotations

import torch

from graphvid._dgl import DGLGraph, dgl
from graphvid.data import Interactions

WATCHES = ("user", "watches", "item")
WATCHED_BY = ("item", "watched_by", "user")


def user_item_graph(train: Interactions) -> DGLGraph:
    """Return the bipartite graph of users and the items they interacted with, in both directions.

    Parameters
    ----------
    train : Interactions
        Training pairs only, without the pairs to predict.

    Returns
    -------
    DGLGraph
        Node types ``user`` and ``item``, with a node for every user and item, those without a pair included. Edge types
        ``("user", "watches", "item")`` and ``("item", "watched_by", "user")``; edge e of either is pair e of ``train``,
        so edges are sorted by (user, item). int64 ids, no data, on the CPU.

    Raises
    ------
    TypeError
        ``train`` is no `Interactions`.

    Notes
    -----
    O(num_interactions) time; 32 bytes a pair.

    Examples
    --------
    >>> graph = user_item_graph(Interactions.from_pairs([0, 1, 1], [2, 0, 2]))
    >>> graph.num_nodes("user"), graph.num_nodes("item")
    (2, 3)
    >>> graph.edges(etype="watched_by")
    (tensor([2, 0, 2]), tensor([0, 1, 1]))
    """
    if not isinstance(train, Interactions):
        raise TypeError(f"train must be an Interactions, got {type(train).__name__}")
    users, items = torch.from_numpy(train.users), torch.tensor(train.items)
    return dgl.heterograph(
        {WATCHES: (users, items), WATCHED_BY: (items, users)},
        num_nodes_dict={"user": train.num_users, "item": train.num_items},
        idtype=torch.int64,
    )
