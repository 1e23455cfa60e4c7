"""The network of periodic interests: a GRU turns lists along chains into states, and attention at the request sums them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import dropout

from graphvid.models.poi.visit_lists import walk_interest
from graphvid.nn import CheckInEmbedding, InterestAttention, RaggedGRU
from graphvid.ops import Adjacency
from graphvid.sampling import CheckInChains, Requests, Walks

_Ints = NDArray[np.int64]


class Interests(NamedTuple):
    """Interests of requests: the output of the network.

    Parameters
    ----------
    states : Tensor, shape (num_requests, dim)
        Weighted sums of the interests.
    user : Tensor, shape (num_requests, dim)
        Vectors of the users.
    context : Tensor, shape (num_requests, 3 * dim)
        User, weekday and hour of the requests.
    daily : Tensor, shape (num_requests, 7)
        Attention over the weekdays of the long term, 0 for an empty one.
    attention : Tensor, shape (num_requests, num_interests)
        Attention over the interests, 0 for an empty one.
    """

    states: Tensor
    user: Tensor
    context: Tensor
    daily: Tensor
    attention: Tensor


class InterestNetwork(nn.Module):
    """Map requests to states, from the lists of their interests.

    Parameters
    ----------
    num_users, num_places, num_areas, dim : int
        Sizes; the user ``num_users`` and the place ``num_places`` represent unknown ones.
    interests : sequence of {"daily", "sequential", "hour", "area", "hour_area"}
        Interests in use, at least one.
    short_length, daily_length, tolerance : int
        Largest number of members of a short list and of a daily one, and largest difference of hours in slots.
    drop : float
        Share of the entries of inputs and states set to zero in training.
    """

    def __init__(
        self,
        num_users: int,
        num_places: int,
        num_areas: int,
        dim: int,
        interests: Sequence[str],
        *,
        short_length: int,
        daily_length: int,
        tolerance: int,
        drop: float,
    ) -> None:
        super().__init__()
        self.interests, self.num_users = tuple(interests), num_users
        self.short_length, self.daily_length, self.tolerance, self.drop = short_length, daily_length, tolerance, drop
        self.check_in = CheckInEmbedding(num_places, num_areas, 24, dim)
        self.user = nn.Embedding(num_users + 1, dim, padding_idx=num_users)
        nn.init.normal_(self.user.weight, std=0.1)
        nn.init.zeros_(self.user.weight.data[num_users])
        self.recurrent = nn.ModuleDict({name: RaggedGRU(dim, dim) for name in self.interests})
        self.intra = InterestAttention(dim, 3 * dim) if "daily" in self.interests else None
        self.inter = InterestAttention(dim, 3 * dim)

    def forward(self, chains: CheckInChains, requests: Requests, number: _Ints, user: _Ints | None = None) -> Interests:
        """Compute the states.

        Parameters
        ----------
        chains : CheckInChains
            The check-ins.
        requests : Requests
            Requests of these chains.
        number : ndarray of int64, shape (chains.num_pois,) or more
            Place of every poi of the chains in the network's numbering.
        user : ndarray of int64, shape (num_requests,), optional
            Users in the network's numbering, if it differs from that of the chains.
        """
        walks = {
            name: walk_interest(chains, requests, name, length=self.short_length, tolerance=self.tolerance)
            for name in self.interests
            if name != "daily"
        }
        sessions, session_of = _sessions(requests)
        if self.intra is not None:
            walks["daily"] = chains.walk_days(sessions, length=self.daily_length)
        x, walks = self._inputs(chains, walks, number)
        of_user = self.user(self._on(requests.user if user is None else user))
        context = self._context(of_user, requests)
        count = len(requests.user)
        nodes, sources, owners, kinds = [], [], [], []
        daily, start = context.new_zeros(count, 7), 0
        for kind, name in enumerate(self.interests):
            walk = walks[name]
            states = self.recurrent[name](x, self._on(walk.indptr), self._on(walk.rows))
            filled = np.diff(walk.indptr) > 0
            if name == "daily":
                states, daily, filled = self._long_term(states, filled.reshape(-1, 7)[session_of], session_of, context)
            nodes.append(states)
            mine = np.flatnonzero(filled)
            sources.append(start + mine)
            owners.append(mine)
            kinds.append(np.full(len(mine), kind))
            start += count
        of_edge = np.concatenate(owners)
        order = np.argsort(of_edge, kind="stable")
        edges, owner = _edges(np.concatenate(sources)[order], of_edge[order], start, count, context.device)
        found = self.inter(edges, torch.cat(nodes), context)
        attention = context.new_zeros(count, len(self.interests))
        attention[owner, self._on(np.concatenate(kinds)[order])] = found.weights.detach()
        return Interests(dropout(found.states, self.drop, self.training), of_user, context, daily, attention)

    def _on(self, array: NDArray[np.integer]) -> Tensor:
        return torch.from_numpy(array).to(self.user.weight.device)

    def _inputs(self, chains: CheckInChains, walks: dict[str, Walks], number: _Ints) -> tuple[Tensor, dict[str, Walks]]:
        """Return the vectors of the distinct check-ins in the lists, and the lists as rows of these vectors."""
        mark = np.zeros(chains.num_check_ins, dtype=bool)
        for walk in walks.values():
            mark[walk.rows] = True
        distinct = np.flatnonzero(mark)
        place = np.empty(chains.num_check_ins, dtype=np.int64)
        place[distinct] = np.arange(len(distinct))
        walks = {name: Walks(walk.indptr, place[walk.rows]) for name, walk in walks.items()}
        columns = (number[chains.poi[distinct]], chains.area[distinct], chains.hour[distinct], chains.weekday[distinct])
        x = self.check_in(*(self._on(column) for column in columns))
        return dropout(x, self.drop, self.training), walks

    def _context(self, of_user: Tensor, requests: Requests) -> Tensor:
        weekday, hour = self._on(requests.weekday), self._on(requests.hour)
        parts = [of_user, self.check_in.weekday(weekday + 1), self.check_in.hour(hour + 1)]
        return dropout(torch.cat(parts, dim=1), self.drop, self.training)

    def _long_term(
        self, states: Tensor, filled: NDArray[np.bool_], session_of: _Ints, context: Tensor
    ) -> tuple[Tensor, Tensor, NDArray[np.bool_]]:
        """Return the long term of every request, its attention over weekdays, and a mask of the requests with a long term."""
        assert self.intra is not None
        owner, day = np.nonzero(filled)
        edges, owner_of = _edges(session_of[owner] * 7 + day, owner, len(states), len(filled), context.device)
        found = self.intra(edges, states, context)
        daily = context.new_zeros(len(filled), 7)
        daily[owner_of, self._on(day)] = found.weights.detach()
        return found.states, daily, np.asarray(filled.any(axis=1))


def _edges(source: _Ints, owner: _Ints, num_src: int, num_dst: int, device: torch.device) -> tuple[Adjacency, Tensor]:
    """Return the relation from states to their requests, in order of the requests, and the request of each edge."""
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=num_dst))])
    edges = Adjacency.from_rows(torch.from_numpy(indptr), torch.from_numpy(source), num_src=num_src)
    return edges.to(device), torch.from_numpy(owner).to(device)


def _sessions(requests: Requests) -> tuple[Requests, _Ints]:
    """Return one request for each pair of a user and a session start, and the index of each request's pair."""
    width = int(requests.session.max(initial=0)) + 1
    _, first, session_of = np.unique(requests.user * width + requests.session, return_index=True, return_inverse=True)
    return requests.take(first), session_of
