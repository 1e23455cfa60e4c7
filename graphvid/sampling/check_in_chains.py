"""Walks back along chains of check-ins: they find a user's earlier check-ins with the key of a moment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer, node_ids
from graphvid._dgl import DGLGraph
from graphvid.data.check_ins import HOUR, local_time
from graphvid.graphs.check_ins import CHAINS, chain_keys
from graphvid.sampling._chain_kernels import chain_heads, copy_rows, find_slices
from graphvid.sampling.requests import Requests

_Ints = NDArray[np.int64]


class Walks(NamedTuple):
    """Lists of check-ins, oldest first: list i is ``rows[indptr[i] : indptr[i + 1]]``.

    Parameters
    ----------
    indptr : ndarray of int64, shape (num_lists + 1,)
    rows : ndarray of int32 or int64, shape (num_rows,)
        Check-ins; int32 while their number is below 2**31.
    """

    indptr: _Ints
    rows: NDArray[np.integer]


class _Chain(NamedTuple):
    """Chains of one kind, ordered so that a walk back is a slice.

    The rows of chain c are ``order[starts[c] : starts[c + 1]]``, ascending; the chains of user u are those from
    ``indptr[u]``, by key.
    """

    indptr: _Ints
    key: _Ints
    starts: _Ints
    order: NDArray[np.integer]


class CheckInChains:
    """Chains of a graph of check-ins, and walks back along them from requests.

    Parameters
    ----------
    graph : DGLGraph
        From `graphvid.graphs.check_in_graph`.
    session_gap : float, default 24 hours
        Seconds, > 0. The current session is the last run of check-ins before a request, without a longer gap inside it or
        before the request.

    Attributes
    ----------
    num_users, num_pois, num_areas, num_check_ins, slot_hours : int
        Sizes of the graph.
    user, poi, weekday, hour, area : ndarray of int64, shape (num_check_ins,)
        Values of every check-in; -1 if the graph has none.
    timestamp : ndarray of float64, shape (num_check_ins,) or None
        Seconds.

    Raises
    ------
    TypeError
        ``graph`` is not a DGLGraph.
    ValueError
        A graph without the nodes and relations of a graph of check-ins, a gap that is not > 0.

    Notes
    -----
    O(num_check_ins) time and 12 bytes for each check-in and kind of chain. A walk finds its chain and its place on it by
    binary search, then copies: O(log n + length) for each request. It reads nothing at or after a request.

    Examples
    --------
    >>> import pandas as pd
    >>> from graphvid.data import CheckIns
    >>> from graphvid.graphs import check_in_graph
    >>> frame = pd.DataFrame({"user_id": 7, "poi_id": [1, 2, 1], "timestamp": [0, 3600, 7 * 86400], "offset": 0})
    >>> chains = CheckInChains(check_in_graph(CheckIns.from_frame(frame)))
    >>> chains.walk("same_hour", chains.before([2]), length=20).rows
    array([0], dtype=int32)
    """

    def __init__(self, graph: DGLGraph, *, session_gap: float = 24 * HOUR) -> None:
        if not isinstance(graph, DGLGraph):
            raise TypeError(f"graph must be a DGLGraph made by check_in_graph, got {type(graph).__name__}")
        absent = [name for name in ("made", "at", "in", *CHAINS) if name not in graph.etypes]
        if absent:
            raise ValueError(f"graph must be made by check_in_graph, got one without the relations {absent}")
        if not session_gap > 0:
            raise ValueError(f"session_gap must be a number of seconds > 0, got {session_gap}")
        self.session_gap = session_gap
        self.slot_hours = 24 // (1 + int(graph.nodes["slot"].data["slot_of_day"].max()))
        self.num_users, self.num_pois = graph.num_nodes("user"), graph.num_nodes("poi")
        self.num_areas, self.num_check_ins = graph.num_nodes("area"), graph.num_nodes("check_in")
        self.user = _ends(graph, ("user", "made", "check_in"), self.num_check_ins, turned=True)
        self.poi = _ends(graph, ("check_in", "at", "poi"), self.num_check_ins)
        self.area_of_poi = _ends(graph, ("poi", "in", "area"), self.num_pois)
        self.area = self.area_of_poi[self.poi]
        slot = _ends(graph, ("check_in", "in", "slot"), self.num_check_ins)
        self.weekday, self.hour = np.where(slot >= 0, slot // 24, -1), np.where(slot >= 0, slot % 24, -1)
        time = graph.nodes["check_in"].data["timestamp"].numpy()
        self.timestamp: NDArray[np.float64] | None = None if np.isnan(time).any() else time
        self.indptr = np.concatenate([[0], np.cumsum(np.bincount(self.user, minlength=self.num_users))])
        keys = chain_keys(self.weekday, self.hour, self.area, self.num_areas, self.slot_hours)
        self._chains = {name: self._lay_out(graph, name, keys[name]) for name in CHAINS}
        self._run = self._session_starts()

    def _lay_out(self, graph: DGLGraph, name: str, key: _Ints) -> _Chain:
        """Return the chains of one kind, by user and key."""
        back = _ends(graph, ("check_in", name, "check_in"), self.num_check_ins, turned=True)
        head = chain_heads(back, key >= 0)
        on = np.flatnonzero(head >= 0)
        heads, lengths = np.unique(head[on], return_counts=True)
        by_key = np.lexsort((key[heads], self.user[heads]))
        rank = np.empty(len(heads), dtype=np.int64)
        rank[by_key] = np.arange(len(heads))
        order = on[np.argsort(rank[np.searchsorted(heads, head[on])], kind="stable")]
        ids = np.int32 if self.num_check_ins < 2**31 else np.int64
        return _Chain(
            _indptr(np.bincount(self.user[heads], minlength=self.num_users)),
            key[heads][by_key],
            _indptr(lengths[by_key]),
            order.astype(ids),
        )

    def _session_starts(self) -> _Ints:
        """Return, for every check-in, the first check-in of its session."""
        first = np.diff(self.user, prepend=-1) != 0
        if self.timestamp is not None:
            first |= np.diff(self.timestamp, prepend=-np.inf) > self.session_gap
        return np.maximum.accumulate(np.where(first, np.arange(self.num_check_ins), 0))

    def before(self, rows: ArrayLike) -> Requests:
        """Return the requests whose answers are some check-ins: each at its time, at the place of the previous check-in.

        Parameters
        ----------
        rows : array_like of int, shape (num_requests,)
            Check-ins. Others at exactly the same time do not belong to the history.
        """
        rows = node_ids("rows", rows, self.num_check_ins, "(num_requests,)")
        end = rows
        if self.timestamp is not None:
            new = (np.diff(self.user, prepend=-1) != 0) | (np.diff(self.timestamp, prepend=-np.inf) > 0)
            end = np.maximum.accumulate(np.where(new, np.arange(self.num_check_ins), 0))[rows]
        time = None if self.timestamp is None else self.timestamp[rows]
        return self._requests(self.user[rows], end, time, self.weekday[rows], self.hour[rows])

    def at(self, user: ArrayLike, timestamp: ArrayLike, offset: ArrayLike) -> Requests:
        """Return requests of users at some moments.

        Parameters
        ----------
        user : array_like of int, shape (num_requests,)
            User of each request.
        timestamp : array_like of float, shape (num_requests,)
            Seconds since 1970 in UTC.
        offset : array_like of int, shape (num_requests,)
            Minutes to local time.

        Raises
        ------
        ValueError
            The check-ins have no times.
        """
        if self.timestamp is None:
            raise ValueError("requests at a time need check-ins with times; these have an order only")
        user = node_ids("user", user, self.num_users, "(num_requests,)")
        moment = np.broadcast_to(np.asarray(timestamp, dtype=np.float64), user.shape)
        end = np.array(
            [
                low + np.searchsorted(self.timestamp[low:high], time, side="left")
                for low, high, time in zip(self.indptr[user], self.indptr[user + 1], moment)
            ],
            dtype=np.int64,
        )
        weekday, hour = local_time(moment, np.broadcast_to(np.asarray(offset), user.shape))
        return self._requests(user, end, moment, weekday, hour)

    def now(self, user: ArrayLike) -> Requests:
        """Return requests of users after all their check-ins, at an unknown time."""
        user = node_ids("user", user, self.num_users, "(num_requests,)")
        unknown = np.full(len(user), -1, dtype=np.int64)
        return self._requests(user, self.indptr[user + 1], None, unknown, unknown)

    def moved(self, requests: Requests, near: ArrayLike) -> Requests:
        """Return the requests with new places ``near``, which set their areas."""
        near = node_ids("near", near, self.num_pois, "(num_requests,)")
        return requests._replace(near=near, area=self.area_of_poi[near])

    def _requests(
        self, user: _Ints, end: _Ints, time: NDArray[np.float64] | None, weekday: _Ints, hour: _Ints
    ) -> Requests:
        some = end > self.indptr[user]
        last = np.maximum(end - 1, 0)
        session = np.where(some, self._run[last], end)
        if time is not None and self.timestamp is not None:
            session = np.where(some & (time - self.timestamp[last] > self.session_gap), end, session)
        area, place = (np.where(some, column[last], -1) for column in (self.area, self.poi))
        return Requests(user, end, session, weekday, hour, area, place, place)

    def walk(self, relation: str, requests: Requests, *, length: int, tolerance: int = 0) -> Walks:
        """Return the newest check-ins before each request that share its key.

        Parameters
        ----------
        relation : {"next", "same_dow", "same_hour", "same_area", "same_hour_area"}
            The kind of chain.
        requests : Requests
            From `before`, `at` or `now`.
        length : int
            Largest number of check-ins of a list, at least 1.
        tolerance : int, default 0
            Largest difference in slots of the day, also across midnight; only for the kinds with an hour.

        Raises
        ------
        ValueError
            Another relation, a length below 1, a tolerance for a kind without an hour, or one of half a day or more.
        """
        check_integer("tolerance", tolerance, 0)
        if relation not in CHAINS:
            raise ValueError(f"relation must be one of {list(CHAINS)}, got {relation!r}")
        per_day = 24 // self.slot_hours
        if tolerance and ("hour" not in relation or 2 * tolerance + 1 > per_day):
            raise ValueError(
                f"tolerance must be 0 for {relation!r}"
                if "hour" not in relation
                else f"tolerance must be below half of the {per_day} slots of the day, got {tolerance}"
            )
        hours = np.where(
            requests.hour[:, None] >= 0,
            (requests.hour[:, None] + self.slot_hours * np.arange(-tolerance, tolerance + 1)) % 24,
            -1,
        )
        keys = [
            chain_keys(requests.weekday, hour, requests.area, self.num_areas, self.slot_hours)[relation]
            for hour in hours.T
        ]
        return self._walk(relation, requests.user, np.stack(keys, axis=1), requests.end, length)

    def walk_days(self, requests: Requests, *, length: int) -> Walks:
        """Return the newest check-ins of each weekday before the current session, 7 lists a request, Monday first."""
        count = len(requests.user)
        days = np.tile(np.arange(7), count)[:, None]
        return self._walk("same_dow", np.repeat(requests.user, 7), days, np.repeat(requests.session, 7), length)

    def _walk(self, relation: str, user: _Ints, keys: _Ints, end: _Ints, length: int) -> Walks:
        check_integer("length", length, 1)
        chain = self._chains[relation]
        begin, stop = np.empty_like(keys), np.empty_like(keys)
        total = find_slices(user, keys, end, length, chain.indptr, chain.key, chain.starts, chain.order, begin, stop)
        indptr, rows = np.zeros(len(user) + 1, dtype=np.int64), np.empty(total, dtype=chain.order.dtype)
        copy_rows(begin, stop, length, chain.order, indptr, rows)
        return Walks(indptr, rows)


def _ends(graph: DGLGraph, relation: tuple[str, str, str], size: int, *, turned: bool = False) -> _Ints:
    """Return the other end of each node's only edge; -1 for a node without an edge."""
    here, there = (x.numpy() for x in graph.edges(etype=relation))
    if turned:
        here, there = there, here
    found = np.full(size, -1, dtype=np.int64)
    found[here] = there
    return found


def _indptr(counts: _Ints) -> _Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
