"""Lists of the places that users visited before requests, for every interest and for the whole history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid.sampling import CheckInChains, Requests, Walks

RECENT = 20  # check-ins that are "sequential"
RELATIONS = {
    "history": "next",
    "sequential": "next",
    "weekday": "same_dow",
    "hour": "same_hour",
    "area": "same_area",
    "hour_area": "same_hour_area",
}


class VisitLists(NamedTuple):
    """Members of several kinds of lists for some requests, in flat tensors.

    Parameters
    ----------
    segment : Tensor of int64, shape (num_members,)
        List of each member: ``request * num_kinds + kind``, ascending.
    place : Tensor of int64, shape (num_members,)
        Candidate, or the number of candidates for an unknown place.
    age : Tensor of float32, shape (num_members,)
        0 for the newest member of a list, 1 for the one before it.
    counts : Tensor of float32, shape (num_requests, num_kinds)
        Members of each list.
    """

    segment: Tensor
    place: Tensor
    age: Tensor
    counts: Tensor

    def to(self, device: torch.device | str) -> VisitLists:
        """Return the lists on a device."""
        return VisitLists(*(x.to(device) for x in self))


def walk_interest(
    chains: CheckInChains, requests: Requests, interest: str, *, length: int, tolerance: int = 0
) -> Walks:
    """Return the lists of one kind; ``"weekday"`` are those of the request's weekday, ``"history"`` all before it.

    Parameters
    ----------
    interest : {"sequential", "hour", "area", "hour_area", "weekday", "history"}
        The kind.
    """
    relation = RELATIONS[interest]
    return chains.walk(relation, requests, length=length, tolerance=tolerance if "hour" in relation else 0)


def visit_lists(
    chains: CheckInChains,
    requests: Requests,
    kinds: Sequence[str],
    number: NDArray[np.int64],
    *,
    length: int,
    tolerance: int,
) -> VisitLists:
    """Return the lists of all ``kinds``, with the candidate ``number[poi]`` of every member."""
    num_kinds, none = len(kinds), np.empty(0, dtype=np.int64)
    segments, places, ages = [none], [none], [none]
    counts = np.zeros((len(requests.user), num_kinds), dtype=np.float32)
    for kind, name in enumerate(kinds):
        most = min(length, RECENT) if name == "sequential" else length
        walks = walk_interest(chains, requests, name, length=most, tolerance=tolerance)
        counts[:, kind] = sizes = np.diff(walks.indptr)
        owner = np.repeat(np.arange(len(sizes)), sizes)
        segments.append(owner * num_kinds + kind)
        places.append(number[chains.poi[walks.rows]])
        ages.append(walks.indptr[1:][owner] - 1 - np.arange(len(owner)))
    segment = np.concatenate(segments)
    order = np.argsort(segment, kind="stable")
    return VisitLists(
        torch.from_numpy(segment[order]),
        torch.from_numpy(np.concatenate(places)[order]),
        torch.from_numpy(np.concatenate(ages)[order].astype(np.float32)),
        torch.from_numpy(counts),
    )
