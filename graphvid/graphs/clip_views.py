"""Graphs of views of clips: typed edges are the pairs that a loss pulls together or pushes apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from graphvid._checks import check_choice, check_count, check_ids, check_tensor, shown
from graphvid._dgl import DGLGraph, dgl
from graphvid.graphs.edge_recipe import EDGE_TYPES, PULL, PUSH, EdgeRecipe, EdgeRule


class ClipEdges(NamedTuple):
    """Edges between views of clips, as `graphvid.losses.EdgeInfoNCE` and ``EdgeMargin`` take them.

    Parameters
    ----------
    anchor, other : Tensor of int64, shape (num_edges,)
        Nodes.
    weight : Tensor of float32, shape (num_edges,)
    """

    anchor: Tensor
    other: Tensor
    weight: Tensor


class ClipGraph:
    """Views of the clips of a batch, and entries of a memory: typed edges between nodes, and their DGL graph.

    Node ``view * batch_size + i`` is a view of video i, so the nodes' vectors are those of the views, one view after the
    other. Entries of a memory follow. The graph has no pixels.

    Parameters
    ----------
    nodes : mapping of str to Tensor, each of shape (num_nodes,)
        ``video``, ``start``, ``stride``, ``length``, ``view`` (-1 of an entry), ``encoder`` (0 query, 1 key) and ``code``.
    edges : mapping of str to ClipEdges
        Edges by type of `EdgeRule`; types without edges may be left out.
    recipe : EdgeRecipe
        The recipe of the edges.
    drawn : mapping of str to mapping of str to Tensor, optional
        Random values of the edges of a type, one entry for each edge.

    Notes
    -----
    Losses need only the edges, so the first use of `graph` builds the DGL graph. In each training step of a small network
    this would take 3 % of the time.

    Examples
    --------
    >>> recipe = EdgeRecipe([EdgeRule("same_clip", (0, 1)), EdgeRule("other_video", among="queue")])
    >>> graph = ClipGraph.from_batch(torch.tensor([5, 6]), recipe)
    >>> graph.pull().anchor.tolist(), graph.pull().other.tolist(), len(graph.push().anchor)
    ([0, 1], [2, 3], 0)
    >>> graph.with_queue(torch.tensor([6, 7])).push().other.tolist()
    [4, 5, 5]
    >>> graph.graph.num_edges("same_clip"), graph.graph.ndata["view"].tolist()
    (2, [0, 0, 1, 1])
    """

    def __init__(
        self,
        nodes: Mapping[str, Tensor],
        edges: Mapping[str, ClipEdges],
        recipe: EdgeRecipe,
        drawn: Mapping[str, Mapping[str, Tensor]] | None = None,
    ) -> None:
        self.nodes, self.recipe, self.drawn = nodes, recipe, drawn or {}
        self._edges = edges

    @cached_property
    def graph(self) -> DGLGraph:
        """The DGL graph: one node type ``clip``, all edge types of `EdgeRule`.

        Node data are `nodes`; edge data are ``weight``, ``gap`` and ``overlap`` of ``other_segment``, and the random values.
        """
        edges = {kind: self.edges(kind) for kind in EDGE_TYPES}
        graph = dgl.heterograph(
            {("clip", kind, "clip"): (of_kind.anchor, of_kind.other) for kind, of_kind in edges.items()},
            num_nodes_dict={"clip": len(self.nodes["video"])},
            idtype=torch.int64,
        )
        for name, values in self.nodes.items():
            graph.ndata[name] = values
        for kind, of_kind in edges.items():
            graph.edges[kind].data.update(weight=of_kind.weight, **self.drawn.get(kind, {}))
        gap, overlap = self.segments()
        graph.edges["other_segment"].data.update(gap=gap, overlap=overlap)
        return graph

    @classmethod
    def from_batch(
        cls,
        video: Tensor,
        recipe: EdgeRecipe,
        *,
        start: Tensor | None = None,
        stride: int = 1,
        length: int = 1,
        code: Tensor | None = None,
        encoder: Sequence[int] | None = None,
        drawn: Mapping[str, Mapping[str, Tensor]] | None = None,
    ) -> ClipGraph:
        """Make the graph of the views of a batch.

        Parameters
        ----------
        video : Tensor of int64, shape (batch_size,)
            Videos, each once.
        recipe : EdgeRecipe
        start : Tensor of int64, shape (num_views, batch_size), optional
            First frame of each view. Default: 0.
        stride, length : int
            Distance in frames between two frames of a clip, and number of frames of a clip.
        code : Tensor of int64, shape (num_views, batch_size), optional
            Codes of the transforms. Default: 0.
        encoder : sequence of int, optional
            0 for views of the query encoder, 1 for views of the key encoder. Default: all 0.
        drawn : mapping of str to mapping of str to Tensor, optional
            As in the class.

        Raises
        ------
        TypeError, ValueError
            Shapes do not fit, or a video comes twice.
        """
        if not isinstance(recipe, EdgeRecipe):
            raise TypeError(f"recipe must be an EdgeRecipe, got {type(recipe).__name__}")
        check_ids("video", video, None)
        if video.dim() != 1 or len(set(video.tolist())) != len(video):
            raise ValueError(f"video must be 1-D without repetition, got {shown(video)}")
        check_count("stride", stride, 1)
        check_count("length", length, 1)
        batch, views = len(video), recipe.num_views
        for name, values in (("start", start), ("code", code)):
            if values is not None:
                check_ids(name, values, None)
                if values.shape != (views, batch):
                    raise ValueError(f"{name} must have shape ({views}, {batch}), got {tuple(values.shape)}")
        encoders = (0,) * views if encoder is None else tuple(encoder)
        if len(encoders) != views or not set(encoders) <= {0, 1}:
            raise ValueError(f"encoder must hold 0 or 1 for each of the {views} views, got {encoders}")
        zeros = torch.zeros(views, batch, dtype=torch.int64)
        nodes = {
            "video": video.long().repeat(views),
            "start": (zeros if start is None else start.long()).flatten(),
            "stride": torch.full((views * batch,), stride),
            "length": torch.full((views * batch,), length),
            "view": torch.arange(views).repeat_interleave(batch),
            "encoder": torch.tensor(encoders, dtype=torch.int64).repeat_interleave(batch),
            "code": (zeros if code is None else code.long()).flatten(),
        }
        return cls(nodes, _edges_of_batch(recipe, batch), recipe, drawn)

    def with_queue(self, video: Tensor, *, mask_same_video: bool = True) -> ClipGraph:
        """Return the graph with the entries of a memory, and an ``other_video`` edge from every anchor to each.

        Parameters
        ----------
        video : Tensor of int64, shape (num_queue,)
            Videos of the entries, such as ``ids`` of the entries of `graphvid.losses.CrossBatchNegatives`.
        mask_same_video : bool, default True
            Leave out the edges to entries of the anchor's own video.

        Notes
        -----
        Each anchor has an edge to each entry. If these are too many, pass the entries to `graphvid.losses.EdgeInfoNCE` as
        its ``queue``, with `same_video` as ``excluded``: the loss is the same.
        """
        check_ids("video", video, None)
        if video.dim() != 1:
            raise ValueError(f"video must be 1-D, got {shown(video)}")
        old, size = self.nodes, len(video)
        number = len(old["video"])
        new = {name: torch.zeros(size, dtype=torch.int64) for name in old}
        new |= {"video": video.long(), "view": torch.full((size,), -1), "encoder": torch.ones(size, dtype=torch.int64)}
        nodes = {name: torch.cat([values, new[name]]) for name, values in old.items()}
        weight = next((rule.weight for rule in self.recipe.rules if rule.among == "queue"), 1.0)
        anchors = torch.cat([(old["view"] == view).nonzero()[:, 0] for view in self.recipe.anchors])
        src, dst = anchors.repeat_interleave(size), torch.arange(number, number + size).repeat(len(anchors))
        if mask_same_video:
            kept = nodes["video"][src] != nodes["video"][dst]
            src, dst = src[kept], dst[kept]
        added = ClipEdges(src, dst, torch.full((len(src),), weight))
        edges = {**self._edges, "other_video": _joined([self.edges("other_video"), added])}
        return ClipGraph(nodes, edges, self.recipe, self.drawn)

    def same_video(self, video: Tensor) -> Tensor:
        """Return a mask of the nodes and memory entries of the same video, (num_nodes, num_queue)."""
        check_tensor("video", video)
        return self.nodes["video"][:, None] == video[None, :]

    def edges(self, kind: str) -> ClipEdges:
        """Return the edges of one type."""
        check_choice("kind", kind, EDGE_TYPES)
        return self._edges_of([kind])

    def pull(self) -> ClipEdges:
        """Return the edges of all types that pull."""
        return self._edges_of(PULL)

    def push(self) -> ClipEdges:
        """Return the edges of all types that push."""
        return self._edges_of(PUSH)

    def segments(self) -> tuple[Tensor, Tensor]:
        """Return, for each ``other_segment`` edge, the other start minus the anchor's, in frames, and the shared part."""
        edges, start = self.edges("other_segment"), self.nodes["start"]
        gap = start[edges.other] - start[edges.anchor]
        footprint = (self.nodes["length"] * self.nodes["stride"])[edges.anchor]
        return gap, (1 - gap.abs() / footprint).clamp(min=0)

    def _edges_of(self, kinds: Sequence[str]) -> ClipEdges:
        return _joined([self._edges[kind] for kind in kinds if kind in self._edges])

    def negatives_of(self, anchor: int) -> Tensor:
        """Return the nodes from which the loss pushes an anchor, one entry for each edge."""
        push = self.push()
        return push.other[push.anchor == check_count("anchor", anchor, 0, len(self.nodes["video"]) - 1)]


