"""Views of clips as a graph: typed edges say which pairs a loss pulls together and which it pushes apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from graphvid._checks import check_choice, check_count, check_ids, check_number, check_tensor, shown
from graphvid._dgl import DGLGraph, dgl

PULL = ("same_clip", "static_mixed", "scene_broken")
PUSH = ("motion_broken", "other_segment", "other_video")
MAPS = ("transform",)
EDGE_TYPES = PULL + PUSH + MAPS
Among = Literal["own", "batch", "reversed", "queue"]


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


@dataclass(frozen=True)
class EdgeRule:
    """Edges of one type that a recipe makes.

    Parameters
    ----------
    type : str
        ``same_clip``, ``static_mixed``, ``scene_broken`` pull; ``motion_broken``, ``other_segment``, ``other_video`` push;
        ``transform`` asks maps to agree.
    views : pair of int, optional
        Views at the ends, the anchor first. None for ``among`` ``"batch"`` and ``"queue"``: from every anchor.
    weight : float
        Of each edge, >= 0.
    among : {"own", "batch", "reversed", "queue"}
        Which videos the other ends are of: the anchor's own; all others of the batch, in all their views; the one at the
        anchor's place from the end of the batch (its own in the middle of an odd one); the entries of a memory.
    """

    type: str
    views: tuple[int, int] | None = None
    weight: float = 1.0
    among: Among = "own"

    def __post_init__(self) -> None:
        check_choice("type", self.type, EDGE_TYPES)
        check_choice("among", self.among, get_args(Among))
        check_number("weight", self.weight, "a finite float >= 0", least=0)
        if (self.type == "other_video") == (self.among == "own"):
            raise ValueError(f"among must be 'own' unless type is 'other_video', got {self.among!r} with {self.type!r}")
        if (self.views is None) != (self.among in ("batch", "queue")):
            raise ValueError(
                f"views must be given unless among is 'batch' or 'queue', got {self.views} with {self.among!r}"
            )
        if self.views is not None:
            if not isinstance(self.views, tuple) or len(self.views) != 2:
                raise ValueError(f"views must be a pair of views, got {shown(self.views)}")
            for view in self.views:
                check_count("views", view, 0, 1000)
            if self.views[0] == self.views[1]:
                raise ValueError(f"views must be two views, got {self.views}")


@dataclass(frozen=True)
class EdgeRecipe:
    """Rules of a method: the pairs it pulls and pushes among the views of a batch of videos.

    Parameters
    ----------
    rules : sequence of EdgeRule
        Pairs are unordered: those of one type may come once.
    both_ways : bool
        Take both ends of pulled pairs as anchors, as SimCLR does.

    Raises
    ------
    ValueError
        For an anchor that nothing pulls, a pair that is pulled and pushed, or one that comes twice.

    Examples
    --------
    >>> moco = EdgeRecipe([EdgeRule("same_clip", (0, 1)), EdgeRule("other_video", among="queue")])
    >>> moco.anchors, moco.num_views, moco.uses_queue
    ((0,), 2, True)
    >>> EdgeRecipe([EdgeRule("same_clip", (0, 1)), EdgeRule("motion_broken", (1, 0))])
    Traceback (most recent call last):
    ValueError: rules must not pull and push one pair, got (0, 1) in 'same_clip' and 'motion_broken'
    """

    rules: Sequence[EdgeRule]
    both_ways: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", tuple(self.rules))
        seen: dict[tuple[str, str, tuple[int, ...] | None], str] = {}
        for rule in self.rules:
            if not isinstance(rule, EdgeRule):
                raise TypeError(f"rules must be EdgeRules, got {type(rule).__name__}")
            pair = None if rule.views is None else tuple(sorted(rule.views))
            if (rule.type, rule.among, pair) in seen:
                raise ValueError(f"rules must not repeat a pair of one type, got {pair} twice in {rule.type!r}")
            seen[rule.type, rule.among, pair] = rule.type
        own = [(tuple(sorted(rule.views)), rule.type) for rule in self.rules if rule.views and rule.among == "own"]
        for pair, kind in own:
            for other, against in own:
                if pair == other and kind in PULL and against in PUSH:
                    raise ValueError(f"rules must not pull and push one pair, got {pair} in {kind!r} and {against!r}")
        if not self.anchors:
            raise ValueError(
                "rules must have a pull edge, such as same_clip, got none: what agrees only in maps collapses"
            )
        for rule in self.rules:
            if rule.type in PUSH and rule.views is not None and rule.views[0] not in self.anchors:
                raise ValueError(
                    f"rules must pull every anchor, got none that pulls view {rule.views[0]} of {rule.type!r}"
                )

    @property
    def anchors(self) -> tuple[int, ...]:
        """The views that losses start from."""
        pulled = [rule.views for rule in self.rules if rule.type in PULL and rule.views is not None]
        views = [view for pair in pulled for view in (pair if self.both_ways else pair[:1])]
        return tuple(dict.fromkeys(views))

    @property
    def num_views(self) -> int:
        """Number of views of each video."""
        return 1 + max(view for rule in self.rules if rule.views is not None for view in rule.views)

    @property
    def uses_queue(self) -> bool:
        """Whether a memory is pushed from."""
        return any(rule.among == "queue" for rule in self.rules)


class ClipGraph:
    """Views of the clips of a batch, and entries of a memory, as a DGL graph of the node type ``clip``.

    Node ``view * batch_size + i`` is a view of video i, so that vectors view after view are its rows; entries of a memory
    follow. Node data are ``video``, ``start``, ``stride``, ``length``, ``view`` (-1 of an entry), ``encoder`` (0 query, 1
    key) and ``code``; edge data ``weight``, and ``gap`` and ``overlap`` of ``other_segment``. There are no pixels in it.

    Parameters
    ----------
    graph : DGLGraph
        With the edge types of `EdgeRule`.
    recipe : EdgeRecipe
        What it was made by.

    Examples
    --------
    >>> recipe = EdgeRecipe([EdgeRule("same_clip", (0, 1)), EdgeRule("other_video", among="queue")])
    >>> graph = ClipGraph.from_batch(torch.tensor([5, 6]), recipe)
    >>> graph.pull().anchor.tolist(), graph.pull().other.tolist(), len(graph.push().anchor)
    ([0, 1], [2, 3], 0)
    >>> graph.with_queue(torch.tensor([6, 7])).push().other.tolist()
    [4, 5, 5]
    """

    def __init__(self, graph: DGLGraph, recipe: EdgeRecipe) -> None:
        self.graph, self.recipe = graph, recipe

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
            Frames from one of a clip to the next, and frames of a clip.
        code : Tensor of int64, shape (num_views, batch_size), optional
            Codes of the transforms. Default: 0.
        encoder : sequence of int, optional
            0 for views that the query encoder sees, 1 for those of the key encoder. Default: all 0.

        Raises
        ------
        TypeError, ValueError
            When shapes do not fit or a video comes twice.
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
        data = {
            "video": video.long().repeat(views),
            "start": (zeros if start is None else start.long()).flatten(),
            "stride": torch.full((views * batch,), stride),
            "length": torch.full((views * batch,), length),
            "view": torch.arange(views).repeat_interleave(batch),
            "encoder": torch.tensor(encoders, dtype=torch.int64).repeat_interleave(batch),
            "code": (zeros if code is None else code.long()).flatten(),
        }
        ends: dict[str, list[ClipEdges]] = {kind: [] for kind in EDGE_TYPES}
        for rule in recipe.rules:
            if rule.among != "queue":
                ends[rule.type].append(_edges_of(rule, recipe, batch))
        return cls(_build(data, ends, length * stride), recipe)

    def with_queue(self, video: Tensor, *, mask_same_video: bool = True) -> ClipGraph:
        """Return the graph with the entries of a memory, and an ``other_video`` edge from every anchor to each.

        Parameters
        ----------
        video : Tensor of int64, shape (num_queue,)
            Videos of the entries, such as ``ids`` of what `graphvid.losses.CrossBatchNegatives` holds.
        mask_same_video : bool, default True
            Leave out the edges to entries of the anchor's own video.

        Notes
        -----
        Each anchor has an edge to each entry. Where that is much, give the entries to `graphvid.losses.EdgeInfoNCE` as its
        ``queue``, with `same_video` as ``excluded``: the loss is the same.
        """
        check_ids("video", video, None)
        if video.dim() != 1:
            raise ValueError(f"video must be 1-D, got {shown(video)}")
        number, size = self.graph.num_nodes(), len(video)
        old = dict(self.graph.ndata.items())
        new = {name: torch.zeros(size, dtype=torch.int64) for name in old}
        new |= {"video": video.long(), "view": torch.full((size,), -1), "encoder": torch.ones(size, dtype=torch.int64)}
        data = {name: torch.cat([values, new[name]]) for name, values in old.items()}
        weight = next((rule.weight for rule in self.recipe.rules if rule.among == "queue"), 1.0)
        anchors = torch.cat([(old["view"] == view).nonzero()[:, 0] for view in self.recipe.anchors])
        src, dst = anchors.repeat_interleave(size), torch.arange(number, number + size).repeat(len(anchors))
        if mask_same_video:
            kept = data["video"][src] != data["video"][dst]
            src, dst = src[kept], dst[kept]
        ends = {kind: [self.edges(kind)] for kind in EDGE_TYPES}
        ends["other_video"].append(ClipEdges(src, dst, torch.full((len(src),), weight)))
        return ClipGraph(_build(data, ends, int((old["length"] * old["stride"])[0])), self.recipe)

    def same_video(self, video: Tensor) -> Tensor:
        """Return where a node and an entry of a memory are of one video, (num_nodes, num_queue)."""
        check_tensor("video", video)
        mask: Tensor = self.graph.ndata["video"][:, None] == video[None, :]
        return mask

    def edges(self, kind: str) -> ClipEdges:
        """Return the edges of one type."""
        check_choice("kind", kind, EDGE_TYPES)
        src, dst = self.graph.edges(etype=kind)
        return ClipEdges(src, dst, self.graph.edges[kind].data["weight"])

    def pull(self) -> ClipEdges:
        """Return the edges of all types that pull."""
        return _joined([self.edges(kind) for kind in PULL])

    def push(self) -> ClipEdges:
        """Return the edges of all types that push."""
        return _joined([self.edges(kind) for kind in PUSH])

    def negatives_of(self, anchor: int) -> Tensor:
        """Return the nodes that an anchor is pushed from, an entry an edge."""
        push = self.push()
        return push.other[push.anchor == check_count("anchor", anchor, 0, self.graph.num_nodes() - 1)]


def _edges_of(rule: EdgeRule, recipe: EdgeRecipe, batch: int) -> ClipEdges:
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
    return ClipEdges(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def _build(data: dict[str, Tensor], ends: dict[str, list[ClipEdges]], footprint: int) -> DGLGraph:
    none = ClipEdges(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    joined = {kind: _joined(parts or [none]) for kind, parts in ends.items()}
    graph = dgl.heterograph(
        {("clip", kind, "clip"): (edges.anchor, edges.other) for kind, edges in joined.items()},
        num_nodes_dict={"clip": len(data["video"])},
        idtype=torch.int64,
    )
    for name, values in data.items():
        graph.ndata[name] = values
    for kind, edges in joined.items():
        graph.edges[kind].data["weight"] = edges.weight
    src, dst, _ = joined["other_segment"]
    gap = data["start"][dst] - data["start"][src]
    graph.edges["other_segment"].data["gap"] = gap
    graph.edges["other_segment"].data["overlap"] = (1 - gap.abs() / footprint).clamp(min=0)
    return graph
