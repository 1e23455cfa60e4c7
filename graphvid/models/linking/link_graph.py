"""Message passing along the links of entities: a candidate gains where likely candidates of other mentions link to it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.graphs import assignment_graph
from graphvid.nn import LocalScore
from graphvid.ops import Adjacency, segment_reduce
from graphvid.ops.neighbors import expand_ranges
from graphvid.sampling import DocumentBatch

from .base import WEIGHT_STREAM, Linker, LinkTables, probabilities
from .config import LinkGraphConfig

_SIGNALS = 8


class LinkGraph(Linker):
    r"""Score candidates by features and by the probabilities of what they link to, round after round.

    .. math::
        p^t = \mathrm{softmax}_m(s^t), \qquad
        a^t(x) = \sum_{y \to x} w_{yx}\, c_y\, p^t(y), \qquad s^{t+1} = s^0 + \mathrm{MLP}(\text{features}, s^0, a^t)

    over the edges of `graphvid.graphs.assignment_graph`: assignments x and y of mentions with different names whose
    entities link or are one. The weight w is a sigmoid of a small network over whether both are one entity and how many
    links each has; :math:`c_y` is one over the number of mentions of y's name in the document, so that a name counts once.
    The sums go in as they are, relative to the best candidate of the mention, and as shares of the names of the document;
    beside the weighted sum so do the plain one and that over equal entities.

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
    Every round's score is learnt from. O(num_rounds * num_edges) time and memory.
    """

    kind = LinkGraphConfig
    config: LinkGraphConfig

    def __init__(
        self, graph: DGLGraph, tables: LinkTables, docs: Tensor | None, config: LinkGraphConfig | None = None
    ) -> None:
        config = config if config is not None else LinkGraphConfig()
        super().__init__(graph, tables, docs, config)
        assignments = assignment_graph(graph)
        src, dst = assignments.edges(order="eid")
        name = graph.nodes["mention"].data["name"][assignments.ndata["mention"]]
        kept = name[src] != name[dst]
        self.src, dst, self.same = src[kept], dst[kept], assignments.edata["same"][kept].float()
        self.edge_indptr = torch.searchsorted(dst, torch.arange(len(self.entity) + 1))
        node = graph.edges(etype="cand", order="eid")[1]
        self.degree = torch.log1p(graph.nodes["entity"].data["degree"][node].float())
        share, names = _name_counts(graph)
        self.share = share[assignments.ndata["mention"]]
        self.num_names = names[assignments.ndata["doc"]]
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
        counts = self.edge_indptr.diff()[batch.candidates]
        edges, dst = expand_ranges(self.edge_indptr[:-1][batch.candidates], counts)
        place = torch.empty(len(self.entity), dtype=torch.int64)
        place[batch.candidates] = torch.arange(len(batch.candidates))
        of_src, of_dst = self.src[edges], batch.candidates[dst]
        src, same = place[of_src], self.same[edges]
        pairs = Adjacency.from_coo(src, dst, num_src=len(first), num_dst=len(first))
        from_, to = self.degree[of_src], self.degree[of_dst]
        weight = torch.sigmoid(self.weigh(torch.stack([same, from_, to, from_ * to / 5], dim=1)))
        heads = torch.cat([weight, torch.ones_like(weight), same[:, None]], dim=1)
        mention = torch.repeat_interleave(batch.cand_indptr.diff())
        share, num_names = self.share[batch.candidates], self.num_names[batch.candidates]
        for _ in range(self.config.num_rounds):
            told = probabilities(scores[-1], batch.cand_indptr) * share
            heard = pairs.spmm(told[:, None, None].expand(-1, 3, 1), heads)[:, :, 0]
            most = segment_reduce(heard, batch.cand_indptr, reduce="max").index_select(0, mention)
            signals = torch.cat(
                [torch.log1p(heard), (heard - most) / num_names.sqrt()[:, None], heard[:, :2] / num_names[:, None]],
                dim=1,
            )
            scores.append(first + self.update(torch.cat([columns, first[:, None], signals], dim=1)))
        return scores


def _name_counts(graph: DGLGraph) -> tuple[Tensor, Tensor]:
    """Return one over the mentions of each mention's name in its document, and the names of each document."""
    doc, name = graph.nodes["mention"].data["doc"], graph.nodes["mention"].data["name"]
    size = int(name.max()) + 1 if len(name) else 1
    code, place, count = torch.unique(doc * size + name, return_inverse=True, return_counts=True)
    return 1 / count[place].float(), torch.bincount(code // size, minlength=graph.batch_size).float()
