"""Generator of short videos of digits that move over textures; only in training the texture predicts the motion's class."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_choice, check_integer, check_number, check_seed
from graphvid._files import atomic_path, read_npz
from graphvid.data._files import as_path
from graphvid.data.pixel_store import PixelStore

CACHE_VARIABLE = "GRAPHVID_CACHE"
MOTIONS = ("translate", "rotate", "zoom", "oscillate")
BACKGROUNDS = ("stripes", "checks", "dots", "waves")
NUM_FRAMES, SIZE = 16, 24
_TRAIN_DIGITS = 1200  # digits of scikit-learn's 1,797 for training; the others are for tests
_HALF = 5.5  # half the side of a digit at scale 1, pixels
_FORMAT = 1  # version of the cache; increase it with every change of the drawing
_AT_ONCE = 32  # videos drawn together


class MotionVideos(NamedTuple):
    """Videos of one split, with their random parameters.

    Parameters
    ----------
    source : PixelStore
        uint8, 16 frames of 24 x 24 with one channel; ids "train-0", ...
    motion, background : ndarray of int64, shape (num_videos,)
        Class in [0, 4), as in `MOTIONS` and `BACKGROUNDS`.
    sign : ndarray of int64, shape (num_videos,)
        1 or -1: right or left (translate), with or against the angle (rotate), in or out (zoom); 0 for oscillate, which
        has none. Time reversal changes the sign; the motion's class stays.
    """

    source: PixelStore
    motion: NDArray[np.int64]
    background: NDArray[np.int64]
    sign: NDArray[np.int64]


class SyntheticMotion:
    r"""A digit that moves in one of four ways over a texture of one of four kinds.

    A frame is :math:`(1 - a) b + i a` with the texture :math:`b`, the digit's ink :math:`a` and its intensity :math:`i`,
    plus noise, clipped to [0, 1] and rounded to 1/255. In ``train`` the texture is that of the motion's class with the
    probability ``rho``, so a model that reads only the scenery is nearly always right there; in ``shifted`` it is always
    wrong.

    Parameters
    ----------
    num_train, num_matched, num_shifted, num_decorrelated : int, default 1600, 500, 500 and 1200
        Videos of the splits; the motions of a split have equal numbers, up to one.
    rho : float, default 0.95
        Probability in ``train`` that the texture is the motion's; else it is uniform over all four.
    drift : float, default 0.4
        Largest speed of the texture along each axis, in pixels a frame; 0 is a still camera.
    bg_instance : {"random", "fixed"}, default "random"
        "fixed": orientation 0.5, period 6.5, mean 0.38 and amplitude 0.2 for every video; phase and drift still vary.
    seed : int, default 0
        Seed; the world depends only on it and the other arguments.
    cache_dir : path-like, optional
        Folder for a cache of the videos. Default: the environment variable GRAPHVID_CACHE; without it, no cache.

    Attributes
    ----------
    train, matched, shifted, decorrelated : MotionVideos
        Texture = motion with probability ``rho``; texture = motion; texture uniform over the three others; independent.
        ``train`` uses the first 1,200 digit images, the other splits use the rest. The first half of ``decorrelated`` is for
        fitting a probe, the second for its test.

    Raises
    ------
    ValueError
        An argument out of its range.
    ImportError
        scikit-learn, which has the digits, is absent: extra ``video``.

    Notes
    -----
    Decisions that the description leaves open: the drift moves the texture and not the digit; the digit wraps around the
    frame; its image covers the square of half-side 5.5 times scale, with pixel centres at ``-3.5 ... 3.5`` eighths of the
    side.

    Examples
    --------
    >>> world = SyntheticMotion(num_train=8, num_matched=4, num_shifted=4, num_decorrelated=4)
    >>> world.train.source.frame_shape, world.train.source.num_frames.tolist()
    ((24, 24, 1), [16, 16, 16, 16, 16, 16, 16, 16])
    >>> bool((world.matched.motion == world.matched.background).all())
    True
    """

    name = "synthetic-motion"

    def __init__(
        self,
        *,
        num_train: int = 1600,
        num_matched: int = 500,
        num_shifted: int = 500,
        num_decorrelated: int = 1200,
        rho: float = 0.95,
        drift: float = 0.4,
        bg_instance: Literal["random", "fixed"] = "random",
        seed: int = 0,
        cache_dir: str | Path | None = None,
    ) -> None:
        sizes = {"train": num_train, "matched": num_matched, "shifted": num_shifted, "decorrelated": num_decorrelated}
        for name, count in sizes.items():
            check_integer(f"num_{name}", count, 1, 10**6)
        check_number("rho", rho, "in [0, 1]", least=0, most=1)
        check_number("drift", drift, "in [0, 12]", least=0, most=SIZE / 2)
        check_choice("bg_instance", bg_instance, ("random", "fixed"))
        check_seed(seed)
        chosen = cache_dir if cache_dir is not None else os.environ.get(CACHE_VARIABLE) or None
        streams = np.random.SeedSequence(seed).spawn(len(sizes))
        splits = {}
        for (name, count), stream in zip(sizes.items(), streams):
            options = {
                "split": name,
                "count": count,
                "rho": float(rho) if name == "train" else None,
                "drift": float(drift),
                "bg_instance": bg_instance,
                "seed": int(seed),
                "format": _FORMAT,
            }
            path = _cache_path(as_path(chosen, "cache_dir").expanduser(), options) if chosen else None
            if path is not None and path.is_file():
                arrays = read_npz(path, ("pixels", "motion", "background", "sign"))
            else:
                arrays = _draw_split(name, count, rho, drift, bg_instance == "fixed", np.random.default_rng(stream))
                if path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with atomic_path(path) as temporary:
                        np.savez(temporary, **arrays)  # type: ignore[arg-type]
            ids = [f"{name}-{i}" for i in range(count)]
            store = PixelStore(ids, arrays["pixels"], np.arange(count + 1) * NUM_FRAMES)
            splits[name] = MotionVideos(store, arrays["motion"], arrays["background"], arrays["sign"])
        self.train, self.matched = splits["train"], splits["matched"]
        self.shifted, self.decorrelated = splits["shifted"], splits["decorrelated"]


def _cache_path(folder: Path, options: dict[str, object]) -> Path:
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:16]
    return folder / f"synthetic-motion-{options['split']}-{digest}.npz"


def _draw_split(
    name: str, count: int, rho: float, drift: float, fixed: bool, rng: np.random.Generator
) -> dict[str, NDArray[Any]]:  # Any: uint8 and int64
    motion = rng.permutation(np.arange(count) % len(MOTIONS))
    if name == "matched":
        background = motion.copy()
    elif name == "shifted":
        background = (motion + rng.integers(1, len(BACKGROUNDS), count)) % len(BACKGROUNDS)
    else:
        background = rng.integers(0, len(BACKGROUNDS), count)
        if name == "train":
            background = np.where(rng.random(count) < rho, motion, background)
    digits = _digits()
    first, last = (0, _TRAIN_DIGITS) if name == "train" else (_TRAIN_DIGITS, len(digits))
    images = digits[rng.integers(first, last, count)]
    path, sign = _draw_path(motion, rng)
    texture = _draw_texture(count, drift, fixed, rng)
    pixels = np.empty((count, NUM_FRAMES, SIZE, SIZE), dtype=np.uint8)
    for start in range(0, count, _AT_ONCE):
        rows = slice(start, min(start + _AT_ONCE, count))
        ink = _digit_frames(images[rows], _Path(*(part[rows] for part in path)))
        scene = _texture_frames(background[rows], _Texture(*(part[rows] for part in texture)))
        scene += ink * (path.intensity[rows, None, None] - scene)
        scene += 0.02 * rng.standard_normal(scene.shape, dtype=np.float32)
        pixels[rows] = np.rint(np.clip(scene, 0, 1) * 255)
    frames = pixels.reshape(count * NUM_FRAMES, SIZE, SIZE, 1)
    return {"pixels": frames, "motion": motion, "background": background, "sign": sign}


def _digits() -> NDArray[np.float32]:
    """Return scikit-learn's digits as ink in [0, 1], shape (1797, 8, 8)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError('SyntheticMotion needs scikit-learn: pip install "graphvid[video]"') from error
    images: NDArray[np.float32] = (load_digits().images / 16).astype(np.float32)
    return images


