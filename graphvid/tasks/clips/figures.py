"""Figures of clip vectors: accuracy of probes for motion and scenery, and of nearest neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphvid.data import ClipRef, ClipSource, MotionVideos, SyntheticMotion, read_clips
from graphvid.models.clips import ClipConfig, embed_videos, encode_refs
from graphvid.nn import ClipEncoder

_L2 = 1e-3  # regularisation of the probe, as in the benchmark's protocol
_BITS = 9  # of a colour in a histogram

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Hits = NDArray[np.bool_]
Json = dict[str, Any]  # Any: JSON values
EncodeRefs = Callable[[ClipSource, list[ClipRef]], Floats]


def probe(fit: Floats, labels: Ints, test: Floats) -> Ints:
    """Return the predictions of a linear probe: multinomial logistic regression on standardised columns.

    Parameters
    ----------
    fit, test : ndarray, shape (num_videos, dim)
    labels : ndarray of int64
        Classes of ``fit``.

    Raises
    ------
    ImportError
        scikit-learn, of the extra ``video``, is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise ImportError('a probe needs scikit-learn: pip install "graphvid[video]"') from error
    mean, deviation = fit.mean(axis=0), fit.std(axis=0)
    scaled = [(x - mean) / np.where(deviation > 0, deviation, 1) for x in (fit, test)]
    model = LogisticRegression(C=1 / (_L2 * len(fit)), max_iter=5000)
    found: Ints = model.fit(scaled[0].astype(np.float64), labels).predict(scaled[1].astype(np.float64))
    return found


def judge_world(encoder: ClipEncoder, world: SyntheticMotion, config: ClipConfig) -> tuple[Json, Hits]:
    """Evaluate an encoder on the world of moving digits, whose scenery predicts the motion only in training.

    Returns
    -------
    dict
        Shares in percent. ``matched``, ``shifted``: accuracy of motion, by a probe of the training videos, with agreeing and
        with misleading scenery; ``gap``: their difference; ``cheating``: predictions on the misleading videos that name the
        scenery's class. ``motion``, ``background``: accuracy of probes on videos in which both are independent; ``sign``:
        accuracy of the direction of the motion, mean over three kinds, also from maps (``sign_of_maps``).
        ``nearest_motion``, ``nearest_background``: misleading videos whose nearest training video has the same motion, the
        same scenery.
    ndarray of bool
        Whether the prediction of ``motion`` is right, for each of its videos.
    """

    def vectors(part: MotionVideos) -> Floats:
        return embed_videos(encoder, part.source, config)

    def share(hits: NDArray[np.bool_]) -> float:
        return 100 * float(hits.mean())

    train, matched, shifted, free = (
        vectors(part) for part in (world.train, world.matched, world.shifted, world.decorrelated)
    )
    half, other = len(free) // 2, world.decorrelated
    on_matched, on_shifted = np.split(
        probe(train, world.train.motion, np.concatenate([matched, shifted])), [len(matched)]
    )
    hits = probe(free[:half], other.motion[:half], free[half:]) == other.motion[half:]
    figures = {
        "matched": share(on_matched == world.matched.motion),
        "shifted": share(on_shifted == world.shifted.motion),
        "cheating": share(on_shifted == world.shifted.background),
        "motion": share(hits),
        "background": share(probe(free[:half], other.background[:half], free[half:]) == other.background[half:]),
        "sign": _sign(free, other),
        "sign_of_maps": _sign(embed_videos(encoder, other.source, config, pooling="2x2x2"), other),
    }
    figures["gap"] = figures["matched"] - figures["shifted"]
    nearest = cosines(shifted, train, center=train.mean(axis=0)).argmax(axis=1)
    figures["nearest_motion"] = share(world.train.motion[nearest] == world.shifted.motion)
    figures["nearest_background"] = share(world.train.background[nearest] == world.shifted.background)
    return figures, hits


