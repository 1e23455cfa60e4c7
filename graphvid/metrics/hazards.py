r"""Quality of hazards: log-likelihood and accuracy of the clip at which a viewer leaves.

A hazard :math:`h_i` is the probability of leaving at clip i of a video when clip i was reached. With
:math:`S_i = \prod_{j < i} (1 - h_j)`, a row that stopped at clip k < n has likelihood :math:`S_k h_k`, and a complete
view of n clips has :math:`S_n`: it is censored, because the viewer might have watched longer. Clips after the stop have no
term.

A model of only positions has the same hazards in every row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid.metrics import _columns
from graphvid.metrics.calibration import CLIP


class SkipClipScores(NamedTuple):
    """Quality of the predicted clip of the skip, over the skipped rows.

    Parameters
    ----------
    log_likelihood : float
        Mean log-probability of the clip of the skip, given that there was a skip; in nats, <= 0. A guess without
        knowledge has ``-log(num_clips)``.
    accuracy : float
        Share of rows whose most probable clip is the clip of the skip, in [0, 1].
    num_skipped : int
        Rows the means are taken over.
    num_complete : int
        Rows left out because there was no skip.
    """

    log_likelihood: float
    accuracy: float
    num_skipped: int
    num_complete: int


def skip_clip_scores(hazard: ArrayLike, stop: ArrayLike, *, clip: float = CLIP) -> SkipClipScores:
    r"""Return the quality of the hazards for the clip at which a video was skipped.

    .. math:: P(k \mid \text{skip}) = \frac{S_k h_k}{1 - S_n}

    This scores only the place of the skip, not whether there was a skip; `survival_log_likelihood` scores both.

    Parameters
    ----------
    hazard : array_like of float, shape (num_rows, num_clips)
        Probability of leaving at each clip when it was reached, in [0, 1].
    stop : array_like of int, shape (num_rows,)
        Clips that were watched to their end, in ``[0, num_clips]``: for a skip the index of its clip, counted from 0,
        for a complete view ``num_clips``.
    clip : float, default 1e-7
        Hazards are first clipped to ``[clip, 1 - clip]``, so that one clip with a wrong hazard of 0 or 1 costs about 16 nats
        and not infinitely many; in (0, 0.5).

    Returns
    -------
    SkipClipScores

    Raises
    ------
    TypeError
        Hazards that are no numbers, stops that are no integers.
    ValueError
        Arguments of the wrong shape or outside their range, no row that was skipped.

    Notes
    -----
    O(num_rows * num_clips) time and memory, in logarithms. Of equally probable clips the first is taken.

    Examples
    --------
    >>> scores = skip_clip_scores([[0.5, 0.5], [0.1, 0.5], [0.3, 0.3]], [0, 1, 2])  # 2 / 3 and 0.45 / 0.55
    >>> round(scores.log_likelihood, 4), scores.accuracy, scores.num_skipped, scores.num_complete
    (-0.3031, 1.0, 2, 1)
    """
    hazards, stops = _checked(hazard, stop, clip)
    skipped = stops < hazards.shape[1]
    if not skipped.any():
        raise ValueError(f"stop must be below num_clips, {hazards.shape[1]}, in at least one row, got none")
    log_probs, log_complete = _log_probs(hazards[skipped], clip)
    place = stops[skipped]
    of_clip = np.take_along_axis(log_probs, place[:, None], axis=1)[:, 0] - np.log(-np.expm1(log_complete))
    accuracy = float((log_probs.argmax(axis=1) == place).mean())
    return SkipClipScores(float(of_clip.mean()), accuracy, place.size, stops.size - place.size)


def survival_log_likelihood(hazard: ArrayLike, stop: ArrayLike, *, clip: float = CLIP) -> NDArray[np.float64]:
    r"""Return the log-likelihood of each row: :math:`\log S_k h_k` of a skip at clip k, :math:`\log S_n` of a complete view.

    Parameters
    ----------
    hazard, stop, clip
        See `skip_clip_scores`.

    Returns
    -------
    ndarray of float64, shape (num_rows,)
        In nats, <= 0. Its mean is the score of a model; a mean by user goes into `graphvid.metrics.paired_bootstrap`.

    Raises
    ------
    TypeError, ValueError
        As `skip_clip_scores`, but rows may all be complete.

    Notes
    -----
    O(num_rows * num_clips) time and memory, in logarithms.

    References
    ----------
    Singer and Willett, "It's About Time: Using Discrete-Time Survival Analysis to Study Duration and the Timing of
    Events", Journal of Educational Statistics 1993.

    Examples
    --------
    >>> survival_log_likelihood([[0.2, 0.5], [0.2, 0.5]], [1, 2]).round(4)  # log(0.8 * 0.5), twice
    array([-0.9163, -0.9163])
    """
    hazards, stops = _checked(hazard, stop, clip)
    log_probs, log_complete = _log_probs(hazards, clip)
    return np.take_along_axis(np.c_[log_probs, log_complete], stops[:, None], axis=1)[:, 0]


def _checked(hazard: ArrayLike, stop: ArrayLike, clip: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    hazards = np.asarray(hazard)
    if hazards.ndim != 2 or not hazards.size:
        raise ValueError(f"hazard must have shape (num_rows, num_clips), neither of them 0, got {hazards.shape}")
    if hazards.dtype.kind not in "biuf":
        raise TypeError(f"hazard must hold real numbers, got dtype {hazards.dtype}")
    hazards = hazards.astype(np.float64)
    _columns.check_range("hazard", hazards, 0.0, 1.0)
    _columns.check_fraction("clip", clip, 0.0, 0.5)
    stops = np.asarray(stop)
    if stops.dtype.kind not in "iu":
        raise TypeError(f"stop must hold integers, got dtype {stops.dtype}")
    _columns.check_rows("stop", stops, len(hazards))
    _columns.check_range("stop", stops, 0, hazards.shape[1])
    return hazards, stops.astype(np.int64)


def _log_probs(hazard: NDArray[np.float64], clip: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log(S_i h_i) of each clip and log S_n of each row."""
    hazard = np.clip(hazard, clip, 1.0 - clip)
    log_survival = np.cumsum(np.log1p(-hazard), axis=1)
    log_probs = np.log(hazard)
    log_probs[:, 1:] += log_survival[:, :-1]
    return log_probs, log_survival[:, -1]