@lru_cache(maxsize=16)
def _edges_of_batch(recipe: EdgeRecipe, batch: int) -> Mapping[str, ClipEdges]:
    """Return the edges of a recipe by type; cached, because they are the same for all batches of one size."""
    kinds: dict[str, list[ClipEdges]] = {}
    for rule in recipe.rules:
        if rule.among != "queue":
            kinds.setdefault(rule.type, []).append(_edges_of_rule(rule, recipe, batch))
    return {kind: _joined(parts) for kind, parts in kinds.items()}


def _edges_of_rule(rule: EdgeRule, recipe: EdgeRecipe, batch: int) -> ClipEdges:
    place = torch.arange(batch)
    if rule.among == "batch":
        anchors = torch.cat([view * batch + place for view in recipe.anchors])
        src = anchors.repeat_interleave(recipe.num_views * batch)
        dst = torch.arange(recipe.num_views * batch).repeat(len(anchors))
        kept = src % batch != dst % batch
        src, dst = src[kept], dst[kept]
    else:
        assert rule.views is not None
        other = place.flip(0) if rule.among == "reversed" else place
        src, dst = rule.views[0] * batch + place, rule.views[1] * batch + other
        if recipe.both_ways and rule.type in PULL:
            src, dst = torch.cat([src, dst]), torch.cat([dst, src])
    return ClipEdges(src, dst, torch.full((len(src),), float(rule.weight)))


def _joined(parts: Sequence[ClipEdges]) -> ClipEdges:
    """Return the edges of all parts, in new tensors."""
    if not parts:
        return ClipEdges(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    return ClipEdges(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