class _Path(NamedTuple):
    """Movement of digits: a row for each video, a column for each frame (intensity: one column)."""

    row: NDArray[np.float32]
    column: NDArray[np.float32]
    angle: NDArray[np.float32]
    scale: NDArray[np.float32]
    intensity: NDArray[np.float32]


def _draw_path(motion: NDArray[np.int64], rng: np.random.Generator) -> tuple[_Path, NDArray[np.int64]]:
    """Return the movements, and their signs."""
    count, t = len(motion), np.arange(NUM_FRAMES)

    def uniform(low: float, high: float) -> NDArray[np.float64]:
        return rng.uniform(low, high, (count, 1))

    kind, sign = motion[:, None], rng.choice([-1, 1], (count, 1))
    row, column = uniform(0, SIZE), uniform(0, SIZE)
    direction, speed = uniform(0, 2 * np.pi), uniform(0.8, 1.4)
    reach, period, phase = uniform(2, 3), uniform(4, 6), uniform(0, 2 * np.pi)
    along = (kind == 0) * speed * t + (kind == 3) * reach * np.sin(2 * np.pi * t / period + phase)
    angle = uniform(-0.3, 0.3) + (kind == 1) * sign * uniform(0.22, 0.35) * t
    scale = uniform(0.9, 1.1) * np.exp((kind == 2) * sign * uniform(0.06, 0.08) * (t - NUM_FRAMES // 2))
    parts = (row + np.sin(direction) * along, column + np.cos(direction) * along, angle, scale, uniform(0.8, 1.0))
    sign = np.where(kind == 0, np.where(np.cos(direction) > 0, 1, -1), np.where(kind == 3, 0, sign))
    return _Path(*(part.astype(np.float32) for part in parts)), sign[:, 0].astype(np.int64)


def _digit_frames(images: NDArray[np.float32], path: _Path) -> NDArray[np.float32]:
    """Return the ink of moving digits, shape (count, 16, 24, 24)."""
    place = np.arange(SIZE, dtype=np.float32)
    down = _wrap(place[:, None] - path.row[..., None, None])  # (count, 16, 24, 1)
    right = _wrap(place[None, :] - path.column[..., None, None])
    cos, sin, half = (x[..., None, None] for x in (np.cos(path.angle), np.sin(path.angle), _HALF * path.scale))
    row = (cos * down - sin * right) * (
        4 / half
    ) + 4.5  # in pixels of the image, whose eight cover the square, and a border
    column = (sin * down + cos * right) * (4 / half) + 4.5
    near = np.nonzero((row > 0) & (row < 9) & (column > 0) & (column < 9))  # no ink elsewhere
    row, column = row[near], column[near]
    top, left = row.astype(np.int64), column.astype(np.int64)
    low, far = row - top, column - left  # weights of the next pixel
    bordered, which = np.pad(images, ((0, 0), (1, 1), (1, 1))), near[0]
    above = bordered[which, top, left] * (1 - far) + bordered[which, top, left + 1] * far
    below = bordered[which, top + 1, left] * (1 - far) + bordered[which, top + 1, left + 1] * far
    ink = np.zeros((len(images), NUM_FRAMES, SIZE, SIZE), dtype=np.float32)
    ink[near] = above * (1 - low) + below * low
    return ink


def _wrap(distance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distance on a ring of 24 pixels, in [-12, 12)."""
    wrapped: NDArray[np.float32] = (distance + SIZE / 2) % SIZE - SIZE / 2
    return wrapped


class _Texture(NamedTuple):
    """Appearance and drift of textures, one value for each video."""

    turn: NDArray[np.float32]
    period: NDArray[np.float32]
    mean: NDArray[np.float32]
    amplitude: NDArray[np.float32]
    phase_u: NDArray[np.float32]
    phase_w: NDArray[np.float32]
    row_speed: NDArray[np.float32]
    column_speed: NDArray[np.float32]


def _draw_texture(count: int, drift: float, fixed: bool, rng: np.random.Generator) -> _Texture:
    ranges = [(0.0, np.pi), (5.0, 8.0), (0.3, 0.45), (0.15, 0.25), *[(0.0, 2 * np.pi)] * 2, *[(-drift, drift)] * 2]
    parts = [rng.uniform(low, high, count).astype(np.float32) for low, high in ranges]
    if fixed:
        parts[:4] = [np.full(count, value, dtype=np.float32) for value in (0.5, 6.5, 0.38, 0.2)]
    return _Texture(*parts)


def _texture_frames(background: NDArray[np.int64], texture: _Texture) -> NDArray[np.float32]:
    """Return drifting textures in [0, 1], shape (count, 16, 24, 24)."""
    turn, period, mean, amplitude, phase_u, phase_w, row_speed, column_speed = (
        part.reshape(-1, 1, 1, 1) for part in texture
    )
    t, place = (np.arange(size, dtype=np.float32) for size in (NUM_FRAMES, SIZE))
    row = place[:, None] - row_speed * t[:, None, None]
    column = place[None, :] - column_speed * t[:, None, None]
    unit = np.float32(2 * np.pi) / period
    u = unit * (np.cos(turn) * column + np.sin(turn) * row) + phase_u
    w = unit * (np.cos(turn) * row - np.sin(turn) * column) + phase_w
    pattern = np.empty_like(u)
    for kind in range(len(BACKGROUNDS)):
        rows = background == kind
        pattern[rows] = _pattern(kind, u[rows], w[rows])
    scene: NDArray[np.float32] = np.clip(mean + amplitude * pattern, 0, 1)
    return scene


def _pattern(kind: int, u: NDArray[np.float32], w: NDArray[np.float32]) -> NDArray[np.float32]:
    values: NDArray[np.float32]
    if kind == 0:
        values = np.sin(u)
    elif kind == 1:
        values = np.sign(np.sin(u) * np.sin(w))
    elif kind == 2:
        values = np.sign(np.sin(u) + np.sin(w) - 0.9)
    else:
        values = 0.7 * (np.sin(0.37 * u + 1.3 * np.sin(0.41 * w)) + np.sin(0.43 * w + 1.1 * np.sin(0.31 * u)))
    return values
