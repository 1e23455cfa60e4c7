"""Prediction of the next place from counts of earlier visits: several kinds of counts, and a fixed mixture of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid.metrics.target_ranks import expected_ranks, target_scores
from graphvid.models.poi.config import CountPart
from graphvid.models.poi.places import KnownPlaces
from graphvid.models.poi.visit_lists import VisitLists, visit_lists
from graphvid.sampling import CheckInChains, Requests

COUNT_PARTS: tuple[CountPart, ...] = get_args(CountPart)
_TABLES = ("successor", "popularity")
_BLOCK_VALUES = 2**25  # scores at once
_TRIALS = (0.0, 0.5, 2.0, 4.0)


class VisitCounts:
    """Each candidate's share of earlier visits, by kind of count.

    Most kinds are shares of the user's check-ins before the request. ``"history"`` counts all of them; ``"weekday"``,
    ``"hour"``, ``"area"`` and ``"hour_area"`` those with the request's weekday, slot of the day, area, or slot and area;
    ``"sequential"`` the newest 20. ``"successor"`` is the share of the training check-ins, of all users, that followed the
    last place; ``"popularity"`` the share of all training check-ins. With nothing to count, all shares are 0.

    Parameters
    ----------
    places : KnownPlaces
        Candidates with the counts of training.
    parts : sequence of str
        Kinds of counts.
    length : int
        Number of newest check-ins of a list that count.
    tolerance : int, default 0
        Largest difference of hours, in slots.
    """

    def __init__(self, places: KnownPlaces, parts: Sequence[str], *, length: int, tolerance: int = 0) -> None:
        unknown = [part for part in parts if part not in COUNT_PARTS]
        if unknown:
            raise ValueError(f"parts must be among {list(COUNT_PARTS)}, got {unknown}")
        self.places, self.length, self.tolerance = places, length, tolerance
        self.lists = tuple(part for part in parts if part not in _TABLES)
        self.tables = tuple(part for part in parts if part in _TABLES)
        self.parts = (*self.lists, *self.tables)
        self._total = float(places.visits.sum())
        self._popularity = torch.from_numpy(places.visits / places.visits.sum())

    def members(self, chains: CheckInChains, requests: Requests) -> VisitLists:
        """Return the members of all lists, oldest first."""
        return visit_lists(
            chains, requests, self.lists, self.places.number, length=self.length, tolerance=self.tolerance
        )

    def of_targets(
        self, requests: Requests, target: Tensor, lists: VisitLists, weight: Tensor, own: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the shares of one candidate for each request, and the number of visits counted.

        Parameters
        ----------
        requests : Requests
            The requests.
        target : Tensor of int64, shape (num_requests,)
            One candidate for each request.
        lists : VisitLists
            From `members`.
        weight : Tensor, shape (num_members,)
            Weight of each member of a list, with sum 1 for a list.
        own : Tensor of bool, shape (num_requests,)
            Whether the visit to predict is one of the counted training visits; the tables then exclude it.

        Returns
        -------
        Tensor, shape (num_requests, num_parts)
        Tensor, shape (num_requests, num_parts)
        """
        num_lists, count = len(self.lists), len(target)
        columns = []
        if num_lists:
            hit = weight * (lists.place == target[lists.segment // num_lists])
            columns.append(hit.new_zeros(count * num_lists).index_add(0, lists.segment, hit).reshape(count, num_lists))
        less, device = own.float(), target.device
        if "successor" in self.tables:
            last = self.places.last(requests)
            pairs = np.asarray(self.places.successors[last, target.cpu().numpy().copy()], dtype=np.float32).ravel()
            departures, follows = self._departures(last, less)
            columns.append(((torch.from_numpy(pairs).to(device) - follows) / departures.clamp(min=1))[:, None])
        if "popularity" in self.tables:
            visits = self._popularity.to(device)[target] * self._total
            columns.append(((visits - less) / (self._total - less).clamp(min=1))[:, None])
        return torch.cat(columns, dim=1).clamp(min=0), self.amounts(requests, lists, own)

    def amounts(self, requests: Requests, lists: VisitLists, own: Tensor | None = None) -> Tensor:
        """Return the number of visits counted for every part, (num_requests, num_parts); 0 for an empty part."""
        less = lists.counts.new_zeros(len(requests.user)) if own is None else own.to(lists.counts)
        columns = [lists.counts]
        if "successor" in self.tables:
            columns.append(self._departures(self.places.last(requests), less)[0][:, None])
        if "popularity" in self.tables:
            columns.append((self._total - less)[:, None])
        return torch.cat(columns, dim=1).clamp(min=0)

    def _departures(self, last: NDArray[np.int64], less: Tensor) -> tuple[Tensor, Tensor]:
        """Return the number of training departures from each last place, without the own visit, and the mask of own visits."""
        follows = less * torch.from_numpy(last < self.places.num_places).to(less)
        return torch.from_numpy(self.places.departures[last]).to(less) - follows, follows

    def mixed(self, requests: Requests, lists: VisitLists, weight: Tensor, shares: Tensor) -> Tensor:
        """Return the mixture for all candidates, (num_requests, num_places), by the shares of the parts.

        Parameters
        ----------
        requests, lists, weight
            See `of_targets`.
        shares : Tensor, shape (num_requests, num_parts)
            Share of each part.
        """
        num_lists, count, size = len(self.lists), len(shares), self.places.num_places
        mixed = shares.new_zeros(count * size)
        if num_lists:
            known = lists.place < size
            given = weight * shares[:, :num_lists].reshape(-1)[lists.segment]
            slot = lists.segment // num_lists * size + lists.place
            mixed.index_add_(0, slot[known], given[known])
        mixed = mixed.reshape(count, size)
        for part, name in enumerate(self.tables, start=num_lists):
            if name == "popularity":
                mixed.addcmul_(shares[:, part : part + 1], self._popularity.to(shares)[None])
            else:
                last = self.places.last(requests)
                departures = torch.from_numpy(self.places.departures[last]).to(shares).clamp(min=1)
                follow = torch.from_numpy(self.places.successor_counts(last)).to(shares)
                mixed.addcmul_((shares[:, part] / departures)[:, None], follow)
        return mixed

    def by_part(self, requests: Requests, lists: VisitLists, weight: Tensor, shares: Tensor) -> Tensor:
        """Return the contribution of each part to `mixed`, shape (num_requests, num_parts, num_places); for few requests."""
        alone = torch.diag_embed(shares).unbind(1)
        return torch.stack([self.mixed(requests, lists, weight, of_part) for of_part in alone], dim=1)


def even_weights(lists: VisitLists) -> Tensor:
    """Return the same weight for all members of a list."""
    return 1.0 / lists.counts.reshape(-1)[lists.segment]


def fit_shares(shares_of_targets: Tensor, *, num_rounds: int = 200) -> Tensor:
    r"""Return the fixed mixture of parts with the largest likelihood of the targets, by expectation maximisation.

    .. math:: w_k \leftarrow \frac{1}{N} \sum_i \frac{w_k p_{ik}}{\sum_l w_l p_{il}}

    Parameters
    ----------
    shares_of_targets : Tensor, shape (num_requests, num_parts)
        Share that each part gives to each target. A request with only zeros is left out.
    num_rounds : int, default 200
        Rounds; the likelihood has one maximum.

    Returns
    -------
    Tensor, shape (num_parts,)
        With sum 1.
    """
    given = shares_of_targets[shares_of_targets.sum(dim=1) > 0].double()
    weight = torch.full((given.shape[1],), 1 / given.shape[1], dtype=torch.float64)
    for _ in range(num_rounds if len(given) else 0):
        parts = given * weight
        weight = (parts / parts.sum(dim=1, keepdim=True)).mean(dim=0)
    return weight.float()


class CountMixture:
    """A fixed mixture of kinds of counts; nothing is trained by gradients.

    Parameters
    ----------
    chains : CheckInChains
        All check-ins.
    rows : ndarray of int64
        Training check-ins: the tables count them, and their places are the candidates.
    parts : sequence of str, default all
        Kinds of counts, see `VisitCounts`.
    length : int, default 100,000
        Newest check-ins of a list that count.
    tolerance : int, default 0
        Slots that an hour may be off.

    Attributes
    ----------
    weight : Tensor, shape (num_parts,)
        Weights of the mixture; all equal before `fit`.
    """

    def __init__(
        self,
        chains: CheckInChains,
        rows: NDArray[np.int64],
        parts: Sequence[str] = COUNT_PARTS,
        *,
        length: int = 100_000,
        tolerance: int = 0,
    ) -> None:
        self.chains, self.rows, self.places = chains, rows, KnownPlaces(chains, rows)
        self.counts = VisitCounts(self.places, parts, length=length, tolerance=tolerance)
        self.weight = torch.full((len(self.counts.parts),), 1 / len(self.counts.parts))

    def fit(self, rows: NDArray[np.int64], *, k: int = 10, most: int = 2000, seed: int = 0) -> CountMixture:
        """Choose the weights on check-ins outside training: first by likelihood, then by Recall@k.

        Starts at the most likely mixture and multiplies one weight after the other by 0, 1/2, 2 and 4. It keeps each change
        that improves Recall@k (for equal recall NDCG), until no change does.

        Parameters
        ----------
        rows : ndarray of int64
            Check-ins for the choice; those at unknown places are left out.
        k : int, default 10
            Length of the list of places.
        most : int, default 2000
            Largest number of check-ins used.
        seed : int, default 0
            Of the drawn check-ins.

        Raises
        ------
        ValueError
            No check-in at a known place.
        """
        target = self.places.number[self.chains.poi[rows]]
        rows, target = rows[target < self.places.num_places], target[target < self.places.num_places]
        if not len(rows):
            raise ValueError("there must be a check-in at a known place to choose weights by, got none")
        if len(rows) > most:
            picked = np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False))
            rows, target = rows[picked], target[picked]
        size = max(1, _BLOCK_VALUES // self.places.num_places)
        blocks = [self._asked(rows[i : i + size], target[i : i + size]) for i in range(0, len(rows), size)]
        best = fit_shares(torch.cat([self._given(*block) for block in blocks]))
        value = self._value(blocks, best, k)
        improved = True
        while improved:
            improved = False
            for part in range(len(best)):
                for factor in _TRIALS:
                    tried = best.clone()
                    tried[part] *= factor
                    if float(tried.sum()) > 0 and (found := self._value(blocks, tried, k)) > value:
                        best, value, improved = tried / tried.sum(), found, True
        self.weight = best
        return self

    def score(self, requests: Requests, chains: CheckInChains | None = None) -> Tensor:
        """Return the mixture for all candidates, shape (num_requests, num_places); see `PeriodicInterests.score`."""
        return self._mixed(requests, self._members(requests, chains), self.weight)

    def reasons(self, requests: Requests, chains: CheckInChains | None = None) -> Tensor:
        """Return the mixture part by part, shape (num_requests, num_parts, num_places); for few requests."""
        lists = self._members(requests, chains)
        return self.counts.by_part(requests, lists, even_weights(lists), self.weight.expand(len(requests.user), -1))

    def _members(self, requests: Requests, chains: CheckInChains | None) -> VisitLists:
        return self.counts.members(self.chains if chains is None else chains, requests)

    def _mixed(self, requests: Requests, lists: VisitLists, weight: Tensor) -> Tensor:
        return self.counts.mixed(requests, lists, even_weights(lists), weight.expand(len(requests.user), -1))

    def _asked(self, rows: NDArray[np.int64], target: NDArray[np.int64]) -> tuple[Requests, VisitLists, Tensor]:
        requests = self.chains.before(rows)
        return requests, self._members(requests, None), torch.from_numpy(target)

    def _given(self, requests: Requests, lists: VisitLists, target: Tensor) -> Tensor:
        own = torch.zeros(len(target), dtype=torch.bool)  # these check-ins are not counted
        return self.counts.of_targets(requests, target, lists, even_weights(lists), own)[0]

    def _value(self, blocks: list[tuple[Requests, VisitLists, Tensor]], weight: Tensor, k: int) -> tuple[float, float]:
        """Return recall and NDCG: mixtures are compared by recall, then by NDCG."""
        ranks = [expected_ranks(self._mixed(requests, lists, weight), target) for requests, lists, target in blocks]
        scores = target_scores(torch.cat(ranks), k=k)
        return scores.recall, scores.ndcg
