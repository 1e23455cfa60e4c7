"""Baselines of skips: rates of users or videos, and a prior over the places of clips, without content."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def position_prior(stop: ArrayLike, num_clips: int) -> NDArray[np.float64]:
    """Return, of the views that reach each clip, the share that leaves there, shape (num_clips,), in (0, 1).

    Parameters
    ----------
    stop : array_like of int, shape (num_views,)
        Clip of the skip of each training view, or ``num_clips`` for a complete one.
    num_clips : int
        Clips of a video.

    Notes
    -----
    Each share counts one more view, which leaves with probability one half, so no share is 0 or 1.

    Examples
    --------
    >>> position_prior([0, 1, 2, 2], 2)  # 1.5 of 5, then 1.5 of 4
    array([0.3  , 0.375])
    """
    left = np.bincount(np.asarray(stop), minlength=num_clips + 1)
    reached = left[::-1].cumsum()[::-1][:num_clips]
    return np.asarray((left[:num_clips] + 0.5) / (reached + 1))


def completion_rate(
    group: ArrayLike, complete: ArrayLike, num_groups: int, *, strength: float = 10.0
) -> NDArray[np.float64]:
    """Return the share of complete views of every user or video, shrunk towards the share of all views.

    Parameters
    ----------
    group : array_like of int, shape (num_views,)
        User or video of each training view.
    complete : array_like of bool, shape (num_views,)
        Whether it was complete.
    num_groups : int
        Number of users or videos; those without a view get the share of all views.
    strength : float, default 10
        Weight of the share of all views, in views.

    Returns
    -------
    ndarray of float64, shape (num_groups,)

    Examples
    --------
    >>> completion_rate([0, 0, 1, 1], [True, True, True, False], 3, strength=2).tolist()
    [0.875, 0.625, 0.75]
    """
    groups, label = np.asarray(group), np.asarray(complete, dtype=np.float64)
    total = np.bincount(groups, minlength=num_groups)
    completed = np.bincount(groups, weights=label, minlength=num_groups)
    return np.asarray((completed + strength * label.mean()) / (total + strength))


def drop_off(hazard: ArrayLike) -> NDArray[np.float64]:
    """Return the probability that the user still watches at the start of each clip and at the end, (..., num_clips + 1).

    Examples
    --------
    >>> drop_off([0.5, 0.2]).tolist()
    [1.0, 0.5, 0.4]
    """
    hazards = np.asarray(hazard, dtype=np.float64)
    start = np.ones((*hazards.shape[:-1], 1))
    return np.concatenate([start, np.cumprod(1 - hazards, axis=-1)], axis=-1)


def expected_watch_ratio(hazard: ArrayLike) -> NDArray[np.float64]:
    """Return the expected watched share of the video, (...,); a user who leaves at a clip has seen half of it.

    Examples
    --------
    >>> float(expected_watch_ratio([0.5, 0.5]))  # 0.5 * 0.25 + 0.25 * 0.75 + 0.25
    0.5625
    """
    alive = drop_off(hazard)
    num_clips = alive.shape[-1] - 1
    middle = (np.arange(num_clips) + 0.5) / num_clips
    return np.asarray(((alive[..., :-1] - alive[..., 1:]) * middle).sum(axis=-1) + alive[..., -1])
