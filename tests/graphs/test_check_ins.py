"""Chains against a search through the table; walks against a filter; nothing from the future."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid._dgl import dgl
from graphvid.data import CheckIns
from graphvid.graphs import check_in_graph
from graphvid.sampling import CheckInChains

HOUR, DAY = 3600, 86_400
RELATIONS = ("next", "same_dow", "same_hour", "same_area", "same_hour_area")
visits = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 30 * 24 * 4), st.integers(0, 6)), min_size=1, max_size=60
)  # user, quarters of an hour, place


def make(rows, offset=-90):
    frame = pd.DataFrame(rows, columns=["user_id", "timestamp", "poi_id"])
    frame["timestamp"] *= 900
    return CheckIns.from_frame(frame, offset=0 if offset is None else offset)


def areas(check_ins):
    return np.array([-1 if poi == 0 else poi % 3 for poi in check_ins.poi_ids])  # place 0 has none


def keys(check_ins, area, row, slot_hours=1):
    """Keys of check-in ``row`` for each relation; None matches nothing."""
    slot, where = check_ins.hour[row] // slot_hours, area[check_ins.poi[row]]
    where = None if where < 0 else where
    both = None if where is None else (slot, where)
    return dict(zip(RELATIONS, (0, check_ins.weekday[row], slot, where, both)))


@settings(deadline=None, max_examples=25)
@given(visits, st.sampled_from([1, 2, 6, 24]))
def test_every_chain_edge_is_the_next_with_the_key(rows, slot_hours):
    data = make(rows)
    area = areas(data)
    graph = check_in_graph(data, area, slot_hours=slot_hours)
    for name in RELATIONS:
        wanted = []
        for later in range(data.num_check_ins):
            key = keys(data, area, later, slot_hours)[name]
            before = [
                row
                for row in range(later)
                if data.user[row] == data.user[later]
                and key is not None
                and keys(data, area, row, slot_hours)[name] == key
            ]
            wanted += [(before[-1], later)] if before else []
        assert sorted(zip(*(x.tolist() for x in graph.edges(etype=name)))) == sorted(wanted)
        assert graph.num_edges(name) <= data.num_check_ins


def test_nodes_and_other_relations():
    data = make([(0, 5, 1), (0, 400, 2), (1, 7, 0)])
    graph = check_in_graph(data, areas(data))
    assert {name: graph.num_nodes(name) for name in graph.ntypes} == {
        "user": 2,
        "poi": 3,
        "area": 3,
        "slot": 168,
        "check_in": 3,
    }
    assert graph.edges(etype="made")[0].tolist() == [0, 0, 1]
    assert graph.edges(etype="at")[1].tolist() == data.poi.tolist()
    slots = graph.edges(etype=("check_in", "in", "slot"))[1].numpy()
    np.testing.assert_array_equal(slots, 24 * data.weekday + data.hour)
    assert graph.num_edges(("poi", "in", "area")) == 2  # place 0 has no area


@settings(deadline=None, max_examples=30)
@given(
    visits,
    st.sampled_from([1, 2, 6]),
    st.integers(1, 4),
    st.integers(0, 1),
    st.sampled_from([HOUR, 20 * HOUR, 9 * DAY]),
)
def test_walks_are_filters_of_the_table(rows, slot_hours, length, tolerance, gap):
    data = make(rows)
    area = areas(data)
    chains = CheckInChains(check_in_graph(data, area, slot_hours=slot_hours), session_gap=gap)
    asked = np.arange(data.num_check_ins)
    requests = chains.before(asked)
    found = {name: chains.walk(name, requests, length=length) for name in RELATIONS}
    near = {
        name: chains.walk(name, requests, length=length, tolerance=tolerance) for name in RELATIONS if "hour" in name
    }
    days = chains.walk_days(requests, length=length)
    per_day = 24 // slot_hours
    for i, row in enumerate(asked):
        past = [
            r
            for r in range(data.num_check_ins)
            if data.user[r] == data.user[row] and data.timestamp[r] < data.timestamp[row]
        ]
        here = area[data.poi[past[-1]]] if past else -1
        slot = data.hour[row] // slot_hours
        same_area = [r for r in past if here >= 0 and area[data.poi[r]] == here]

        def off(r, slot=slot):
            step = abs(data.hour[r] // slot_hours - slot)
            return min(step, per_day - step)

        wanted = {
            "next": past,
            "same_dow": [r for r in past if data.weekday[r] == data.weekday[row]],
            "same_hour": [r for r in past if off(r) == 0],
            "same_area": same_area,
            "same_hour_area": [r for r in same_area if off(r) == 0],
        }
        for name in RELATIONS:
            assert of(found[name], i) == wanted[name][-length:]
        assert of(near["same_hour"], i) == [r for r in past if off(r) <= tolerance][-length:]
        assert of(near["same_hour_area"], i) == [r for r in same_area if off(r) <= tolerance][-length:]
        start = len(past)
        while (
            start
            and (data.timestamp[row] if start == len(past) else data.timestamp[past[start]])
            - data.timestamp[past[start - 1]]
            <= gap
        ):
            start -= 1
        long_term = past[:start]
        for day in range(7):
            assert of(days, 7 * i + day) == [r for r in long_term if data.weekday[r] == day][-length:]
    whole = chains.walk_days(requests, length=1000)
    for i in range(len(asked)):  # the days partition the long term
        members = [row for day in range(7) for row in of(whole, 7 * i + day)]
        assert sorted(members) == list(range(chains.indptr[requests.user[i]], requests.session[i]))


def of(walks, i):
    return walks.rows[walks.indptr[i] : walks.indptr[i + 1]].tolist()


@settings(deadline=None, max_examples=20)
@given(visits, st.data())
def test_nothing_at_or_after_a_request_is_read(rows, data_of):
    """Rewriting every check-in from the time of the request on changes neither the request nor its lists."""
    user, time, _ = rows[data_of.draw(st.integers(0, len(rows) - 1))]
    changed = [
        row if row[1] < time else (row[0], row[1] + data_of.draw(st.integers(0, 500)), data_of.draw(st.integers(0, 6)))
        for row in rows
    ]
    vocabulary = [(9, 0, poi) for poi in range(7)]  # so that both number places alike
    lists = []
    for version in (rows, changed):
        data = make([*version, *vocabulary, *((u, 10**5, 0) for u in range(3))])
        chains = CheckInChains(check_in_graph(data, areas(data)))
        request = chains.at([user], [900 * time], [-90])
        seen = [
            [data.timestamp[walk.rows].tolist(), data.poi[walk.rows].tolist()]
            for walk in (
                *(chains.walk(name, request, length=5) for name in RELATIONS),
                chains.walk_days(request, length=5),
            )
        ]
        lists.append((seen, [x.tolist() for x in request[3:]], request.end - chains.indptr[user]))
    assert lists[0] == lists[1]


def test_requests_without_a_past_and_without_times():
    data = make([(0, 5, 1), (0, 400, 2)])
    chains = CheckInChains(check_in_graph(data))
    first = chains.at([0], [0], [0])
    assert (first.end[0], first.last[0], first.area[0], first.session[0]) == (0, -1, -1, 0)
    assert all(not len(chains.walk(name, first, length=3).rows) for name in RELATIONS)
    tie = chains.before([1])
    assert of(chains.walk("next", tie, length=3), 0) == [0]
    order = CheckIns(data.user, data.poi, data.user_ids, data.poi_ids, session=np.array([0, 1]))
    chains = CheckInChains(check_in_graph(order, np.array([0, 0])))
    request = chains.now([0])
    assert of(chains.walk("same_area", request, length=3), 0) == [0, 1]
    assert not len(chains.walk("same_hour", request, length=3).rows)
    assert not len(chains.walk_days(request, length=3).rows)
    with pytest.raises(ValueError, match="need check-ins with times"):
        chains.at([0], [0], [0])


def test_a_request_elsewhere_has_the_area_there():
    data = make([(0, 5, 1), (0, 400, 2), (0, 900, 1)])
    chains = CheckInChains(check_in_graph(data, np.array([4, 0])))
    request = chains.moved(chains.now([0]), [1])
    assert (request.area[0], request.near[0], request.last[0]) == (0, 1, 0)
    assert of(chains.walk("same_area", request, length=9), 0) == [1]


def test_refusals():
    data = make([(0, 5, 1)])
    graph = check_in_graph(data)
    with pytest.raises(TypeError, match="check_ins must be a CheckIns"):
        check_in_graph([1])
    for area in (np.array([-2]), np.array([0, 1]), np.array([0.5])):
        with pytest.raises(ValueError, match="area must hold an integer >= -1 for each of the 1 places"):
            check_in_graph(data, area)
    with pytest.raises(ValueError, match="slot_hours must divide 24, got 5"):
        check_in_graph(data, slot_hours=5)
    with pytest.raises(TypeError, match="graph must be a DGLGraph"):
        CheckInChains(1)
    with pytest.raises(ValueError, match="graph must be made by check_in_graph"):
        CheckInChains(dgl.graph(([0], [0])))
    with pytest.raises(ValueError, match="session_gap must be"):
        CheckInChains(graph, session_gap=0)
    chains = CheckInChains(graph)
    for arguments, message in (
        ({"relation": "later", "length": 1}, "relation must be one of"),
        ({"relation": "next", "length": 0}, "length must be"),
        ({"relation": "same_dow", "length": 1, "tolerance": 1}, "tolerance must be 0 for 'same_dow'"),
        ({"relation": "same_hour", "length": 1, "tolerance": 12}, "below half of the 24 slots"),
    ):
        with pytest.raises(ValueError, match=message):
            chains.walk(requests=chains.before([0]), **arguments)
    with pytest.raises(ValueError, match="rows must be in"):
        chains.before([1])
