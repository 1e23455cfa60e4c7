"""Normalisation factors of the two hops between users and clips."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch

from graphvid._checks import check_choice
from graphvid._dgl import DGLGraph

Norm = Literal["sym", "mean", "official"]


class EdgeNorms(NamedTuple):
    """Factors of the two hops of one relation, one for each edge in the order of the graph.

    Parameters
    ----------
    to_user : Tensor of float32, shape (num_edges,)
        Factors of the first hop, from clips to users.
    to_clip : Tensor of float32, shape (num_edges,)
        Factors of the return hop, from users to clips (or to videos, if the positives are stored once a video).
    """

    to_user: torch.Tensor
    to_clip: torch.Tensor


def edge_norms(graph: DGLGraph, relation: Literal["pos", "neg"], *, norm: Norm = "sym") -> EdgeNorms:
    r"""Return the factor of each edge of a relation for messages to the user and back to the clip.

    With weights :math:`R_{uc}` and degrees :math:`d_u = \sum_c R_{uc}`, :math:`d_c = \sum_u R_{uc}` of this relation:

    ==========  ====================================  ====================================
    ``norm``    to the user                           back to the clip
    "sym"       :math:`R_{uc} / \sqrt{d_u d_c}`       :math:`R_{uc} / \sqrt{d_u d_c}`
    "mean"      :math:`R_{uc} / d_u`                  :math:`R_{uc} / d_c`
    "official"  :math:`R_{uc} / d_u`                  :math:`R_{uc} / d_u`
    ==========  ====================================  ====================================

    Parameters
    ----------
    graph : DGLGraph
        Made by `user_clip_graph`, or with its node and edge types and ``edata["weight"]``, >= 0.
    relation : {"pos", "neg"}
        The relation.
    norm : {"sym", "mean", "official"}, default "sym"
        "sym" understands the paper's "normalised" as graph convolutions do; "official" is the authors' code.

    Returns
    -------
    EdgeNorms
        float32, on the graph's device. The factors of the edges of a node of degree 0 (all its weights are 0) are 0. If
        the positives are stored once a video, a user's degree counts every clip of the video.

    Raises
    ------
    ValueError
        Another ``relation`` or ``norm``, a graph without the relation or its weights.

    Notes
    -----
    O(num_nodes + num_edges) time and memory; degrees are summed in float64.

    Examples
    --------
    >>> import numpy as np
    >>> from graphvid.graphs import ClipLabels, user_clip_graph
    >>> ids = np.array([0, 0, 0])
    >>> labels = ClipLabels(ids, np.array([0, 1, 2]), np.array([0, 1, 1]), ids + 1, np.arange(3), 2, {})
    >>> graph = user_clip_graph(labels, num_users=1, num_videos=3)
    >>> edge_norms(graph, "neg", norm="mean")
    EdgeNorms(to_user=tensor([0.3333, 0.3333, 0.3333]), to_clip=tensor([1., 1., 1.]))
    """
    check_choice("relation", relation, ("pos", "neg"))
    check_choice("norm", norm, get_args(Norm))
    if not isinstance(graph, DGLGraph):
        raise TypeError(f"graph must be a DGLGraph, got {type(graph).__name__}")
    types = [etype for etype in graph.canonical_etypes if etype[:2] == ("user", relation)]
    if len(types) != 1:
        raise ValueError(f"graph must have one edge type 'user' -> {relation!r}, got {graph.canonical_etypes}")
    etype = types[0]
    if "weight" not in graph.edges[etype].data:
        raise ValueError(f"graph must have the edge data 'weight' on {etype}, got {list(graph.edges[etype].data)}")
    user, node = graph.edges(etype=etype)
    weight = graph.edges[etype].data["weight"].double()
    clips_per_node = graph.num_nodes("clip") // max(graph.num_nodes("video"), 1) if etype[2] == "video" else 1
    user_degree = weight.new_zeros(graph.num_nodes("user")).index_add_(0, user, weight)[user] * clips_per_node
    node_degree = weight.new_zeros(graph.num_nodes(etype[2])).index_add_(0, node, weight)[node]
    if norm == "sym":
        to_user = to_clip = _ratio(weight, (user_degree * node_degree).sqrt())
    else:
        to_user = _ratio(weight, user_degree)
        to_clip = to_user if norm == "official" else _ratio(weight, node_degree)
    return EdgeNorms(to_user, to_clip)


def _ratio(weight: torch.Tensor, degree: torch.Tensor) -> torch.Tensor:
    return torch.where(degree > 0, weight / degree, 0.0).float()
