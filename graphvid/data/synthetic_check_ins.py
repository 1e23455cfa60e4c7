"""Generator of the check-ins of a small town whose users have habits by weekday, hour and area, with the true causes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._checks import check_integer
from graphvid.data.areas import EARTH_RADIUS_KM
from graphvid.data.check_in_splits import CheckInWindows, split_check_ins
from graphvid.data.check_ins import DAY, HOUR, CheckIns, local_time

CAUSES = ("weekday", "hour", "area", "group_block", "successor", "popularity")
_SHARES = (0.22, 0.18, 0.15, 0.20, 0.13, 0.12)
_SIDE_KM, _SPREAD_KM, _MIDDLE = 20.0, 0.4, (40.7, -74.0)
_SLOT_HOURS, _BLOCK_HOURS = 2, 6
_FIRST = 1_333_339_200  # Monday 2 April 2012, 04:00 UTC, midnight in the town
_OFFSET = -240
_GAP_HOURS = 7.0


class SyntheticCheckIns:
    """Check-ins that each have one habit as their cause, so that every interest explains a separate part.

    Areas lie in a square of 20 km, with places around their middles. The gaps between a user's check-ins are exponential, 7
    hours on average. Each check-in draws its cause: one of the user's two places of this weekday (0.22), of this two-hour
    slot (0.18), or inside the area of the last check-in (0.15); the user's place of this group of areas and this six-hour
    block (0.20); one of three successors of the last place, the same for all users (0.13); or a place by popularity, which
    falls with the power 0.8 of the rank (0.12).

    Parameters
    ----------
    num_users, num_pois, num_areas, num_groups : int, default 300, 600, 30 and 5
        Size of the town. Areas are assigned to groups in turn.
    check_ins_per_user : (int, int), default (120, 219)
        Fewest and most check-ins of a user, uniform.
    seed : int, default 11
        Seed; the world depends only on it and the other arguments.

    Attributes
    ----------
    check_ins : CheckIns
        With times, an offset of -240 minutes, and coordinates.
    area : ndarray of int64, shape (num_pois,)
        True area of every place.
    cause : ndarray of int64, shape (num_check_ins,)
        Position in `CAUSES`. If the cause of a user's first check-in needs a previous one, it is by popularity instead.
    windows : CheckInWindows
        The first 7 tenths of each user for training, the next tenth for validation, the last fifth for the test.

    Raises
    ------
    ValueError
        A size below 1 or out of order.

    Examples
    --------
    >>> town = SyntheticCheckIns(num_users=5, check_ins_per_user=(20, 20))
    >>> town.check_ins.num_check_ins, town.check_ins.num_pois, [len(rows) for rows in town.windows]
    (100, 600, [70, 10, 20])
    """

    name = "synthetic-check-ins"

    def __init__(
        self,
        *,
        num_users: int = 300,
        num_pois: int = 600,
        num_areas: int = 30,
        num_groups: int = 5,
        check_ins_per_user: tuple[int, int] = (120, 219),
        seed: int = 11,
    ) -> None:
        for name, value in (
            ("num_users", num_users),
            ("num_pois", num_pois),
            ("num_areas", num_areas),
            ("num_groups", num_groups),
            ("the fewest check_ins_per_user", check_ins_per_user[0]),
        ):
            check_integer(name, value, 1)
        check_integer("the most check_ins_per_user", check_ins_per_user[1], check_ins_per_user[0])
        check_integer("num_pois", num_pois, num_areas)
        check_integer("num_areas", num_areas, num_groups)
        check_integer("seed", seed, 0)
        place_rng, habit_rng, time_rng, visit_rng = (
            np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4)
        )
        self.area = np.arange(num_pois) % num_areas
        latitude, longitude = _coordinates(self.area, num_areas, place_rng)
        counts = time_rng.integers(check_ins_per_user[0], check_ins_per_user[1] + 1, num_users)
        user = np.repeat(np.arange(num_users), counts)
        timestamp = _times(counts, time_rng)
        weekday, hour = local_time(timestamp, _OFFSET)
        habits = _Habits(num_users, num_pois, self.area, num_areas, num_groups, habit_rng)
        poi, self.cause = habits.visit(counts, weekday, hour, visit_rng)
        self.check_ins = CheckIns(
            user,
            poi,
            pd.RangeIndex(num_users),
            pd.RangeIndex(num_pois),
            timestamp=timestamp,
            offset=np.full(len(user), _OFFSET),
            latitude=latitude,
            longitude=longitude,
        )
        self.windows: CheckInWindows = split_check_ins(self.check_ins, shares=(7, 1, 2))


class _Habits:
    """Habitual places of every user, and the successors and popularity that all users share."""

    def __init__(
        self,
        num_users: int,
        num_pois: int,
        area: NDArray[np.int64],
        num_areas: int,
        num_groups: int,
        rng: np.random.Generator,
    ) -> None:
        self.area, self.group = area, area % num_groups
        self.weekday = rng.integers(0, num_pois, (num_users, 7, 2))
        self.hour = rng.integers(0, num_pois, (num_users, 24 // _SLOT_HOURS, 2))
        inside = [np.flatnonzero(area == number) for number in range(num_areas)]
        self.inside = np.stack([rng.choice(places, (num_users, 2)) for places in inside], axis=1)
        self.group_block = rng.integers(0, num_pois, (num_users, num_groups, 24 // _BLOCK_HOURS))
        self.successor = rng.integers(0, num_pois, (num_pois, 3))
        weight = np.empty(num_pois)
        weight[rng.permutation(num_pois)] = np.arange(1, num_pois + 1) ** -0.8
        self.cumulative = np.cumsum(weight) / weight.sum()

    def visit(
        self, counts: NDArray[np.int64], weekday: NDArray[np.int64], hour: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the place and the cause of every check-in; step n draws the n-th check-in of all users."""
        total = len(weekday)
        cause = rng.choice(len(CAUSES), total, p=_SHARES)
        pick = rng.integers(0, 6, total)  # a choice between two or three, depending on the cause
        popular = np.searchsorted(self.cumulative, rng.random(total), side="right").clip(max=len(self.area) - 1)
        first = np.concatenate([[0], np.cumsum(counts)])[:-1]
        poi = np.empty(total, dtype=np.int64)
        for step in range(counts.max()):
            users = np.flatnonzero(counts > step)
            at = first[users] + step
            if step == 0:
                cause[at[(cause[at] >= 2) & (cause[at] <= 4)]] = CAUSES.index("popularity")
            last = poi[at - 1] if step else np.zeros(len(users), dtype=np.int64)
            day, clock, two = weekday[at], hour[at], pick[at] % 2
            block = clock // _BLOCK_HOURS
            choices = np.stack(
                [
                    self.weekday[users, day, two],
                    self.hour[users, clock // _SLOT_HOURS, two],
                    self.inside[users, self.area[last], two],
                    self.group_block[users, self.group[last], block],
                    self.successor[last, pick[at] % 3],
                    popular[at],
                ]
            )
            poi[at] = choices[cause[at], np.arange(len(users))]
        return poi, cause


def _coordinates(
    area: NDArray[np.int64], num_areas: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return latitude and longitude of every place, around the middle of its area."""
    middles = rng.uniform(-_SIDE_KM / 2, _SIDE_KM / 2, (num_areas, 2))
    east, north = (middles[area] + _SPREAD_KM * rng.normal(size=(len(area), 2))).T
    latitude = _MIDDLE[0] + np.degrees(north / EARTH_RADIUS_KM)
    return latitude, _MIDDLE[1] + np.degrees(east / (EARTH_RADIUS_KM * np.cos(np.radians(_MIDDLE[0]))))


def _times(counts: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return ascending whole seconds for every user, from a moment in the first week."""
    gaps = np.maximum(1.0, np.rint(rng.exponential(_GAP_HOURS * HOUR, counts.sum())))
    first = np.concatenate([[0], np.cumsum(counts)])[:-1]
    gaps[first] = _FIRST + rng.integers(0, 7 * DAY, len(counts))
    running = np.cumsum(gaps)
    times: NDArray[np.float64] = running - np.repeat(running[first] - gaps[first], counts)
    return times
