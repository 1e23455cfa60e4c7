"""Cells of places on the earth: geohash cells, and squares on a local map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer

EARTH_RADIUS_KM = 6371.0088
_ALPHABET = np.array(list("0123456789bcdefghjkmnpqrstuvwxyz"))


def geohash(latitude: ArrayLike, longitude: ArrayLike, *, precision: int = 5) -> NDArray[np.str_]:
    """Return the geohash cell of every place.

    Parameters
    ----------
    latitude, longitude : array_like of float, shape (num_places,)
        Degrees in [-90, 90] and [-180, 180].
    precision : int, default 5
        Characters, from 1 to 12; 5 give cells of about 4.9 km. Each has 5 bits, alternately of longitude and latitude.

    Returns
    -------
    ndarray of str, shape (num_places,)
        A coordinate at the middle of a range belongs to its upper half. Longitudes do not wrap: -180 and 180 degrees are in
        different cells.

    Raises
    ------
    ValueError
        A coordinate that is out of range or NaN, another precision, lengths that differ.

    References
    ----------
    Niemeyer, geohash.org, 2008.

    Examples
    --------
    >>> geohash([57.64911], [10.40744])
    array(['u4pru'], dtype='<U5')
    """
    latitude, longitude = check_coordinates(latitude, longitude)
    check_integer("precision", precision, 1, 12)
    low = {0: np.full(longitude.shape, -180.0), 1: np.full(latitude.shape, -90.0)}
    high = {0: np.full(longitude.shape, 180.0), 1: np.full(latitude.shape, 90.0)}
    values = {0: longitude, 1: latitude}
    characters = np.zeros((len(latitude), precision), dtype=np.int64)
    for bit in range(5 * precision):
        axis = bit % 2
        middle = (low[axis] + high[axis]) / 2
        upper = values[axis] >= middle
        low[axis], high[axis] = np.where(upper, middle, low[axis]), np.where(upper, high[axis], middle)
        characters[:, bit // 5] = 2 * characters[:, bit // 5] + upper
    return _ALPHABET[characters].reshape(len(latitude), precision).view(f"<U{precision}").reshape(len(latitude))


def grid_cells(
    latitude: ArrayLike,
    longitude: ArrayLike,
    *,
    size_km: float = 1.0,
    origin: tuple[float, float] | None = None,
) -> NDArray[np.int64]:
    r"""Return the square of every place on a local map.

    .. math:: x = R \cos(\varphi_0) \, \mathrm{rad}(\lambda - \lambda_0), \quad y = R \, \mathrm{rad}(\varphi - \varphi_0),
        \quad \text{cell} = (\lfloor x / g \rfloor, \lfloor y / g \rfloor)

    with R = 6371.0088 km and the difference of longitudes wrapped to [-180, 180).

    Parameters
    ----------
    latitude, longitude : array_like of float, shape (num_places,)
        Degrees in [-90, 90] and [-180, 180].
    size_km : float, default 1.0
        Side g of a square, > 0.
    origin : (float, float), optional
        Latitude and longitude of the map's middle. Default: the mean of the places.

    Returns
    -------
    ndarray of int64, shape (num_places, 2)
        Square to the east and to the north of the origin.

    Raises
    ------
    ValueError
        A coordinate that is out of range or NaN, a size that is not > 0, no place and no origin.

    Examples
    --------
    >>> grid_cells([0.0, 0.01], [0.0, -0.01], origin=(0.0, 0.0)).tolist()
    [[0, 0], [-2, 1]]
    """
    latitude, longitude = check_coordinates(latitude, longitude)
    if not (np.isfinite(size_km) and size_km > 0):
        raise ValueError(f"size_km must be a finite number > 0, got {size_km}")
    if origin is None:
        if not len(latitude):
            raise ValueError("origin must be given where there are no places to take the mean of")
        origin = float(latitude.mean()), float(longitude.mean())
    check_coordinates([origin[0]], [origin[1]])
    east = (longitude - origin[1] + 180.0) % 360.0 - 180.0
    x = EARTH_RADIUS_KM * np.cos(np.radians(origin[0])) * np.radians(east)
    y = EARTH_RADIUS_KM * np.radians(latitude - origin[0])
    return np.floor(np.stack([x, y], axis=1) / size_km).astype(np.int64)


def number_cells(cells: Any) -> NDArray[np.int64]:  # Any: array_like of hashable cells
    """Return a number in ``[0, num_cells)`` for every cell, in the cells' sorted order.

    Parameters
    ----------
    cells : array_like, shape (num_places,) or (num_places, num_columns)
        Cells of any kind that sorts; rows of several columns are one cell each.

    Examples
    --------
    >>> number_cells([[2, 1], [-1, 0], [2, 1]])
    array([1, 0, 1])
    """
    cells = np.asarray(cells)
    if cells.ndim == 1:
        return np.unique(cells, return_inverse=True)[1].astype(np.int64)
    frame = pd.DataFrame(cells)
    return np.asarray(frame.groupby(list(frame.columns), sort=True).ngroup(), dtype=np.int64)


def distance_km(
    latitude: ArrayLike, longitude: ArrayLike, other_latitude: ArrayLike, other_longitude: ArrayLike
) -> NDArray[np.float64]:
    """Return the distance along the surface, by the haversine formula; arguments broadcast.

    Parameters
    ----------
    latitude, longitude, other_latitude, other_longitude : array_like of float
        Degrees.

    Examples
    --------
    >>> round(float(distance_km(0.0, 0.0, 0.0, 1.0)), 3)
    111.195
    """
    first, second = np.radians(np.asarray(latitude, float)), np.radians(np.asarray(other_latitude, float))
    across = np.radians(np.asarray(other_longitude, float) - np.asarray(longitude, float))
    half = np.sin((second - first) / 2) ** 2 + np.cos(first) * np.cos(second) * np.sin(across / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))), dtype=np.float64)


def check_coordinates(latitude: ArrayLike, longitude: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both as float64; raise unless they are degrees of equal length, latitude in [-90, 90]."""
    found = []
    for name, values, most in (("latitude", latitude, 90.0), ("longitude", longitude, 180.0)):
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 1:
            raise ValueError(f"{name} must have shape (num_places,), got {array.shape}")
        wrong = np.flatnonzero(~(np.abs(array) <= most))
        if wrong.size:
            raise ValueError(
                f"{name} must be in [-{most:g}, {most:g}] degrees, got {array[wrong[0]]} in row {wrong[0]} "
                f"({wrong.size} such rows)"
            )
        found.append(array)
    if found[0].shape != found[1].shape:
        raise ValueError(f"latitude and longitude must be of equal length, got {len(found[0])} and {len(found[1])}")
    return found[0], found[1]
