"""One relation of the user-clip graph for a training step, without the edges of the step's own targets."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from graphvid._dgl import DGLGraph
from graphvid.graphs.norms import Norm
from graphvid.ops import Adjacency
from graphvid.ops.neighbors import expand_ranges
from graphvid.sampling import NeighborPicks, sample_neighbors

# Powers of the degrees that a message is divided by: hop 1 at its clip and its user, hop 2 at its user and its clip.
_POWERS: dict[Norm, tuple[float, float, float, float]] = {
    "sym": (0.5, 0.5, 0.5, 0.5),
    "mean": (0.0, 1.0, 0.0, 1.0),
    "official": (0.0, 1.0, 1.0, 0.0),
}


class SampledEdges(NamedTuple):
    """The second hop of one step, and the edges that the first hop must leave out.

    Parameters
    ----------
    nodes : Tensor of int64, shape (num_nodes,)
        Clips of the step's videos, or the videos themselves if all clips of a video share their edges.
    picks : NeighborPicks
        Users picked for every node, without those of the step's targets.
    own : Tensor of int64, ascending
        Edges of the step's targets.
    own_node : Tensor of int64
        Place in ``nodes`` of each of these edges.
    degree : Tensor of float64, shape (num_nodes,)
        Degree of every node, without the targets' edges.
    num_edges : Tensor of int64, shape (num_nodes,)
        Number of edges of every node, without the targets'.
    """

    nodes: Tensor
    picks: NeighborPicks
    own: Tensor
    own_node: Tensor
    degree: Tensor
    num_edges: Tensor


class UserClipRelation(nn.Module):
    """Positive or negative edges of users and clips.

    Parameters
    ----------
    graph : DGLGraph
        Made by `graphvid.graphs.user_clip_graph`.
    name : {"pos", "neg"}
        The relation.
    num_clips : int
        Clips of a video.
    norm : {"sym", "mean", "official"}
        See `graphvid.graphs.edge_norms`.

    Attributes
    ----------
    kept_sums : Tensor of float64, shape (num_users, in_dim), or None
        `sums` over all videos, if they do not change in training.

    Notes
    -----
    A step removes the edges of its own (user, video) pairs from both hops and from the degrees, because they are the outcome
    to predict. It keeps the sums over the clips of each user for the whole graph and corrects them exactly. With the norms
    ``"mean"`` and ``"official"`` the correction covers the targets' edges; with ``"sym"`` it covers all edges of the
    targets' clips, because their degrees change.
    """

    keys: Tensor
    weight: Tensor
    user_degree: Tensor
    node_degree: Tensor
    node_count: Tensor
    kept_sums: Tensor | None

    def __init__(self, graph: DGLGraph, name: Literal["pos", "neg"], num_clips: int, norm: Norm) -> None:
        super().__init__()
        etype = next(etype for etype in graph.canonical_etypes if etype[:2] == ("user", name))
        user, node = graph.edges(etype=etype, order="eid")
        num_users, num_nodes = graph.num_nodes("user"), graph.num_nodes(etype[2])
        shared = etype[2] == "video"
        self.nodes_per_video, self.clips_per_node = (1, num_clips) if shared else (num_clips, 1)
        self._adjacency = Adjacency.from_coo(user, node, num_src=num_users, num_dst=num_nodes)
        self.clip_power, self.user_power, self.back_user_power, self.back_clip_power = _POWERS[norm]
        weight = graph.edges[etype].data["weight"]
        wide = weight.double()
        # Edges are sorted by user and node, so the edges between a user and a video are a range of keys.
        self.register_buffer("keys", user * num_nodes + node, persistent=False)
        self.register_buffer("weight", weight, persistent=False)
        degree = torch.zeros(num_users, dtype=torch.float64).index_add_(0, user, wide) * self.clips_per_node
        self.register_buffer("user_degree", degree, persistent=False)
        degree = torch.zeros(num_nodes, dtype=torch.float64).index_add_(0, node, wide)
        self.register_buffer("node_degree", degree, persistent=False)
        self.register_buffer("node_count", torch.bincount(node, minlength=num_nodes), persistent=False)
        self.register_buffer("kept_sums", None, persistent=False)

    @property
    def adjacency(self) -> Adjacency:
        """Edges from users to clips, or to videos, on the device of the module."""
        if self._adjacency.device != self.keys.device:
            self._adjacency = self._adjacency.to(self.keys.device)
        return self._adjacency

    def nodes(self, videos: Tensor) -> Tensor:
        """Return the nodes of videos, in their order."""
        first = videos * self.nodes_per_video
        return (first[:, None] + torch.arange(self.nodes_per_video, device=videos.device)).flatten()

    def node_inputs(self, clips: Tensor) -> Tensor:
        """Return the input of nodes, (num_nodes, in_dim), from that of clips, (num_videos, num_clips, in_dim)."""
        return clips.sum(1) if self.nodes_per_video == 1 else clips.flatten(0, 1)

    def sums(self, videos: Tensor, clips: Tensor) -> Tensor:
        """Return the sums over the clips of some videos at every user, (num_users, in_dim), in the dtype of ``clips``."""
        nodes = self.nodes(videos)
        edges = sample_neighbors(self.adjacency, nodes, -1)
        weight = self.weight[edges.edge_ids] * _inverse(self.node_degree, self.clip_power)[nodes][edges.dst_index]
        back = Adjacency.from_coo(
            edges.dst_index, edges.src, num_src=len(nodes), num_dst=len(self.user_degree), weight=weight.to(clips.dtype)
        )
        return back.spmm(self.node_inputs(clips))

    def edges(self, videos: Tensor, targets: Tensor | None, fanout: int, seed: int, step: int) -> SampledEdges:
        """Return the edges of one step.

        Parameters
        ----------
        videos : Tensor of int64, shape (num_videos,)
            Distinct, ascending.
        targets : Tensor of int64, shape (num_targets, 2), optional
            Distinct (user, video) pairs in ascending order, whose edges the step removes; the videos are among ``videos``.
        fanout, seed, step
            See `graphvid.sampling.sample_neighbors`. The step picks more users, as many as a node may lose to the targets,
            so that ``fanout`` remain.
        """
        nodes = self.nodes(videos)
        degree, count = self.node_degree[nodes], self.node_count[nodes]
        if targets is None:
            picks = sample_neighbors(self.adjacency, nodes, fanout, seed=seed, step=step)
            empty = nodes.new_empty(0)
            return SampledEdges(nodes, picks, empty, empty, degree, count)
        num_nodes = len(self.node_degree)
        first = targets[:, 0] * num_nodes + targets[:, 1] * self.nodes_per_video
        low = torch.searchsorted(self.keys, first)
        high = torch.searchsorted(self.keys, first + self.nodes_per_video)
        own, _ = expand_ranges(low, high - low)
        node = self.keys[own] % num_nodes
        at = torch.searchsorted(videos, torch.div(node, self.nodes_per_video, rounding_mode="floor"))
        own_node = at * self.nodes_per_video + node % self.nodes_per_video
        degree = degree.index_add(0, own_node, -self.weight[own].double())
        lost = torch.bincount(own_node, minlength=len(nodes))
        if fanout > 0:
            fanout += int(lost.max())
        picks = sample_neighbors(self.adjacency, nodes, fanout, seed=seed, step=step)
        keep = ~_is_in(picks.edge_ids, own)
        dst = picks.dst_index[keep]
        kept = torch.bincount(dst, minlength=len(nodes))
        picks = NeighborPicks(picks.edge_ids[keep], picks.src[keep], dst, nodes, kept)
        return SampledEdges(nodes, picks, own, own_node, degree, count - lost)

    def user_sums(
        self, sums: Tensor, users: Tensor, edges: SampledEdges | None, clips: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return normalised sums and degrees of users, without the targets' edges.

        Parameters
        ----------
        sums : Tensor, shape (num_all_users, in_dim)
            Result of `sums` over all videos.
        users : Tensor of int64, shape (num_users,)
            Distinct, ascending; the targets' users are among them.
        edges : SampledEdges, optional
            Edges of the step. Default: no edge is removed.
        clips : Tensor, shape (num_videos, num_clips, in_dim)
            Inputs of the step's clips.

        Returns
        -------
        Tensor, shape (num_users, in_dim)
        Tensor of float64, shape (num_users,)
        """
        total, degree = sums[users], self.user_degree[users]
        num_nodes = len(self.node_degree)
        if edges is not None and len(edges.own):
            own_user = torch.searchsorted(users, torch.div(self.keys[edges.own], num_nodes, rounding_mode="floor"))
            own_weight = self.weight[edges.own].double()
            degree = degree.index_add(0, own_user, -own_weight * self.clips_per_node)
            if self.clip_power:
                user, node, change = self._changed_edges(users, edges)
            else:
                user, node, change = own_user, edges.own_node, -own_weight
            correction = Adjacency.from_coo(
                node, user, num_src=len(edges.nodes), num_dst=len(users), weight=change.to(total.dtype)
            )
            total = total + correction.spmm(self.node_inputs(clips).to(total.dtype))
        return total * _inverse(degree, self.user_power)[:, None].to(total.dtype), degree

    def _changed_edges(self, users: Tensor, edges: SampledEdges) -> tuple[Tensor, Tensor, Tensor]:
        """Return user, node and change of weight of the edges of all clips that lose an edge to the targets."""
        touched = torch.unique(edges.own_node)
        around = sample_neighbors(self.adjacency, edges.nodes[touched], -1)
        node = touched[around.dst_index]
        at = torch.searchsorted(users, around.src).clamp(max=len(users) - 1)
        here = users[at] == around.src
        before = _inverse(self.node_degree[edges.nodes[node]], self.clip_power)
        after = _inverse(edges.degree[node], self.clip_power) * ~_is_in(around.edge_ids, edges.own)
        change = self.weight[around.edge_ids] * (after - before)
        return at[here], node[here], change[here]

    def into_nodes(self, users: Tensor, user_degree: Tensor, edges: SampledEdges, dtype: torch.dtype) -> Adjacency:
        """Return the second hop from ``users`` to the nodes of the step, weighted by the norm.

        If only some edges were picked, each pick gets the weight (number of edges) / (number of picks), so that the
        expectation is the sum over all edges.
        """
        picks = edges.picks
        src = torch.searchsorted(users, picks.src)
        weight = self.weight[picks.edge_ids].double()
        scale = _inverse(edges.degree, self.back_clip_power) * edges.num_edges / picks.counts.clamp(min=1)
        weight = weight * _inverse(user_degree, self.back_user_power)[src] * scale[picks.dst_index]
        indptr = torch.nn.functional.pad(picks.counts.cumsum(0), (1, 0))
        return Adjacency.from_rows(indptr, src, num_src=len(users), weight=weight.to(dtype))


def _inverse(degree: Tensor, power: float) -> Tensor:
    """Return ``degree ** -power``, and 0 for a node without an edge."""
    return torch.where(degree > 0, degree.clamp(min=1e-300) ** -power, 0.0)


def _is_in(ids: Tensor, among: Tensor) -> Tensor:
    """Return for each id whether it is in ``among``, which is ascending."""
    if not len(among):
        return torch.zeros_like(ids, dtype=torch.bool)
    at = torch.searchsorted(among, ids).clamp(max=len(among) - 1)
    return among[at] == ids
