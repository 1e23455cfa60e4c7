"""The two hops of FRAME over the whole graph at every step, as they are written without `graphvid.models`.

A form takes the projected features of all clips and gives both vectors of every user and what the graph says of every
clip. All divide by the degree of the receiver (the norm ``"mean"``), and all start from the weights of one `UserClipConv`,
so that they compute the same.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.speed._frame_world import NUM_CLIPS
from graphvid._dgl import DGLGraph, dgl
from graphvid.data import WatchLog
from graphvid.graphs import ClipLabels, edge_norms, label_clips, user_clip_graph
from graphvid.nn import UserClipConv
from graphvid.ops import Adjacency


class LabelledLog(NamedTuple):
    """A log as all forms take it."""

    log: WatchLog
    labels: ClipLabels
    device: str

    @classmethod
    def of(cls, log: WatchLog, device: str) -> LabelledLog:
        """Label the clips of a log."""
        return cls(log, label_clips(log, NUM_CLIPS), device)

    def graph(self, *, shared: bool) -> DGLGraph:
        """Return the graph, with an edge a clip for the positives or one a video."""
        sizes = {"num_users": self.log.num_users, "num_videos": self.log.num_videos}
        return user_clip_graph(self.labels, **sizes, shared_positives=shared)

    def ends(self) -> list[tuple[Tensor, Tensor]]:
        """Return user and clip of the positive and of the negative edges."""
        graph = self.graph(shared=False)
        return [tuple(x.to(self.device) for x in graph.edges(etype=name, order="eid")) for name in ("pos", "neg")]

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of users and clips."""
        return self.log.num_users, self.log.num_videos * NUM_CLIPS


class Ops(nn.Module):
    """`UserClipConv` over whole relations, the positives an edge a clip or, ``shared``, an edge a video."""

    def __init__(self, conv: UserClipConv, views: LabelledLog, *, shared: bool) -> None:
        super().__init__()
        self.conv = conv
        graph = views.graph(shared=shared)
        self.into_users, self.into_clips = [], []
        for name in ("pos", "neg"):
            etype = next(etype for etype in graph.canonical_etypes if etype[:2] == ("user", name))
            user, node = graph.edges(etype=etype, order="eid")
            users, nodes = graph.num_nodes("user"), graph.num_nodes(etype[2])
            norms = edge_norms(graph, name, norm="mean")
            to_user = Adjacency.from_coo(node, user, num_src=nodes, num_dst=users, weight=norms.to_user)
            to_clip = Adjacency.from_coo(user, node, num_src=users, num_dst=nodes, weight=norms.to_clip)
            self.into_users.append(to_user.to(views.device))
            self.into_clips.append(to_clip.to(views.device))

    def forward(self, own: Tensor) -> tuple[Tensor, Tensor]:
        """Run both hops."""
        users, clips = self.conv(self.into_users, self.into_clips, own)
        return users, clips


class PerRelation(nn.Module):
    """Four layers, one for each relation and hop: relu(mean of the neighbours times a weight)."""

    def __init__(self, layers: list[nn.Module], graphs: list[object]) -> None:
        super().__init__()
        self.layers, self.graphs = nn.ModuleList(layers), graphs

    def forward(self, own: Tensor) -> tuple[Tensor, Tensor]:
        """Run both hops."""
        to_user, to_clip = self.layers[:2], self.layers[2:]
        users = [layer(self.graphs[r], own) for r, layer in enumerate(to_user)]
        clips = [layer(self.graphs[2 + r], users[r]) for r, layer in enumerate(to_clip)]
        return torch.stack(users), (clips[0] + clips[1]) / 2


def dgl_layers(conv: UserClipConv, views: LabelledLog) -> PerRelation:
    """Return the hops by `dgl.nn.GraphConv`."""
    from dgl.nn import GraphConv

    users, clips = views.sizes
    graphs = []
    for back in (False, True):
        for user, clip in views.ends():
            ends, sizes = ((user, clip), (users, clips)) if back else ((clip, user), (clips, users))
            sizes_by_type = dict(zip(("src", "dst"), sizes))
            graph = dgl.heterograph({("src", "to", "dst"): ends}, num_nodes_dict=sizes_by_type)
            graph.create_formats_()
            graphs.append(graph)
    options = {"norm": "right", "bias": False, "activation": nn.ReLU(), "allow_zero_in_degree": True}
    layers = []
    for weight in (*conv.user_weight, *conv.clip_weight):
        layer = GraphConv(*weight.shape, **options)
        layer.weight.data.copy_(weight.data)
        layers.append(layer)
    return PerRelation(layers, graphs)


class _Sage(nn.Module):
    """`torch_geometric.nn.SAGEConv` without a root, then ReLU."""

    def __init__(self, weight: Tensor, aggregate: str, size: tuple[int, int]) -> None:
        super().__init__()
        from torch_geometric.nn import SAGEConv

        self.conv, self.size = (
            SAGEConv(tuple(weight.shape), len(weight.T), aggregate, root_weight=False, bias=False),
            size,
        )
        self.conv.lin_l.weight.data.copy_(weight.data.T)

    def forward(self, edges: Tensor, x: Tensor) -> Tensor:
        out: Tensor = torch.relu(self.conv((x, None), edges, size=self.size))
        return out


def pyg_layers(conv: UserClipConv, views: LabelledLog, *, sparse: bool) -> PerRelation:
    """Return the hops by `torch_geometric.nn.SAGEConv`, from an ``edge_index`` or a ``torch.sparse`` matrix."""
    users, clips = views.sizes
    graphs, layers = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecated TorchScript, and of sparse matrices in beta
        for back, weights in ((False, conv.user_weight), (True, conv.clip_weight)):
            for weight, (user, clip) in zip(weights, views.ends()):
                (src, dst), size = ((user, clip), (users, clips)) if back else ((clip, user), (clips, users))
                layers.append(_Sage(weight, "sum" if sparse else "mean", size))
                graphs.append(_mean_matrix(src, dst, size) if sparse else torch.stack([src, dst]))
    return PerRelation(layers, graphs)


def _mean_matrix(src: Tensor, dst: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the (num_dst, num_src) CSR matrix whose rows add up to 1."""
    degree = torch.bincount(dst, minlength=size[1])
    ends, values = torch.stack([dst, src]), 1.0 / degree[dst]
    return torch.sparse_coo_tensor(ends, values, (size[1], size[0])).coalesce().to_sparse_csr()


class Dense(nn.Module):
    """Two dense matrices of users times clips, the form of the authors' files, and four products with them."""

    def __init__(self, conv: UserClipConv, views: LabelledLog) -> None:
        super().__init__()
        self.conv = conv
        self.matrices, self.user_degree, self.clip_degree = [], [], []
        for user, clip in views.ends():
            matrix = torch.zeros(views.sizes, device=views.device)
            matrix[user, clip] = 1.0
            self.matrices.append(matrix)
            for degrees, ends, size in zip((self.user_degree, self.clip_degree), (user, clip), views.sizes):
                degrees.append(torch.bincount(ends, minlength=size).clamp(min=1)[:, None])

    def forward(self, own: Tensor) -> tuple[Tensor, Tensor]:
        """Run both hops."""
        users, clips = [], []
        for r, matrix in enumerate(self.matrices):
            users.append(torch.relu(matrix @ (own @ self.conv.user_weight[r]) / self.user_degree[r]))
            clips.append(torch.relu(matrix.T @ (users[r] @ self.conv.clip_weight[r]) / self.clip_degree[r]))
        return torch.stack(users), (clips[0] + clips[1]) / 2
