"""Base class of the linkers: it holds documents, features and vectors, and defines loss, optimiser and scoring."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.losses import CandidateRankingLoss
from graphvid.models.one_process import OneProcessModule
from graphvid.nn import ContextAttention
from graphvid.ops import segment_logsumexp, segment_reduce
from graphvid.ops.neighbors import expand_ranges
from graphvid.sampling import DocumentBatch, DocumentBatches, Documents

from .config import LinkConfig

GROUPS = ("prior", "context", "type")  # subjects of features; the fourth reason is coherence
WEIGHT_STREAM, DROPOUT_STREAM = 1, 2  # of config.seed


@dataclass(frozen=True, eq=False)
class LinkTables:
    """Tables of the features of candidates and the vectors of entities, mentions and words.

    Parameters
    ----------
    features : Tensor, shape (num_candidates, num_features)
        In the order of the edges ``cand``, with a mean of about 0 and a variance of about 1. They must not use the golds to
        be predicted.
    groups : sequence of {"prior", "context", "type"}
        Subject of each feature.
    entities : Tensor, shape (num_entities, dim), optional
        Vectors by entity number.
    words : Tensor, shape (num_words, dim), optional
        Vectors by word number, in the columns of ``entities``.
    mentions : Tensor, shape (num_mentions, mention_dim), optional
        Vectors of the text around mentions, for relations between them.

    Raises
    ------
    ValueError
        Groups that do not fit, words without entities, features that are not finite.
    """

    features: Tensor
    groups: Sequence[str]
    entities: Tensor | None = None
    words: Tensor | None = None
    mentions: Tensor | None = None

    def __post_init__(self) -> None:
        if self.features.dim() != 2 or len(self.groups) != self.features.shape[1]:
            raise ValueError(
                f"features must have a column for each of the {len(self.groups)} groups, got {tuple(self.features.shape)}"
            )
        unknown = sorted(set(self.groups) - set(GROUPS))
        if unknown:
            raise ValueError(f"groups must be among {list(GROUPS)}, got {unknown}")
        if not torch.isfinite(self.features).all():
            raise ValueError("features must be finite")
        if self.words is not None and (self.entities is None or self.entities.shape[1] != self.words.shape[1]):
            raise ValueError("words must have the columns of entities, which must be given with them")


class Linker(OneProcessModule, ABC):
    """Learns scores of candidates from documents whose mentions are linked.

    A subclass scores the candidates of some documents in `forward`. It may return several scores: the loss reads all, and
    the last one is the answer.

    Parameters
    ----------
    graph : DGLGraph
        From `graphvid.graphs.mention_graph`, of all documents, including those to link later.
    tables : LinkTables
    docs : Tensor of int64, shape (num_docs,), or None
        Training documents; the golds of others are not read. None: a model whose weights are loaded afterwards.
    config : LinkConfig
        Options.
    block_size : int, optional
        Largest number of mentions of a document.

    Attributes
    ----------
    documents : Documents

    Raises
    ------
    TypeError
        The graph or the options are of another kind.
    ValueError
        The documents have no mention to learn from, or the tables do not fit the graph.
    """

    kind: type[LinkConfig]
    features: Tensor
    entities: Tensor | None
    words: Tensor | None
    mentions: Tensor | None
    gold: Tensor
    entity: Tensor
    word: Tensor

    def __init__(
        self,
        graph: DGLGraph,
        tables: LinkTables,
        docs: Tensor | None,
        config: LinkConfig,
        block_size: int | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(graph, DGLGraph) or ("mention", "cand", "entity") not in graph.canonical_etypes:
            raise TypeError(f"graph must be a DGLGraph made by mention_graph, got {type(graph).__name__}")
        if not isinstance(config, self.kind):
            raise TypeError(f"config must be a {self.kind.__name__}, got {type(config).__name__}")
        if len(tables.features) != graph.num_edges("cand"):
            raise ValueError(
                f"features must have a row for each of the {graph.num_edges('cand')} candidates, got {len(tables.features)}"
            )
        self.config, self._feature_groups = config, tuple(tables.groups)
        for name in ("features", "entities", "words", "mentions"):
            self.register_buffer(name, getattr(tables, name), persistent=False)
        mention, node = graph.edges(etype="cand", order="eid")
        counts = torch.bincount(mention, minlength=graph.num_nodes("mention"))
        words = torch.bincount(graph.edges(etype="in", order="eid")[1], minlength=graph.num_nodes("mention"))
        self.documents = Documents(
            _indptr(torch.bincount(graph.nodes["mention"].data["doc"], minlength=graph.batch_size)),
            _indptr(counts),
            _indptr(words),
            block_size,
        )
        gold = graph.nodes["mention"].data["gold"].clone()
        first = self.documents.doc_indptr[:-1]
        self.doc_of_block = graph.nodes["mention"].data["doc"][first] if len(first) else first
        chosen = first.new_zeros(0) if docs is None else docs
        self.learnt_from = torch.isin(self.doc_of_block, chosen).nonzero()[:, 0]
        batch = self.documents.take(self.learnt_from)
        if docs is not None and not (gold[batch.mentions] >= 0).any():
            raise ValueError("docs must have a mention whose gold is a candidate, got none to learn from")
        others = torch.ones(len(gold), dtype=torch.bool)
        others[batch.mentions] = False
        gold[others] = -2  # golds of other documents stay unknown here
        self.register_buffer("gold", gold, persistent=False)
        self.register_buffer("entity", graph.nodes["entity"].data["entity"][node], persistent=False)
        self.register_buffer("word", graph.nodes["word"].data["word"], persistent=False)
        with seeded(config.seed, WEIGHT_STREAM):
            self.attention = None
            if tables.words is not None:
                self.attention = ContextAttention(tables.words.shape[1], config.num_kept)
        self.objective = CandidateRankingLoss(config.loss, config.margin)

    @property
    def groups(self) -> tuple[str, ...]:
        """Subject of each column of `columns`."""
        return (*(("context",) if self.attention is not None else ()), *self._feature_groups)

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return -(-len(self.learnt_from) // self.config.batch_size)

    @abstractmethod
    def forward(self, batch: DocumentBatch, without: str | None = None) -> list[Tensor]:
        """Score the candidates of some documents.

        Parameters
        ----------
        batch : DocumentBatch
        without : {"prior", "context", "type", "coherence"}, optional
            Information to hide from the scores: the features of the group become their means over the candidates of the
            mention; without coherence mentions exchange no messages.

        Returns
        -------
        list of Tensor, each of shape (num_candidates,)
        """

    def columns(self, batch: DocumentBatch, without: str | None = None) -> Tensor:
        """Return the features of the batch's candidates; with words, the score of the context's words comes first."""
        features = self.features[batch.candidates]
        if self.attention is not None:
            assert self.words is not None
            assert self.entities is not None
            suits = self.attention(
                self.words[self.word[batch.words]],
                batch.word_indptr,
                self.entities[self.entity[batch.candidates]],
                batch.cand_indptr,
            )
            features = torch.cat([suits[:, None], features], dim=1)
        if without in GROUPS:
            mention = torch.repeat_interleave(batch.cand_indptr.diff())
            mean = segment_reduce(features, batch.cand_indptr, reduce="mean")[mention]
            hidden = torch.tensor([group == without for group in self.groups], device=features.device)
            features = torch.where(hidden, mean, features)
        return features

    def training_step(self, batch: DocumentBatch, batch_idx: int) -> Tensor:
        """Compute the loss of some documents and log it."""
        with seeded(self.config.seed, DROPOUT_STREAM, self.global_step):
            loss = self.loss(batch)
        self.log("loss", loss.detach(), prog_bar=True)
        return loss

    def loss(self, batch: DocumentBatch) -> Tensor:
        """Return the sum of the mean losses of the scores of `forward`; 0 without a mention to learn from."""
        scores = self(batch)
        gold = self.gold[batch.mentions]
        kept = (gold >= 0).nonzero()[:, 0]  # a mention without a right candidate has no loss
        counts = batch.cand_indptr.diff()[kept]
        rows, _ = expand_ranges(batch.cand_indptr[:-1][kept], counts)
        indptr = _indptr(counts)
        offset = gold[kept] - batch.candidates[batch.cand_indptr[:-1][kept]]
        losses = [self.objective(score.index_select(0, rows), indptr, indptr[:-1] + offset) for score in scores]
        return torch.stack(losses).sum()

    def configure_optimizers(self) -> Any:  # Any: Lightning's form
        """Return AdamW with a rate that falls to zero along a half cosine."""
        config = self.config
        optimizer = torch.optim.AdamW(self.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
        steps = config.num_epochs * self.steps_per_epoch
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:  # Any: see Lightning
        """Take a step, and bound the norm of the weights of the scores."""
        super().optimizer_step(*args, **kwargs)
        for module in self.modules():
            shorten = getattr(module, "shorten", None)
            if shorten is not None:
                shorten()

    def train_dataloader(self) -> DocumentBatches:
        """Return the batches of all epochs."""
        config = self.config
        return DocumentBatches(self.documents, self.learnt_from, config.batch_size, config.num_epochs, config.seed)

    @torch.no_grad()
    def score(self, docs: Tensor, without: str | None = None) -> tuple[Tensor, Tensor]:
        """Return the candidates of some documents and their scores.

        Parameters
        ----------
        docs : Tensor of int64, shape (num_docs,)
        without : str, optional
            See `forward`.

        Returns
        -------
        candidates : Tensor of int64, shape (num_candidates,)
            Edges ``cand`` of the graph, document after document.
        scores : Tensor, shape (num_candidates,)
        """
        training = self.training
        self.eval()
        blocks = torch.isin(self.doc_of_block, docs).nonzero()[:, 0]
        candidates, scores = [blocks.new_zeros(0)], [torch.zeros(0)]
        for some in torch.split(blocks, 32):
            batch = self.documents.take(some)
            candidates.append(batch.candidates)
            scores.append(self(DocumentBatch(*(x.to(self.device) for x in batch)), without)[-1].cpu())
        self.train(training)
        return torch.cat(candidates), torch.cat(scores)


def probabilities(scores: Tensor, cand_indptr: Tensor) -> Tensor:
    """Return the softmax of scores over the candidates of each mention."""
    mention = torch.repeat_interleave(cand_indptr.diff())
    return (scores - segment_logsumexp(scores, cand_indptr)[mention]).exp()


def _indptr(counts: Tensor) -> Tensor:
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])
