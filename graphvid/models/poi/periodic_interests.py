"""The next place from periodic interests, mixed with counts of earlier visits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from lightning import LightningModule
from torch import Tensor, nn

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.models.poi.config import PeriodicInterestsConfig
from graphvid.models.poi.network import InterestNetwork, Interests
from graphvid.models.poi.places import KnownPlaces
from graphvid.models.poi.counts import VisitCounts, fit_shares
from graphvid.models.poi.visit_lists import VisitLists
from graphvid.sampling import CheckInChains, Requests
from graphvid.sampling.session_batches import RowBatch, SessionBatches

_WEIGHTS, _DROPOUT, _SAMPLE = 1, 2, 3  # streams of config.seed
_SAMPLED, _NETWORK_SHARE, _DECAY, _LEAST = 5000, 0.3, -4.0, 1e-12
_LIST_OF = {"daily": "weekday"}


class PlaceScores(NamedTuple):
    """Scores of all candidates for some requests, and where they come from.

    Parameters
    ----------
    scores : Tensor, shape (num_requests, num_places)
        Probabilities.
    attention : Tensor, shape (num_requests, num_interests)
        Over the interests.
    daily : Tensor, shape (num_requests, 7)
        Over the weekdays of the long term, Monday first.
    shares : Tensor, shape (num_requests, num_parts)
        Of the network and of each kind of counts in the mixture.
    """

    scores: Tensor
    attention: Tensor
    daily: Tensor
    shares: Tensor


class PeriodicInterests(LightningModule):
    config: PeriodicInterestsConfig

    def __init__(self, graph: DGLGraph, rows: np.ndarray, config: PeriodicInterestsConfig | None = None) -> None:
        super().__init__()
        self.config = config = config if config is not None else PeriodicInterestsConfig()
        self.chains = CheckInChains(graph, session_gap=3600 * config.session_gap_hours)
        self.rows = np.asarray(rows, dtype=np.int64)
        self.places = KnownPlaces(self.chains, self.rows)
        chains, count = self.chains, self.places.num_places
        self._training_requests = self.moment(chains, chains.before(self.rows))
        self._targets = torch.from_numpy(self.places.number[chains.poi[self.rows]])
        self._place_of_row = np.full(chains.num_check_ins, -1, dtype=np.int64)
        self._place_of_row[self.rows] = np.arange(len(self.rows))
        lists = ("history", *(_LIST_OF.get(x, x) for x in config.interests))
        self.counts = None
        if config.counts:
            self.counts = VisitCounts(
                self.places, (*lists, "successor", "popularity"), length=config.history_length,
                tolerance=config.hour_tolerance,
            )  # fmt: skip
        self.parts = ("network", *(() if self.counts is None else self.counts.parts))
        with seeded(config.seed, _WEIGHTS):
            self.network = InterestNetwork(
                chains.num_users, count, chains.num_areas, 24, config.dim, config.interests,
                short_length=config.short_length, daily_length=config.daily_length, tolerance=config.hour_tolerance,
                drop=config.dropout,
            )  # fmt: skip
        self.bias = nn.Parameter(torch.zeros(count))
        if self.counts is not None:
            self.gate = nn.Linear(3 * config.dim, len(self.parts))
            self.gate_of_amount = nn.Parameter(torch.zeros(len(self.counts.parts)))
            self.decay = nn.Parameter(torch.full((len(self.counts.lists),), _DECAY))
            nn.init.zeros_(self.gate.weight)
            self._start_shares()

    @torch.no_grad()
    def _start_shares(self) -> None:
        """Begin at the fixed mixture of counts under which some training targets are most likely."""
        assert self.counts is not None
        rng = np.random.default_rng((self.config.seed, _SAMPLE))
        picked = np.sort(rng.permutation(len(self.rows))[:_SAMPLED])
        requests, target = self._training_requests.take(picked), self._targets[torch.from_numpy(picked)]
        lists = self.counts.members(self.chains, requests)
        own = torch.ones(len(picked), dtype=torch.bool)
        given, _ = self.counts.of_targets(requests, target, lists, self._member_weights(lists), own)
        shares = (1 - _NETWORK_SHARE) * fit_shares(given).clamp(min=1e-3)
        self.gate.bias.copy_(torch.log(torch.cat([torch.tensor([_NETWORK_SHARE]), shares])))

    def moment(self, chains: CheckInChains, requests: Requests) -> Requests:
        """Return the requests with the time that counts."""
        if self.config.target_time == "request":
            return requests
        last = np.maximum(requests.end - 1, 0)
        known = requests.last >= 0
        return requests._replace(
            weekday=np.where(known, chains.weekday[last], -1), hour=np.where(known, chains.hour[last], -1)
        )

    def train_dataloader(self) -> SessionBatches:
        config = self.config
        return SessionBatches(self.rows, self._training_requests.session, config.batch_size, config.num_epochs, config.seed)

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.rows) // self.config.batch_size)

    def _logits(self, found: Interests, requests: Requests) -> Tensor:
        user = self.network.user(torch.from_numpy(requests.user))
        table = self.network.check_in.poi.weight[:-1]
        return torch.addmm(self.bias, found.states + user, table.t())

    def _shares(self, context: Tensor, amounts: Tensor) -> Tensor:
        """Return the share of every part, (num_requests, num_parts); a part of which nothing was counted has none."""
        more = torch.nn.functional.pad(self.gate_of_amount * torch.log1p(amounts), (1, 0))
        empty = torch.nn.functional.pad(amounts == 0, (1, 0))
        return torch.softmax((self.gate(context) + more).masked_fill(empty, -torch.inf), dim=1)

    def _member_weights(self, lists: VisitLists) -> Tensor:
        """Return the weight of every member of every list, which falls with its age; those of a list sum to 1."""
        rate = torch.nn.functional.softplus(self.decay)
        weight = torch.exp(-rate[lists.segment % len(rate)] * lists.age)
        total = weight.new_zeros(lists.counts.numel()).index_add(0, lists.segment, weight)
        return weight / total[lists.segment]

    def training_step(self, batch: RowBatch, batch_idx: int) -> Tensor:
        picked = self._place_of_row[batch.row.numpy()]
        with seeded(self.config.seed, _DROPOUT, self.global_step):
            loss = self._loss(picked)
        self.log("loss", loss.detach(), prog_bar=True)
        return loss

    def _loss(self, picked: np.ndarray) -> Tensor:
        requests, target = self._training_requests.take(picked), self._targets[torch.from_numpy(picked)]
        found = self.network(self.chains, requests, self.places.number)
        log_network = torch.log_softmax(self._logits(found, requests), dim=1).gather(1, target[:, None])[:, 0]
        if self.counts is None:
            return -log_network.mean()
        lists = self.counts.members(self.chains, requests)
        own = torch.ones(len(picked), dtype=torch.bool)
        given, amounts = self.counts.of_targets(requests, target, lists, self._member_weights(lists), own)
        shares = self._shares(found.context, amounts)
        mixed = (shares[:, 1:] * given).sum(dim=1)
        return -torch.logaddexp(torch.log(shares[:, 0]) + log_network, torch.log(mixed + _LEAST)).mean()

    @torch.no_grad()
    def score(self, requests: Requests, chains: CheckInChains | None = None) -> PlaceScores:
        training = self.training
        self.eval()
        chains = self.chains if chains is None else chains
        requests = self.moment(chains, requests)
        found = self.network(chains, requests, self.places.number)
        scores = torch.softmax(self._logits(found, requests), dim=1)
        shares = torch.ones_like(scores[:, :1])
        if self.counts is not None:
            lists = self.counts.members(chains, requests)
            shares = self._shares(found.context, self.counts.amounts(requests, lists))
            mixed = self.counts.mixed(requests, lists, self._member_weights(lists), shares[:, 1:])
            scores = scores * shares[:, :1] + mixed
        self.train(training)
        return PlaceScores(scores, found.attention, found.daily, shares)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        nn.utils.clip_grad_norm_(self.parameters(), self.config.max_gradient_norm)
