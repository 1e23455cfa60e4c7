"""Preparation of check-ins for training: a filter of rare places and users, and a split of each user's history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_integer
from graphvid.data.check_ins import CheckIns


def filter_check_ins(check_ins: CheckIns, *, min_per_poi: int = 10, min_per_user: int = 10) -> CheckIns:
    """Return the check-ins of places and users with enough check-ins, with vocabularies of the remaining ones.

    It removes places with fewer than ``min_per_poi`` check-ins, then users with fewer than ``min_per_user`` of the remaining
    ones, and repeats this until nothing changes. It counts check-ins, not distinct users or places.

    Parameters
    ----------
    check_ins : CheckIns
        The check-ins to filter.
    min_per_poi, min_per_user : int, default 10
        Smallest number of check-ins to keep a place or user, at least 1; 1 keeps all.

    Raises
    ------
    ValueError
        Nothing is left.
    """
    check_integer("min_per_poi", min_per_poi, 1)
    check_integer("min_per_user", min_per_user, 1)
    kept = np.arange(check_ins.num_check_ins)
    while True:
        before = len(kept)
        for codes, least in ((check_ins.poi, min_per_poi), (check_ins.user, min_per_user)):
            kept = kept[np.bincount(codes[kept], minlength=1)[codes[kept]] >= least] if len(kept) else kept
        if not len(kept):
            raise ValueError(
                f"no check-in is left of {check_ins.num_check_ins} with min_per_poi={min_per_poi} and "
                f"min_per_user={min_per_user}; lower them"
            )
        if len(kept) == before:
            return _compact(check_ins.select(kept))


class CheckInWindows(NamedTuple):
    """Rows of the three parts of every user's history; every row is in one part.

    Parameters
    ----------
    train, validation, test : ndarray of int64
        Ascending.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split_check_ins(check_ins: CheckIns, *, shares: tuple[int, int, int] = (8, 1, 1)) -> CheckInWindows:
    """Cut the history of every user by time.

    Of a user's n check-ins, counted from 0, validation starts at ``n * s1 // s`` and the test at ``n * (s1 + s2) // s``,
    with the shares ``(s1, s2, s3)`` and their sum s, in whole numbers. The only check-in of a user is in the test part.

    Parameters
    ----------
    check_ins : CheckIns
        All check-ins.
    shares : tuple of 3 int, default (8, 1, 1)
        Relative sizes of the parts, the first and the last at least 1.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [7] * 12, "poi_id": range(12), "timestamp": range(12)})
    >>> split_check_ins(CheckIns.from_frame(frame, offset=0)).validation
    array([9])
    """
    for name, share, least in zip(("train", "validation", "test"), shares, (1, 0, 1)):
        check_integer(f"the {name} share", share, least)
    counts = np.diff(check_ins.indptr)[check_ins.user]
    place = np.arange(check_ins.num_check_ins) - check_ins.indptr[check_ins.user]
    total = sum(shares)
    part = (place >= counts * shares[0] // total).astype(np.int64) + (place >= counts * (total - shares[2]) // total)
    return CheckInWindows(*(np.flatnonzero(part == number) for number in range(3)))


def _compact(check_ins: CheckIns) -> CheckIns:
    """Return the same check-ins with vocabularies of only the users and places that occur."""
    users, user = np.unique(check_ins.user, return_inverse=True)
    pois, poi = np.unique(check_ins.poi, return_inverse=True)
    places: dict[str, Any] = {  # Any: columns
        name: None if values is None else values[pois]
        for name, values in (("latitude", check_ins.latitude), ("longitude", check_ins.longitude))
    }
    return replace(
        check_ins, user=user, poi=poi, user_ids=check_ins.user_ids[users], poi_ids=check_ins.poi_ids[pois], **places
    )
