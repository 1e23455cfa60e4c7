"""Builder of the graph of users, places, areas, slots of the week and check-ins, with chains of check-ins that share a key."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from graphvid._checks import check_integer
from graphvid._dgl import DGLGraph, dgl
from graphvid.data import CheckIns
from graphvid.graphs._chain_kernels import link_back

NUM_SLOTS = 168  # hours of the week
CHAINS = ("next", "same_dow", "same_hour", "same_area", "same_hour_area")


def check_in_graph(check_ins: CheckIns, area: NDArray[np.int64] | None = None, *, slot_hours: int = 1) -> DGLGraph:
    """Return the heterograph of check-ins.

    A chain leads from each check-in to the next one of the same user that shares a key: any check-in (``next``), the local
    weekday (``same_dow``), the slot of the day (``same_hour``), the area (``same_area``), or both slot and area
    (``same_hour_area``). So the number of edges grows with the check-ins and not with pairs of them. A walk back along a
    chain finds the check-ins with the key of a moment; see `graphvid.sampling.CheckInChains`.

    Parameters
    ----------
    check_ins : CheckIns
        All check-ins that may be part of a history. A request never reads check-ins later than itself.
    area : ndarray of int64, shape (check_ins.num_pois,), optional
        Area of every place, from 0; -1 for a place without one. Default: no place has an area.
    slot_hours : int, default 1
        Hours in a slot of the day for the chains, a divisor of 24.

    Returns
    -------
    DGLGraph
        Node types ``user``, ``poi``, ``area``, ``slot`` (``weekday * 24 + hour``, Monday 0) and ``check_in``, the last in the
        order of ``check_ins``, with ``ndata["timestamp"]`` (float64, seconds; NaN without times). Relations ``(user, made,
        check_in)``, ``(check_in, at, poi)``, ``(poi, in, area)``, ``(check_in, in, slot)`` and the five chains from check-in to
        check-in. A relation may have no edges: without times there are no slots, weekdays and hours. The slots have
        ``ndata["slot_of_day"]``, their hour divided by ``slot_hours``.

    Raises
    ------
    TypeError
        ``check_ins`` is not a CheckIns.
    ValueError
        Areas of another shape or below -1, hours that do not divide 24.

    Notes
    -----
    O(num_check_ins) time and memory, beside a table of ``num_areas * 24 / slot_hours`` keys.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": 7, "poi_id": [1, 2, 1], "timestamp": [0, 3600, 7 * 86400], "offset": 0})
    >>> graph = check_in_graph(CheckIns.from_frame(frame))
    >>> graph.edges(etype="same_hour"), graph.num_edges("same_dow")
    ((tensor([0]), tensor([2])), 2)
    """
    if not isinstance(check_ins, CheckIns):
        raise TypeError(f"check_ins must be a CheckIns, got {type(check_ins).__name__}")
    area = check_areas(area, check_ins.num_pois)
    check_slot_hours(slot_hours)
    count, rows = check_ins.num_check_ins, np.arange(check_ins.num_check_ins)
    num_areas = int(area.max(initial=-1)) + 1
    weekday = _or_none(check_ins.weekday, count)
    hour = _or_none(check_ins.hour, count)
    timed = np.flatnonzero(weekday >= 0)
    placed = np.flatnonzero(area >= 0)
    relations = {
        ("user", "made", "check_in"): (check_ins.user, rows),
        ("check_in", "at", "poi"): (rows, check_ins.poi),
        ("poi", "in", "area"): (placed, area[placed]),
        ("check_in", "in", "slot"): (timed, 24 * weekday[timed] + hour[timed]),
    }
    for name, key in chain_keys(weekday, hour, area[check_ins.poi], num_areas, slot_hours).items():
        back = link_back(check_ins.indptr, key, int(key.max(initial=-1)) + 1)
        later = np.flatnonzero(back >= 0)
        relations["check_in", name, "check_in"] = (back[later], later)
    graph = dgl.heterograph(
        {
            name: tuple(torch.from_numpy(np.ascontiguousarray(x, dtype=np.int64)) for x in ends)
            for name, ends in relations.items()
        },
        num_nodes_dict={
            "user": check_ins.num_users,
            "poi": check_ins.num_pois,
            "area": num_areas,
            "slot": NUM_SLOTS,
            "check_in": count,
        },
    )
    time = check_ins.timestamp if check_ins.timestamp is not None else np.full(count, np.nan)
    graph.nodes["check_in"].data["timestamp"] = torch.from_numpy(np.ascontiguousarray(time))
    graph.nodes["slot"].data["slot_of_day"] = torch.arange(NUM_SLOTS) % 24 // slot_hours
    return cast(DGLGraph, graph)


def chain_keys(
    weekday: NDArray[np.int64], hour: NDArray[np.int64], area: NDArray[np.int64], num_areas: int, slot_hours: int
) -> dict[str, NDArray[np.int64]]:
    """Return the key of every check-in or request for each kind of chain; -1 if a part of the key is -1.

    Examples
    --------
    >>> keys = chain_keys(*np.array([[6, -1], [23, -1], [2, 2]]), num_areas=3, slot_hours=2)
    >>> {name: key.tolist() for name, key in keys.items()}
    {'next': [0, 0], 'same_dow': [6, -1], 'same_hour': [11, -1], 'same_area': [2, 2], 'same_hour_area': [35, -1]}
    """
    slot = np.where(hour >= 0, hour // slot_hours, -1)
    both = np.where((slot >= 0) & (area >= 0), slot * num_areas + area, -1)
    return dict(zip(CHAINS, (np.zeros_like(slot), weekday, slot, area, both)))


def check_areas(area: NDArray[np.int64] | None, num_pois: int) -> NDArray[np.int64]:
    """Return the areas of all places, -1 for all without areas; raise if their shape or values are wrong."""
    if area is None:
        return np.full(num_pois, -1, dtype=np.int64)
    area = np.asarray(area)
    if area.shape != (num_pois,) or not np.issubdtype(area.dtype, np.integer) or area.min(initial=0) < -1:
        raise ValueError(
            f"area must hold an integer >= -1 for each of the {num_pois} places, got shape {area.shape} of {area.dtype}"
        )
    return area.astype(np.int64)


def check_slot_hours(slot_hours: int) -> None:
    """Raise unless the hours of a slot divide 24."""
    check_integer("slot_hours", slot_hours, 1)
    if 24 % slot_hours:
        raise ValueError(f"slot_hours must divide 24, got {slot_hours}")


def _or_none(values: NDArray[np.int64] | None, count: int) -> NDArray[np.int64]:
    return np.full(count, -1, dtype=np.int64) if values is None else values
