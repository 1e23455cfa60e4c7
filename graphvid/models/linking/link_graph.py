"""A linker with message passing along the links of entities: likely candidates of other mentions support linked ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.graphs import linked_pairs
from graphvid.nn import LocalScore
from graphvid.ops import Adjacency, segment_reduce
from graphvid.ops.neighbors import expand_ranges
from graphvid.sampling import DocumentBatch

from .base import WEIGHT_STREAM, Linker, LinkTables, probabilities
from .config import LinkGraphConfig

_SIGNALS = 8


class LinkGraph(Linker):
    r"""Score candidates by features and by the probabilities of the candidates that link to them, round after round.

    .. math::
        p^t = \mathrm{softmax}_m(s^t), \qquad
        a^t(x) = \sum_{y \to x} w_{yx}\, c_y\, p^t(y), \qquad s^{t+1} = s^0 + \mathrm{MLP}(\text{features}, s^0, a^t)

    over assignments x and y of mentions of one document, with different names, whose entities link or are one
    (`graphvid.graphs.linked_pairs`). The weight w is the sigmoid of a small network; its inputs are whether both are one
    entity, and the number of links of each. :math:`c_y` is one over the number of mentions of y's name in the document, so
    that a name counts once. Mentions of one name receive the same messages, so messages pass between names with a candidate,
    and the number of mentions of a name does not matter. The MLP reads three sums: the weighted one, the plain one, and the
    one over equal entities. It reads each as log(1 + sum) and as the difference from the mention's largest, divided by the
    square root of the number of names in the document. It reads the first two also divided by that number.

    Parameters
    ----------
    graph : DGLGraph
        From `graphvid.graphs.mention_graph`, with links.
    tables, docs
        See `Linker`.
    config : LinkGraphConfig, optional
        Options.

    Notes
    -----
    The loss reads the score of every round. O(num_rounds * num_edges) time and memory, for edges between names with a
    candidate.
    """

    kind = LinkGraphConfig
    config: LinkGraphConfig
    group: Tensor
    src: Tensor
    same: Tensor
    edge_indptr: Tensor
    degree: Tensor
    share: Tensor
    num_names: Tensor

    def __init__(
        self, graph: DGLGraph, tables: LinkTables, docs: Tensor | None, config: LinkGraphConfig | None = None
    ) -> None:
        config = config if config is not None else LinkGraphConfig()
        super().__init__(graph, tables, docs, config)
        for name, values in _names(graph).items():
            self.register_buffer(name, values, persistent=False)
        with seeded(config.seed, WEIGHT_STREAM):
            width = len(self.groups)
            self.local = LocalScore(width, config.hidden, max_norm=config.max_norm, dropout=config.dropout)
            self.weigh = nn.Sequential(nn.Linear(4, config.edge_hidden), nn.Tanh(), nn.Linear(config.edge_hidden, 1))
            self.update = LocalScore(
                width + 1 + _SIGNALS, config.hidden, max_norm=config.max_norm, dropout=config.dropout
            )

    def forward(self, batch: DocumentBatch, without: str | None = None) -> list[Tensor]:
        """Score candidates; see `Linker.forward`."""
        columns = self.columns(batch, without)
        first = self.local(columns)
        scores = [first]
        if without == "coherence":
            silent = first.new_zeros(len(first), _SIGNALS)
            return [first, first + self.update(torch.cat([columns, first[:, None], silent], dim=1))]
        groups, at = torch.unique(self.group[batch.candidates], return_inverse=True)
        edges, dst = expand_ranges(self.edge_indptr[:-1][groups], self.edge_indptr.diff()[groups])
        src = torch.searchsorted(groups, self.src[edges])  # of one document: all its candidates are in the batch
        same = self.same[edges]
        pairs = Adjacency.from_coo(src, dst, num_src=len(groups), num_dst=len(groups))
        from_, to = self.degree[groups[src]], self.degree[groups[dst]]
        weight = torch.sigmoid(self.weigh(torch.stack([same, from_, to, from_ * to / 5], dim=1)))
        heads = torch.cat([weight, torch.ones_like(weight), same[:, None]], dim=1)
        mention = torch.repeat_interleave(batch.cand_indptr.diff())
        share, num_names = self.share[batch.candidates], self.num_names[batch.candidates]
        for _ in range(self.config.num_rounds):
            told = probabilities(scores[-1], batch.cand_indptr) * share
            of_group = told.new_zeros(len(groups)).index_add(0, at, told)
            heard = pairs.spmm(of_group[:, None, None].expand(-1, 3, 1), heads)[:, :, 0].index_select(0, at)
            most = segment_reduce(heard, batch.cand_indptr, reduce="max").index_select(0, mention)
            signals = torch.cat(
                [torch.log1p(heard), (heard - most) / num_names.sqrt()[:, None], heard[:, :2] / num_names[:, None]],
                dim=1,
            )
            scores.append(first + self.update(torch.cat([columns, first[:, None], signals], dim=1)))
        return scores


def _names(graph: DGLGraph) -> dict[str, Tensor]:
    """Return the index tensors for messages between the names of documents.

    Returns
    -------
    dict of Tensor
        For each candidate: its ``group``, a name of a document with a candidate; ``share``, one over the number of mentions
        of its name there; and ``num_names``, the names of its document. For each group: ``degree``, log(1 + degree of the
        entity). The edges into group g are ``edge_indptr[g]`` to ``edge_indptr[g + 1] - 1``; each has ``src``, a group, and
        ``same``, whether both are the same entity.
    """
    mention, node = graph.edges(etype="cand", order="eid")
    doc, name = graph.nodes["mention"].data["doc"], graph.nodes["mention"].data["name"]
    size = int(name.max()) + 1 if len(name) else 1
    code, place, count = torch.unique(doc * size + name, return_inverse=True, return_counts=True)
    num_names = torch.bincount(code // size, minlength=graph.batch_size)[doc].float()
    num_nodes = max(graph.num_nodes("entity"), 1)
    key, group = torch.unique(place[mention] * num_nodes + node, return_inverse=True)
    name_of, entity = key // num_nodes, key % num_nodes
    src, dst = (torch.from_numpy(ends) for ends in linked_pairs(graph, entity.numpy()))
    kept = name_of[src] != name_of[dst]
    src, dst = src[kept], dst[kept]
    order = torch.argsort(dst * len(key) + src)
    src, dst = src[order], dst[order]
    return {
        "group": group,
        "share": (1 / count[place].float())[mention],
        "num_names": num_names[mention],
        "degree": torch.log1p(graph.nodes["entity"].data["degree"][entity].float()),
        "src": src,
        "same": (entity[src] == entity[dst]).float(),
        "edge_indptr": torch.searchsorted(dst, torch.arange(len(key) + 1)),
    }
