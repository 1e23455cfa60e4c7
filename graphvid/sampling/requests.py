"""Requests for the next place: who asks, when and where, and how much of the past counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_Ints = NDArray[np.int64]


class Requests(NamedTuple):
    """Moments at which users ask where to go next.

    Parameters
    ----------
    user : ndarray of int64, shape (num_requests,)
        Who asks.
    end : ndarray of int64, shape (num_requests,)
        First check-in that is not before the request: the user's history is all of theirs below it.
    session : ndarray of int64, shape (num_requests,)
        First check-in of the current session, or ``end`` where it is empty: the long term is all below it.
    weekday, hour : ndarray of int64, shape (num_requests,)
        Local time of the request, -1 where unknown.
    area : ndarray of int64, shape (num_requests,)
        Area of ``near``, -1 where unknown.
    last, near : ndarray of int64, shape (num_requests,)
        Place of the last check-in, and the place that stands for where the user is, the same unless said otherwise; -1 for
        none.
    """

    user: _Ints
    end: _Ints
    session: _Ints
    weekday: _Ints
    hour: _Ints
    area: _Ints
    last: _Ints
    near: _Ints

    def take(self, picked: NDArray[np.integer] | slice) -> Requests:
        """Return some of the requests."""
        return Requests(*(column[picked] for column in self))
