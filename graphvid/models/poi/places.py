"""The candidate places, with their numbers of visits and of successions in training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphvid.sampling import CheckInChains, Requests

_Ints = NDArray[np.int64]


class KnownPlaces:
    """Places with a check-in in training, which are the candidates, with counts of visits and of successors.

    Parameters
    ----------
    chains : CheckInChains
        All check-ins.
    rows : ndarray of int64, shape (num_rows,)
        Training check-ins, ascending.

    Attributes
    ----------
    pois : ndarray of int64, shape (num_places,)
        Place of every candidate, ascending.
    number : ndarray of int64, shape (chains.num_pois + 1,)
        Candidate of every place; ``num_places`` for all unknown places. The last entry is unknown too.
    visits : ndarray of float32, shape (num_places,)
        Check-ins in training.
    successors : csr_matrix of float32, shape (num_places + 1, num_places)
        Number of visits of a candidate (column) directly after another place (row); the last row is empty.
    departures : ndarray of float32, shape (num_places + 1,)
        Row sums of ``successors``.

    Raises
    ------
    ValueError
        There are no rows.
    """

    def __init__(self, chains: CheckInChains, rows: _Ints) -> None:
        if not len(rows):
            raise ValueError("there must be at least one check-in to learn from, got none")
        self.pois = np.unique(chains.poi[rows])
        self.number = np.full(chains.num_pois + 1, len(self.pois), dtype=np.int64)
        self.number[self.pois] = np.arange(len(self.pois))
        numbers = self.number[chains.poi]
        self.visits = np.bincount(numbers[rows], minlength=len(self.pois)).astype(np.float32)
        last = self.last(chains.before(rows))
        follows = last < self.num_places
        pairs = (np.ones(follows.sum(), np.float32), (last[follows], numbers[rows[follows]]))
        self.successors = sparse.csr_matrix(pairs, shape=(self.num_places + 1, self.num_places))  # sums duplicates
        self.departures = np.asarray(self.successors.sum(axis=1), dtype=np.float32).ravel()

    @property
    def num_places(self) -> int:
        """Number of candidates."""
        return len(self.pois)

    def last(self, requests: Requests) -> _Ints:
        """Return the candidate of the last check-in before each request; ``num_places`` if unknown or without a check-in."""
        return np.where(requests.last >= 0, self.number[requests.last], self.num_places)

    def successor_counts(self, last: _Ints) -> NDArray[np.float32]:
        """Return the successor counts of each candidate after some places, shape (len(last), num_places)."""
        return np.asarray(self.successors[last].toarray(), dtype=np.float32)
