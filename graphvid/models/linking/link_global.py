"""A linker of all mentions of a document jointly: max-product messages over the coherence of candidates."""

from __future__ import annotations

import torch
from torch import Tensor

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.nn import AssignmentLayout, LocalScore, MentionRelations, PairCoherence, max_product, with_dummies
from graphvid.ops import segment_reduce
from graphvid.sampling import DocumentBatch

from .base import WEIGHT_STREAM, Linker, LinkTables
from .config import LinkGlobalConfig


class LinkGlobal(Linker):
    r"""Score candidates by beliefs after damped max-product messages, and the prior.

    The energy of a document is :math:`\sum_i \psi(e_i) + \sum_{i<j} \phi(e_i, e_j)`; the last score is
    :math:`g(\mathrm{belief}, \log p)`.

    Parameters
    ----------
    graph, docs
        See `Linker`.
    tables : LinkTables
        With vectors of entities, and for ``coherence="relations"`` of mentions. Without vectors of mentions, a mention gets
        the mean of the vectors of its candidates.
    config : LinkGlobalConfig, optional
        Options.

    Raises
    ------
    ValueError
        Tables without entities, or with ``prior_in_rounds=False`` without a feature other than the prior.

    Notes
    -----
    With ``prior_in_rounds=False``, the local score in the rounds is a weighted sum of the other features. The weights start
    at 1, as in mulrel-nel; the BERT similarity is added to the score of the words.

    References
    ----------
    Ganea and Hofmann, EMNLP 2017 (``"pair"``); Le and Titov, ACL 2018 (``"relations"``); Chen et al., AAAI 2020.
    """

    kind = LinkGlobalConfig
    config: LinkGlobalConfig
    of_prior: Tensor

    def __init__(
        self, graph: DGLGraph, tables: LinkTables, docs: Tensor | None, config: LinkGlobalConfig | None = None
    ) -> None:
        config = config if config is not None else LinkGlobalConfig()
        if tables.entities is None:
            raise ValueError("entities must be given: coherence is between their vectors")
        super().__init__(graph, tables, docs, config, config.block_size)
        dim = tables.entities.shape[1]
        of_prior = torch.tensor([group == "prior" for group in self.groups])
        with seeded(config.seed, WEIGHT_STREAM):
            if config.prior_in_rounds:
                self.local = LocalScore(len(of_prior), config.hidden, max_norm=config.max_norm, dropout=config.dropout)
            elif of_prior.all():
                raise ValueError("features must hold one beside the prior with prior_in_rounds=False, got none")
            else:
                self.mix = torch.nn.Parameter(torch.ones(int((~of_prior).sum())))
            self.last = LocalScore(
                1 + int(of_prior.sum()), config.hidden, max_norm=config.max_norm, dropout=config.dropout
            )
            if config.coherence == "pair":
                self.pair = PairCoherence(dim)
            else:
                width = dim if tables.mentions is None else tables.mentions.shape[1]
                self.relations = MentionRelations(
                    dim,
                    width,
                    hidden=config.relation_hidden,
                    num_relations=config.num_relations,
                    dropout=config.relation_dropout,
                )
        self.register_buffer("of_prior", of_prior, persistent=False)

    def forward(self, batch: DocumentBatch, without: str | None = None) -> list[Tensor]:
        """Score candidates; see `Linker.forward`."""
        columns = self.columns(batch, without)
        if self.config.prior_in_rounds:
            local = self.local(columns)
        else:
            local = columns[:, ~self.of_prior] @ self.mix
        belief = local if without == "coherence" else self._belief(local, batch)
        return [self.last(torch.cat([belief[:, None], columns[:, self.of_prior]], dim=1))]

    def _belief(self, local: Tensor, batch: DocumentBatch) -> Tensor:
        assert self.entities is not None
        entities = self.entities[self.entity[batch.candidates]]
        rounds, damping = self.config.num_rounds, self.config.damping
        if self.config.coherence == "pair":
            layout = AssignmentLayout(batch.doc_indptr, batch.cand_indptr)
            return max_product(local, self.pair(entities, layout), layout, num_rounds=rounds, damping=damping)
        layout, node = with_dummies(batch.doc_indptr, batch.cand_indptr)
        if self.mentions is None:
            mentions = segment_reduce(entities, batch.cand_indptr, reduce="mean")
        else:
            mentions = self.mentions[batch.mentions]
        pair = self.relations(entities, mentions, layout)
        whole = local.new_zeros(layout.num_nodes).index_copy(0, node, local)
        return max_product(whole, pair, layout, num_rounds=rounds, damping=damping)[node]
