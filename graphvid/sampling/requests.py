"""Requests for the next place: user, time and place of each, and the length of its history."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_Ints = NDArray[np.int64]


class Requests(NamedTuple):
    """Requests of users for the next place.

    Parameters
    ----------
    user : ndarray of int64, shape (num_requests,)
        User of each request.
    end : ndarray of int64, shape (num_requests,)
        First check-in that is not before the request; the history is all check-ins of the user before ``end``.
    session : ndarray of int64, shape (num_requests,)
        First check-in of the current session, or ``end`` for an empty one; the long term is all check-ins before it.
    weekday, hour : ndarray of int64, shape (num_requests,)
        Local time of the request, -1 if unknown.
    area : ndarray of int64, shape (num_requests,)
        Area of ``near``, -1 if unknown.
    last, near : ndarray of int64, shape (num_requests,)
        Place of the last check-in, and the place that represents the user's position, by default the same; -1 for none.
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
