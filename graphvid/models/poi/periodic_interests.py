"""The model of the next place from periodic interests, mixed with counts of earlier visits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import softplus

from graphvid._dgl import DGLGraph
from graphvid._random import seeded
from graphvid.data import distance_km
from graphvid.models.one_process import OneProcessModule
from graphvid.models.poi.config import PeriodicInterestsConfig
from graphvid.models.poi.counts import VisitCounts, fit_shares
from graphvid.models.poi.mixture_gate import MixtureGate
from graphvid.models.poi.network import InterestNetwork, Interests
from graphvid.models.poi.places import KnownPlaces
from graphvid.sampling import CheckInChains, Requests, RowBatch, ShuffledBatches, group_order

_WEIGHTS, _DROPOUT, _SAMPLE = 1, 2, 3  # streams of config.seed
_SAMPLED, _LEAST = 5000, 1e-12
_COUNT_OF = {"daily": "weekday"}  # kind of count of an interest, if the name differs


class PlaceScores(NamedTuple):
    """Scores of all candidates for some requests, with the attention and shares behind them.

    Parameters
    ----------
    scores : Tensor, shape (num_requests, num_places)
        Probabilities.
    attention : Tensor, shape (num_requests, num_interests)
        Attention of the network over the interests; 0 for an empty one.
    daily : Tensor, shape (num_requests, 7)
        Attention of the network over the weekdays of the long term, Monday first.
    shares : Tensor, shape (num_requests, num_parts)
        Shares of the network and of each kind of counts in the mixture.
    """

    scores: Tensor
    attention: Tensor
    daily: Tensor
    shares: Tensor


class PeriodicInterests(OneProcessModule):
    r"""Rank places by the user's check-ins on this weekday, at this hour, in this area, and by the last ones.

    Seven lists of the long term, one for each weekday, and four short ones are walks back along chains of check-ins
    (`graphvid.sampling.CheckInChains`). A GRU turns each list into a state. Attention at the request sums the days to the
    long term, and then the long and the short terms to :math:`h`:

    .. math:: s(v) = (h + u) \cdot e_v + b_v - \operatorname{softplus}(g) \log(1 + \mathrm{km}), \qquad
        p(v) = a_0 \operatorname{softmax}_v s(v) + \sum_k a_k p_k(v)

    where :math:`p_k` are shares of visits (`VisitCounts`): among the check-ins of an interest, of the whole history, of the
    successors of the last place in training, and of all of training. Newer visits of a list weigh more, by a learned rate.
    The shares :math:`a` depend on user, weekday, hour and the number of counted visits. The loss is the negative logarithm
    of p at the visited place.

    Parameters
    ----------
    graph : DGLGraph
        All check-ins, from `graphvid.graphs.check_in_graph`.
    rows : ndarray of int64, shape (num_rows,)
        Training check-ins, ascending. Their places are the candidates; all others are one "unknown place".
    config : PeriodicInterestsConfig, optional
        Options.
    coordinates : ndarray of float64, shape (num_pois, 2), optional
        Latitude and longitude of all places; needed with ``config.distance``.

    Attributes
    ----------
    chains : CheckInChains
        Chains of the graph.
    places : KnownPlaces
        The candidates.
    parts : tuple of str
        ``"network"`` and the kinds of counts, in the order of the shares.

    Notes
    -----
    The lists, the two attentions and the sizes follow the idea of the paper, whose text we have not read: this is no
    reproduction. The counts are an addition. Visited places stay candidates.

    The model computes the vector of a check-in once a batch, also if it is in several lists, and the days once a session.
    Time O(length * dim ** 2) a request for the lists and O(num_places * dim) for the scores.

    References
    ----------
    Cui, Zhang, Zhang, Wang and Cai, "ST-PIL: Spatial-temporal periodic interest learning for next point-of-interest
    recommendation", arXiv 2104.02262, 2021.

    Examples
    --------
    >>> from graphvid.data import SyntheticCheckIns
    >>> from graphvid.graphs import check_in_graph
    >>> town = SyntheticCheckIns(num_users=5, num_pois=40, check_ins_per_user=(20, 20))
    >>> model = PeriodicInterests(
    ...     check_in_graph(town.check_ins, town.area), town.windows.train, PeriodicInterestsConfig(dim=8)
    ... )
    >>> found = model.score(model.chains.before(town.windows.test))
    >>> found.scores.shape == (20, model.places.num_places), round(float(found.scores[0].sum()), 4)
    (True, 1.0)
    """

    config: PeriodicInterestsConfig

    def __init__(
        self,
        graph: DGLGraph,
        rows: NDArray[np.int64],
        config: PeriodicInterestsConfig | None = None,
        coordinates: NDArray[np.float64] | None = None,
    ) -> None:
        super().__init__()
        self.config = config = config if config is not None else PeriodicInterestsConfig()
        self.chains = chains = CheckInChains(graph, session_gap=3600 * config.session_gap_hours)
        self.rows = np.asarray(rows, dtype=np.int64)
        self.places = KnownPlaces(chains, self.rows)
        if config.distance and coordinates is None:
            raise ValueError("coordinates must be given with distance=True, got none")
        self._coordinates = coordinates if config.distance else None
        self._requests = self.moment(chains, chains.before(self.rows))
        self._targets = torch.from_numpy(self.places.number[chains.poi[self.rows]])
        self.counts: VisitCounts | None = None
        if config.counts:
            counted = ("history", *(_COUNT_OF.get(x, x) for x in config.interests), "successor", "popularity")
            self.counts = VisitCounts(
                self.places, counted, length=config.history_length, tolerance=config.hour_tolerance
            )
        self.parts: tuple[str, ...] = ("network", *(() if self.counts is None else self.counts.parts))
        with seeded(config.seed, _WEIGHTS):
            self.network = InterestNetwork(
                chains.num_users,
                self.places.num_places,
                chains.num_areas,
                config.dim,
                config.interests,
                short_length=config.short_length,
                daily_length=config.daily_length,
                tolerance=config.hour_tolerance,
                drop=config.dropout,
            )
        self.bias = nn.Parameter(torch.zeros(self.places.num_places))
        if config.distance:
            self.fall = nn.Parameter(torch.tensor(-2.0))
        if self.counts is not None:
            self.gate = MixtureGate(3 * config.dim, len(self.counts.lists), len(self.counts.tables))
            self.gate.start_at(self._likely_mixture(self.counts))

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return -(-len(self.rows) // self.config.batch_size)

    def moment(self, chains: CheckInChains, requests: Requests) -> Requests:
        """Return the requests with the weekday and hour of ``config.target_time``."""
        if self.config.target_time == "request":
            return requests
        last, known = np.maximum(requests.end - 1, 0), requests.last >= 0
        return requests._replace(
            weekday=np.where(known, chains.weekday[last], -1), hour=np.where(known, chains.hour[last], -1)
        )

    def train_dataloader(self) -> ShuffledBatches[RowBatch]:
        """Return the batches of all epochs, as positions in ``rows``: whole sessions, whose long term is computed once."""
        config, session = self.config, self._requests.session

        def order(epoch: int) -> NDArray[np.int64]:
            return group_order(session, seed=np.random.default_rng((config.seed, epoch)))

        positions = RowBatch(torch.arange(len(self.rows)))
        return ShuffledBatches(positions, config.batch_size, config.num_epochs, config.seed, order=order)

    def training_step(self, batch: RowBatch, batch_idx: int) -> Tensor:
        """Compute the loss of one batch and log it."""
        with seeded(self.config.seed, _DROPOUT, self.global_step):
            loss = self.loss(batch.row.cpu().numpy())
        self.log("loss", loss.detach(), prog_bar=True)
        return loss

    def loss(self, picked: NDArray[np.int64]) -> Tensor:
        """Return the mean negative log-likelihood of some of the training check-ins, by their position in ``rows``."""
        requests = self._requests.take(picked)
        target = self._targets[torch.from_numpy(picked)].to(self.device)
        found = self.network(self.chains, requests, self.places.number)
        of_network = self._log_network(found, requests, target)
        if self.counts is None:
            return -of_network.mean()
        lists = self.counts.members(self.chains, requests).to(self.device)
        own = torch.ones(len(picked), dtype=torch.bool, device=self.device)
        given, amounts = self.counts.of_targets(requests, target, lists, self.gate.member_weights(lists), own)
        shares = self.gate(found.context, amounts)
        mixed = (shares[:, 1:] * given).sum(dim=1)
        return -torch.logaddexp(torch.log(shares[:, 0]) + of_network, torch.log(mixed + _LEAST)).mean()

    @torch.no_grad()
    def score(
        self, requests: Requests, chains: CheckInChains | None = None, user: NDArray[np.int64] | None = None
    ) -> PlaceScores:
        """Return the probabilities of all candidates.

        Parameters
        ----------
        requests : Requests
            Of ``chains``.
        chains : CheckInChains, optional
            Check-ins in place of the model's, with the same numbering of places; ``chains.num_pois`` of the model is the
            number of an unknown place.
        user : ndarray of int64, shape (num_requests,), optional
            Users in the model's numbering, ``chains.num_users`` of the model for an unknown one. Default: those of the
            requests.
        """
        training = self.training
        self.eval()
        chains = self.chains if chains is None else chains
        requests = self.moment(chains, requests)
        found = self.network(chains, requests, self.places.number, user)
        scores = torch.softmax(self._logits(found, requests), dim=1)
        shares = torch.ones_like(scores[:, :1])
        if self.counts is not None:
            lists = self.counts.members(chains, requests).to(self.device)
            shares = self.gate(found.context, self.counts.amounts(requests, lists))
            mixed = self.counts.mixed(requests, lists, self.gate.member_weights(lists), shares[:, 1:])
            scores = scores * shares[:, :1] + mixed
        self.train(training)
        return PlaceScores(scores, found.attention, found.daily, shares)

    @torch.no_grad()
    def reasons(
        self, requests: Requests, chains: CheckInChains | None = None, user: NDArray[np.int64] | None = None
    ) -> Tensor:
        """Return the score of every candidate part by part, shape (num_requests, num_parts, num_places); for few requests.

        The sum over the parts is what `score` gives.
        """
        found = self.score(requests, chains, user)
        if self.counts is None:
            return found.scores[:, None]
        chains = self.chains if chains is None else chains
        requests = self.moment(chains, requests)
        lists = self.counts.members(chains, requests).to(self.device)
        counted = self.counts.by_part(requests, lists, self.gate.member_weights(lists), found.shares[:, 1:])
        of_network = (found.scores - counted.sum(dim=1)).clamp(min=0)
        return torch.cat([of_network[:, None], counted], dim=1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Scale the gradients down to ``config.max_gradient_norm``."""
        nn.utils.clip_grad_norm_(self.parameters(), self.config.max_gradient_norm)

    def _user_vectors(self, found: Interests) -> Tensor:
        return found.states + found.user

    def _logits(self, found: Interests, requests: Requests) -> Tensor:
        table = self.network.check_in.poi.weight[:-1]
        logits = torch.addmm(self.bias, self._user_vectors(found), table.t())
        return logits - self._distance(requests, self.places.pois[None])

    def _distance(self, requests: Requests, pois: NDArray[np.int64]) -> Tensor | float:
        """Return the penalty of the distance, 0 for requests without a last place; ``pois`` broadcasts."""
        if self._coordinates is None:
            return 0.0
        near = np.where(requests.near < len(self._coordinates), requests.near, -1)  # an unknown place has no position
        here, there = self._coordinates[near], self._coordinates[pois]
        far = distance_km(here[:, None, 0], here[:, None, 1], there[..., 0], there[..., 1])
        far = np.where(near[:, None] >= 0, np.log1p(far), 0.0).astype(np.float32)
        return softplus(self.fall) * torch.from_numpy(far).to(self.device)

    def _log_network(self, found: Interests, requests: Requests, target: Tensor) -> Tensor:
        """Return the network's log-probability of one candidate for each request."""
        count, size = self.config.num_negatives, self.places.num_places
        if count is None or count >= size - 1:
            return torch.log_softmax(self._logits(found, requests), dim=1).gather(1, target[:, None])[:, 0]
        drawn = torch.randint(0, size, (count,), device=self.device)  # under the seed of the step
        vectors, table = self._user_vectors(found), self.network.check_in.poi.weight
        own = (vectors * table[target]).sum(dim=1) + self.bias[target]
        own = own - _column(self._distance(requests, self.places.pois[target.cpu().numpy()][:, None]))
        others = torch.addmm(self.bias[drawn], vectors, table[drawn].t())
        others = others - self._distance(requests, self.places.pois[drawn.cpu().numpy()][None])
        others = others.masked_fill(drawn == target[:, None], -torch.inf) + float(np.log(size / count))
        return own - torch.logsumexp(torch.cat([own[:, None], others], dim=1), dim=1)

    @torch.no_grad()
    def _likely_mixture(self, counts: VisitCounts) -> Tensor:
        """Return the fixed mixture of counts with the largest likelihood on some training targets."""
        rng = np.random.default_rng((self.config.seed, _SAMPLE))
        picked = np.sort(rng.permutation(len(self.rows))[:_SAMPLED])
        requests, target = self._requests.take(picked), self._targets[torch.from_numpy(picked)]
        lists = counts.members(self.chains, requests)
        own = torch.ones(len(picked), dtype=torch.bool)
        return fit_shares(counts.of_targets(requests, target, lists, self.gate.member_weights(lists), own)[0])


def _column(values: Tensor | float) -> Tensor | float:
    return values[:, 0] if isinstance(values, Tensor) else values
