"""Generator of a small world in which viewers leave at clips that they dislike, with the true probabilities."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._checks import check_integer, check_seed
from graphvid.data.clip_features import ClipFeatures
from graphvid.data.watch_log import WatchLog
from graphvid.data.windows import LogWindows, split_by_time

NUM_CLIPS = 8
_CLIP_MS = 1000
_FEATURE_DIM = 32
_LIKED, _NEUTRAL, _DISLIKED = range(3)


class SyntheticSkip:
    r"""Watch log, clip features and true skip probabilities of users who like some topics and leave at others.

    A video has 8 clips of one second, cut into ``topics_per_video`` contiguous runs of one topic each. A user likes some
    topics, dislikes others and is neutral to the rest. At every clip that the user reaches, the user leaves with the
    probability in ``hazards`` for liked, neutral and disliked topics, at a uniform moment inside the clip. A user who never
    leaves completes the video. So one clip causes a skip, and a model that reads only the mean of a video's clips cannot
    find this clip.

    Parameters
    ----------
    num_users, num_videos : int, default 300 and 1200
        Size of the world.
    impressions_per_user : int, default 80
        Distinct videos shown to each user, uniform, in random order; at most ``num_videos``.
    num_topics, num_liked, num_disliked : int, default 16, 5 and 4
        Number of topics, at most 32, and numbers of topics that each user likes and dislikes.
    topics_per_video : int, default 4
        Distinct topics of a video, from 1 to 8. 1 is the first null setting: no clip differs from its neighbours.
    hazards : tuple of 3 floats, default (0.01, 0.04, 0.45)
        Probability to leave at a reached clip that is liked, neutral and disliked, in [0, 1]. Three equal values are the
        third null setting: all users behave alike.
    num_groups : int, optional
        Number of equal groups of users. A group has one base taste, and every user redraws 15 % of its topics. Default: each
        user has an own taste.
    shuffle_places : bool, default False
        The second null setting: the completion of a video stays, and the clip of a skip is redrawn uniformly.
    loop_share : float, default 0.05
        Share of the complete views that continue beyond the end, up to 2.5 times the duration.
    noise : float, default 0.35
        Expected norm of the noise added to a clip's feature vector; the topics' vectors have norm 1.
    seed : int, default 0
        Seed; the world depends only on it and the other arguments.

    Attributes
    ----------
    log : WatchLog
        All impressions, by user, then time, with ``watch_time``, ``duration`` (8 seconds) and ``timestamp``. The ids of
        users and videos are 0, 1, ...
    clips : ClipFeatures
        float32, shape (num_videos, 8, 32): the vector of the clip's topic plus noise.
    windows : LogWindows
        Rows of each user's first half (graph), next quarter (supervision) and last quarter (test).
    clip_topics : ndarray of int64, shape (num_videos, 8)
        Topic of each clip.
    tastes : ndarray of int64, shape (num_users, num_topics)
        0 liked, 1 neutral, 2 disliked.
    hazards : ndarray of float64, shape (num_interactions, 8)
        The true probability to leave at every clip, if reached, of every row of the log.
    oracle : ndarray of float64, shape (num_interactions,)
        The true probability to complete, the product of ``1 - hazards``. No model ranks better in expectation.

    Raises
    ------
    ValueError
        An argument out of its range.

    Notes
    -----
    O(num_users * (num_topics + impressions_per_user * 8) + num_videos * 256) time and memory; 10 ms at the defaults.

    With many rows for each user, a coarse model learns the tastes too, because the logarithm of the completion probability is
    linear in the counts of the topics. Clips help to learn from fewer rows; their advantage falls with the number of rows.

    Examples
    --------
    >>> world = SyntheticSkip(num_users=20, num_videos=50, impressions_per_user=10)
    >>> world.clips.num_clips, world.log.num_interactions, [len(rows) for rows in world.windows]
    (8, 200, [100, 40, 60])
    >>> completed = world.log.watch_time >= world.log.duration
    >>> bool(world.oracle[completed].mean() > world.oracle[~completed].mean())
    True
    """

    name = "synthetic-skip"

    def __init__(
        self,
        *,
        num_users: int = 300,
        num_videos: int = 1200,
        impressions_per_user: int = 80,
        num_topics: int = 16,
        num_liked: int = 5,
        num_disliked: int = 4,
        topics_per_video: int = 4,
        hazards: tuple[float, float, float] = (0.01, 0.04, 0.45),
        num_groups: int | None = None,
        shuffle_places: bool = False,
        loop_share: float = 0.05,
        noise: float = 0.35,
        seed: int = 0,
    ) -> None:
        for name, value, low, high in (
            ("num_users", num_users, 1, None),
            ("num_videos", num_videos, 1, None),
            ("impressions_per_user", impressions_per_user, 1, num_videos),
            ("num_topics", num_topics, 1, _FEATURE_DIM),
            ("num_liked", num_liked, 0, num_topics),
            ("num_disliked", num_disliked, 0, num_topics - num_liked),
            ("topics_per_video", topics_per_video, 1, min(NUM_CLIPS, num_topics)),
        ):
            check_integer(name, value, low)
            if high is not None and value > high:
                raise ValueError(f"{name} must be at most {high}, got {value}")
        check_seed(seed)
        check_integer("num_groups", num_groups, 1, none=True)
        if len(hazards) != 3 or not all(0 <= hazard <= 1 for hazard in hazards):
            raise ValueError(f"hazards must be three probabilities (liked, neutral, disliked), got {hazards}")
        if not 0 <= loop_share <= 1:
            raise ValueError(f"loop_share must be in [0, 1], got {loop_share}")
        if not (np.isfinite(noise) and noise >= 0):
            raise ValueError(f"noise must be a finite number >= 0, got {noise}")

        # One stream for each part, so that a change of one part does not change the others.
        video_rng, taste_rng, shown_rng, skip_rng, place_rng, loop_rng = (
            np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(6)
        )
        self.clip_topics = _topic_runs(num_videos, num_topics, topics_per_video, video_rng)
        levels = np.repeat(
            [_LIKED, _DISLIKED, _NEUTRAL], [num_liked, num_disliked, num_topics - num_liked - num_disliked]
        )
        self.tastes = _draw_tastes(num_users, levels, num_groups, taste_rng)
        user = np.repeat(np.arange(num_users), impressions_per_user)
        video = np.concatenate(
            [shown_rng.choice(num_videos, impressions_per_user, replace=False) for _ in range(num_users)]
        )
        self.hazards = np.asarray(hazards)[self.tastes[user[:, None], self.clip_topics[video]]]
        self.oracle = (1 - self.hazards).prod(axis=1)
        watched = _watch_ms(self.hazards, shuffle_places, loop_share, skip_rng, place_rng, loop_rng)
        order = np.tile(np.arange(impressions_per_user), num_users)
        self.log = WatchLog(
            user,
            video,
            pd.RangeIndex(num_users),
            pd.RangeIndex(num_videos),
            watch_time=watched / 1000,
            duration=np.full(len(user), NUM_CLIPS * _CLIP_MS / 1000),
            timestamp=60.0 * (order * num_users + user).astype(np.float64),
        )
        self.clips = ClipFeatures(self.log.video_ids, _features(self.clip_topics, num_topics, noise, video_rng))
        self.windows: LogWindows = split_by_time(self.log, fractions=(0.5, 0.25, 0.25))


def _topic_runs(num_videos: int, num_topics: int, runs: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the topic of every clip, (num_videos, 8): distinct topics in contiguous runs with random cut points."""
    topics = rng.permuted(np.tile(np.arange(num_topics), (num_videos, 1)), axis=1)[:, :runs]
    inner = rng.permuted(np.tile(np.arange(1, NUM_CLIPS), (num_videos, 1)), axis=1)[:, : runs - 1]
    run = (np.arange(NUM_CLIPS)[None, :, None] >= inner[:, None, :]).sum(axis=2)
    return np.take_along_axis(topics, run, axis=1)


