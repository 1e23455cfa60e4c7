"""Base of the models that learn from pairs of users and items: batches, losses, optimiser and ranking."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import dropout, normalize

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.data import Interactions
from graphvid.models.one_process import OneProcessModule
from graphvid.models.recommenders.candidates import Candidates, make_candidates
from graphvid.models.recommenders.config import RecommenderConfig
from graphvid.nn.row_table import RowTable
from graphvid.ops import Adjacency, NeighborTable
from graphvid.optim import DeferredAdam
from graphvid.optim.deferred_adam import coalesce
from graphvid.sampling import ShuffledBatches

_DROPOUT_STREAM, WEIGHT_STREAM = 1, 2  # streams of config.seed


class EdgeBatch(NamedTuple):
    """Ends of a batch of training edges.

    Parameters
    ----------
    user, item : Tensor, shape (batch,), int64
    """

    user: Tensor
    item: Tensor


class Embeddings(NamedTuple):
    """Vectors whose products are the scores.

    Parameters
    ----------
    users : Tensor, shape (num_users, dim)
    items : Tensor, shape (num_items, dim)
    """

    users: Tensor
    items: Tensor


class Recommender(OneProcessModule, ABC):
    """Learns vectors of users and items so that a user's product with an item they took is large.

    A subclass says how nodes become vectors, in `encode`. A step takes a batch of edges, encodes their users and items
    and some negatives, and moves the vectors by the loss of the scores. Every edge comes once an epoch.

    Parameters
    ----------
    graph : DGLGraph
        From `graphvid.graphs.user_item_graph`.
    config : RecommenderConfig
        Options.
    kind : type
        Class that the options must have.

    Attributes
    ----------
    histories : NeighborTable
        Training items of every user.
    edges : EdgeBatch
        All training edges.
    candidates : Candidates
        Draws the negatives and scores them; its memory, if it has one, is part of the model's state.

    Raises
    ------
    TypeError
        For another kind of graph or options.
    ValueError
        For a graph without edges, or one without the nodes and relations of a user-item graph.
    """

    def __init__(self, graph: DGLGraph, config: RecommenderConfig, kind: type[RecommenderConfig]) -> None:
        super().__init__()
        if not isinstance(graph, DGLGraph):
            raise TypeError(f"graph must be a DGLGraph made by user_item_graph, got {type(graph).__name__}")
        if not isinstance(config, kind):
            raise TypeError(f"config must be a {kind.__name__}, got {type(config).__name__}")
        self.config = config
        relation = ("item", "watched_by", "user")
        if relation not in graph.canonical_etypes:
            raise ValueError(f"graph must have the relation {relation}, got {graph.canonical_etypes}")
        adjacency = Adjacency.from_dgl(graph, relation)
        if not adjacency.num_edges:
            raise ValueError("graph must have edges to learn from, got none")
        self.num_users, self.num_items = adjacency.num_dst, adjacency.num_src
        users, items = adjacency.ends("dst").long(), adjacency.ends("src").long()
        pairs = Interactions.from_pairs(
            users.numpy(), items.numpy(), num_users=self.num_users, num_items=self.num_items, duplicates="drop"
        )
        self.histories = NeighborTable(torch.from_numpy(pairs.indptr), torch.from_numpy(pairs.items))
        self.edges = EdgeBatch(users, items)
        self.candidates: Candidates = make_candidates(self.histories, self.num_items, config)

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return -(-len(self.edges.user) // self.config.batch_size)

    @abstractmethod
    def encode(self, users: Tensor, items: Tensor, left_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the vectors of some users and items, before they are normalised.

        Parameters
        ----------
        users : Tensor of int64, shape (num_rows,)
            May repeat.
        items : Tensor of int64, shape (num_items,)
            Distinct.
        left_out : Tensor of int64, shape (num_rows,), optional
            The item that each row is to predict, of which its user's vector must not know.

        Returns
        -------
        Tensor, shape (num_rows, dim)
        Tensor, shape (num_items, dim)
        """

    def penalty(self, batch: EdgeBatch) -> Tensor | float:
        """Return what a model adds to the loss of a batch; nothing, unless it says otherwise."""
        return 0.0

    def vectors(self, users: Tensor, items: Tensor, left_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return what scores are made of: `encode`, normalised if the similarity is the cosine, with dropout of users."""
        of_users, of_items = self.encode(users, items, left_out)
        if self.config.similarity == "cosine":
            of_users, of_items = normalize(of_users, eps=1e-12), normalize(of_items, eps=1e-12)
        if self.training and self.config.dropout:
            with seeded(self.config.seed, _DROPOUT_STREAM, self.global_step):
                of_users = dropout(of_users, self.config.dropout)
        return of_users, of_items

    def training_step(self, batch: EdgeBatch, batch_idx: int) -> Tensor:
        """Compute the loss of one batch of edges and log it."""
        loss: Tensor = self.candidates(self.vectors, batch.user, batch.item, self.global_step)
        loss = loss + self.penalty(batch)
        self.log("loss", loss.detach(), prog_bar=True)
        for name, value in self.candidates.figures().items():
            self.log(name, value)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Give Adam, with the penalty on the embedding tables alone."""
        tables = [module for module in self.modules() if isinstance(module, RowTable)]
        penalised = [table.weight for table in tables]
        known = {id(weight) for weight in penalised}
        others = [parameter for parameter in self.parameters() if id(parameter) not in known]
        groups: list[dict[str, Any]] = [{"params": penalised, "weight_decay": self.config.l2}]
        if others:
            groups.append({"params": others})
        if self.config.optimizer == "adam":
            return torch.optim.Adam(groups, lr=self.config.learning_rate, fused=True)
        optimizer = DeferredAdam(groups, lr=self.config.learning_rate)
        for table in tables:
            table.defer(optimizer)
        return optimizer

    @torch.no_grad()
    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Scale the gradients down to ``config.max_gradient_norm``."""
        if self.config.max_gradient_norm is None:
            return
        gradients = []
        for parameter in self.parameters():
            if parameter.grad is not None and parameter.grad.is_sparse:
                parameter.grad = coalesce(parameter.grad)  # a row's parts must be added before they are squared
                gradients.append(parameter.grad._values())
            elif parameter.grad is not None:
                gradients.append(parameter.grad)
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(x) for x in gradients]))
        scale = self.config.max_gradient_norm / (norm + 1e-6)
        if scale < 1:
            for gradient in gradients:
                gradient.mul_(scale)

    def train_dataloader(self) -> ShuffledBatches[EdgeBatch]:
        """Give the batches up to the end of the last epoch."""
        config = self.config
        return ShuffledBatches(self.edges, config.batch_size, config.num_epochs, config.seed)

    def catch_up(self) -> None:
        """Bring all rows of all tables up to date, before they are read as a whole; a no-op with plain Adam."""
        for module in self.modules():
            if isinstance(module, RowTable):
                module.catch_up()

    def before_judging(self) -> None:
        """Bring the tables up to date."""
        self.catch_up()

    def after_reload(self) -> None:
        """Forget the vectors of the weights that were given up."""
        self.candidates.forget()

    @torch.no_grad()
    def embed(self) -> Embeddings:
        """Return the vectors of all users and items, on the model's device.

        Notes
        -----
        All nodes at once: O(num_edges) memory for the models that read histories.
        """
        self.catch_up()
        training = self.training
        self.eval()
        users, items = (torch.arange(n, device=self.device) for n in (self.num_users, self.num_items))
        found = Embeddings(*self.vectors(users, items))
        self.train(training)
        return found