def _sign(vectors: Floats, videos: MotionVideos) -> float:
    """Return the accuracy of the direction of motion in percent, by one probe for each kind of motion with a direction."""
    shares = []
    for kind in np.unique(videos.motion[videos.sign != 0]):
        rows = np.flatnonzero(videos.motion == kind)
        fit, test = rows[: len(rows) // 2], rows[len(rows) // 2 :]
        if len(np.unique(videos.sign[fit])) < 2:
            continue
        shares.append((probe(vectors[fit], videos.sign[fit], vectors[test]) == videos.sign[test]).mean())
    return 100 * float(np.mean(shares)) if shares else float("nan")


def judge_videos(encode: EncodeRefs, source: ClipSource, config: ClipConfig, labels: Ints | None) -> tuple[Json, Hits]:
    """Evaluate vectors of clips on videos with or without classes.

    Parameters
    ----------
    encode : callable
        Returns a vector for each clip.
    source : ClipSource
    config : ClipConfig
        Options of the clips.
    labels : ndarray of int64, optional

    Returns
    -------
    dict
        Shares in percent. ``thirds``: videos whose first third finds its own last third among all last thirds, by cosine;
        None if fewer than two videos are long enough. ``nearest_label``: with labels, videos whose nearest other video has
        the same class. ``num_thirds``: number of videos whose thirds hold a clip.
    ndarray of bool
        Whether each of these videos finds its own last third; empty for fewer than two videos.
    """
    span = (config.clip_length - 1) * config.stride + 1
    long = np.flatnonzero(source.num_frames // 3 >= span)
    figures: Json = {"thirds": None, "num_thirds": len(long)}
    hits = np.zeros(0, dtype=np.bool_)

    def mean_of(places: list[tuple[int, int, int]]) -> Floats:
        refs = [
            ClipRef(v, int(start), config.stride, config.clip_length)
            for v, first, end in places
            for start in np.rint(np.linspace(first, end - span, config.num_clips))
        ]
        vectors: Floats = encode(source, refs).reshape(len(places), config.num_clips, -1).mean(axis=1)
        return vectors

    if len(long) > 1:
        frames = source.num_frames
        first, last = (
            mean_of([(int(v), *ends(int(frames[v]))) for v in long])
            for ends in (lambda n: (0, n // 3), lambda n: (n - n // 3, n))
        )
        center = np.concatenate([first, last]).mean(axis=0)
        hits = cosines(first, last, center=center).argmax(axis=1) == np.arange(len(long))
        figures["thirds"] = 100 * float(hits.mean())
    if labels is not None:
        whole = mean_of([(v, 0, int(n)) for v, n in enumerate(source.num_frames)])
        similar = cosines(whole, whole, center=whole.mean(axis=0))
        np.fill_diagonal(similar, -np.inf)
        figures["nearest_label"] = 100 * float((labels[similar.argmax(axis=1)] == labels).mean())
    return figures, hits


def encoder_of_refs(encoder: ClipEncoder) -> EncodeRefs:
    """Return the function for `judge_videos` that encodes clips with an encoder."""
    return lambda source, refs: encode_refs(encoder, source, refs)


def color_histograms(source: ClipSource, refs: list[ClipRef]) -> Floats:
    """Return the square roots of a joint colour histogram with at most 512 bins, a baseline without shapes."""
    found = []
    for ref in refs:
        pixels = read_clips(source, [ref])
        channels = pixels.shape[-1]
        bits = min(6, _BITS // channels)
        values = (pixels.reshape(-1, channels) >> (8 - bits)).astype(np.int64)
        color = values @ (1 << bits * np.arange(channels))
        found.append(np.sqrt(np.bincount(color, minlength=1 << bits * channels) / len(color)))
    return np.asarray(found, np.float32)


def cosines(queries: Floats, items: Floats, *, center: Floats) -> Floats:
    """Return the cosines of rows minus a centre; those of a row at the centre are 0."""
    scaled = []
    for x in (queries - center, items - center):
        scaled.append(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12))
    found: Floats = scaled[0] @ scaled[1].T
    return found