def _draw_tastes(
    num_users: int, levels: NDArray[np.int64], num_groups: int | None, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the level of every topic for every user, each row a permutation of ``levels`` unless users have groups."""
    own = rng.permuted(np.tile(levels, (num_users, 1)), axis=1)
    if num_groups is None:
        return own
    base = rng.permuted(np.tile(levels, (num_groups, 1)), axis=1)
    return np.where(rng.random(own.shape) < 0.15, own, base[np.arange(num_users) % num_groups])


def _watch_ms(
    hazards: NDArray[np.float64],
    shuffle_places: bool,
    loop_share: float,
    skip_rng: np.random.Generator,
    place_rng: np.random.Generator,
    loop_rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return the time played of every impression in whole milliseconds."""
    leaves = skip_rng.random(hazards.shape) < hazards
    skipped = leaves.any(axis=1)
    clip = leaves.argmax(axis=1)
    if shuffle_places:
        clip = place_rng.integers(0, NUM_CLIPS, len(clip))
    moment = clip * _CLIP_MS + place_rng.integers(0, _CLIP_MS, len(clip))
    duration = NUM_CLIPS * _CLIP_MS
    loops = loop_rng.random(len(clip)) < loop_share
    beyond = loop_rng.integers(duration + 1, duration * 5 // 2 + 1, len(clip))
    return np.where(skipped, moment, np.where(loops, beyond, duration))


def _features(
    clip_topics: NDArray[np.int64], num_topics: int, noise: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    prototypes = np.linalg.qr(rng.normal(size=(_FEATURE_DIM, _FEATURE_DIM)))[0][:num_topics]
    scale = noise / np.sqrt(_FEATURE_DIM)
    noisy = prototypes[clip_topics] + scale * rng.normal(size=(*clip_topics.shape, _FEATURE_DIM))
    return np.asarray(noisy, dtype=np.float32)
