"""Cells against known ones and against the definition place by place."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.data import distance_km, geohash, grid_cells, number_cells

places = st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=20)


def slow_geohash(latitude, longitude, precision):
    """The definition, one place and one bit at a time."""
    low, high, bits = [-180.0, -90.0], [180.0, 90.0], []
    for bit in range(5 * precision):
        axis, value = bit % 2, (longitude, latitude)[bit % 2]
        middle = (low[axis] + high[axis]) / 2
        bits.append(value >= middle)
        (low if value >= middle else high)[axis] = middle
    letters = "0123456789bcdefghjkmnpqrstuvwxyz"
    return "".join(letters[sum(b << (4 - i) for i, b in enumerate(bits[k : k + 5]))] for k in range(0, len(bits), 5))


@pytest.mark.parametrize(
    ("latitude", "longitude", "cell"),
    [
        (57.64911, 10.40744, "u4pruydqqvj"),  # the example of geohash.org
        (42.6, -5.6, "ezs42"),
        (-25.382708, -49.265506, "6gkzwgjzn820"),
        (0.0, 0.0, "s0000"),  # a middle belongs to the upper half
        (90.0, 180.0, "zzzzz"),
        (-90.0, -180.0, "00000"),
    ],
)
def test_known_geohashes(latitude, longitude, cell):
    assert geohash([latitude], [longitude], precision=len(cell)).tolist() == [cell]


@settings(deadline=None, max_examples=40)
@given(places, st.integers(1, 12))
def test_geohash_is_the_definition(given_places, precision):
    latitude, longitude = np.array(given_places).T
    cells = geohash(latitude, longitude, precision=precision)
    assert cells.tolist() == [slow_geohash(a, b, precision) for a, b in given_places]
    assert all(cell.startswith(short) for cell, short in zip(cells, geohash(latitude, longitude, precision=1)))


def test_squares_by_hand():
    km = math.degrees(1 / 6371.0088)  # of latitude
    latitude, longitude = (
        np.array([60.0, 60 + 1.5 * km, 60 - 0.5 * km, 60.0]),
        np.array([10.0, 10.0, 10.0, 10 + 3 * km]),
    )
    cells = grid_cells(latitude, longitude, origin=(60.0, 10.0))
    assert cells.tolist() == [[0, 0], [0, 1], [0, -1], [1, 0]]  # a degree of longitude is half as long at 60 degrees
    assert grid_cells(latitude, longitude, size_km=2.0, origin=(60.0, 10.0)).tolist() == [
        [0, 0],
        [0, 0],
        [0, -1],
        [0, 0],
    ]


def test_squares_wrap_at_the_date_line_and_start_at_the_mean():
    east = grid_cells([0.0], [-179.99], origin=(0.0, 179.99))
    assert east.tolist() == [[2, 0]]  # 2.2 km further east
    np.testing.assert_array_equal(
        grid_cells([1.0, 3.0], [5.0, 7.0]), grid_cells([1.0, 3.0], [5.0, 7.0], origin=(2.0, 6.0))
    )


def test_numbers_of_cells():
    assert number_cells(["b", "a", "b"]).tolist() == [1, 0, 1]
    assert number_cells(np.array([[0, -1], [-5, 3], [0, -1], [0, 2]])).tolist() == [1, 0, 1, 2]


def test_distance_is_symmetric_and_known():
    assert distance_km(52.5, 13.4, 48.86, 2.35) == pytest.approx(878, abs=3)  # Berlin to Paris
    assert distance_km(52.5, 13.4, 48.86, 2.35) == distance_km(48.86, 2.35, 52.5, 13.4)
    assert distance_km(10.0, 179.9, 10.0, -179.9) == pytest.approx(distance_km(10.0, 0.0, 10.0, 0.2))


@pytest.mark.parametrize("function", [geohash, grid_cells])
@pytest.mark.parametrize(
    ("latitude", "longitude", "message"),
    [
        ([0.0, 90.01], [0.0, 0.0], r"latitude must be in \[-90, 90\] degrees, got 90\.01 in row 1"),
        ([0.0], [-180.5], r"longitude must be in \[-180, 180\]"),
        ([math.nan], [0.0], "latitude must be in"),
        ([0.0], [0.0, 1.0], "equal length"),
    ],
)
def test_refused_coordinates(function, latitude, longitude, message):
    with pytest.raises(ValueError, match=message):
        function(latitude, longitude)


def test_refused_options():
    for precision in (0, 13, 1.5):
        with pytest.raises(ValueError, match="precision must be"):
            geohash([0.0], [0.0], precision=precision)
    for size in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="size_km must be a finite number > 0"):
            grid_cells([0.0], [0.0], size_km=size)
    with pytest.raises(ValueError, match="origin must be given"):
        grid_cells([], [])
