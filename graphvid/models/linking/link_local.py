"""A linker of each mention by itself: it combines context, type and prior into one score."""

from __future__ import annotations

from torch import Tensor

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.nn import LocalScore
from graphvid.sampling import DocumentBatch

from .base import WEIGHT_STREAM, Linker, LinkTables
from .config import LinkLocalConfig


class LinkLocal(Linker):
    r"""Score a candidate by a small network over :math:`\psi_{\mathrm{long}}`, :math:`\psi_{\mathrm{bert}}` and log p.

    Parameters
    ----------
    graph, tables, docs
        See `Linker`.
    config : LinkLocalConfig, optional
        Options.

    References
    ----------
    Chen et al., "Improving Entity Linking by Modeling Latent Entity Type Information", AAAI 2020.
    """

    kind = LinkLocalConfig
    config: LinkLocalConfig

    def __init__(
        self, graph: DGLGraph, tables: LinkTables, docs: Tensor | None, config: LinkLocalConfig | None = None
    ) -> None:
        config = config if config is not None else LinkLocalConfig()
        super().__init__(graph, tables, docs, config)
        with seeded(config.seed, WEIGHT_STREAM):
            self.local = LocalScore(len(self.groups), config.hidden, max_norm=config.max_norm, dropout=config.dropout)

    def forward(self, batch: DocumentBatch, without: str | None = None) -> list[Tensor]:
        """Score candidates; see `Linker.forward`."""
        return [self.local(self.columns(batch, without))]
