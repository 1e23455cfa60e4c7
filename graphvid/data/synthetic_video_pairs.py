"""Generator of a contest: videos with frames, titles and tags, pairs with scores, and the hidden truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._checks import check_integer
from graphvid.data.contest import Contest, HiddenVideos, write_scores, write_videos
from graphvid.data.frame_store import FrameStore
from graphvid.data.video_pairs import ScoredPairs
from graphvid.data.video_records import IdLists, VideoRecords

MEANING_DIM = 16
_STYLE_DIM = 8
_CATEGORIES, _TAGS_EACH = 12, 6
_NUM_TAGS = _CATEGORIES * _TAGS_EACH
_STYLES, _DISTRACTOR_STYLES, _DISTRACTORS = 6, 2, 24
_STYLE_SIZE, _DISTRACTOR_SIZE, _NOISE = 1.2, 1.6, 0.15
_MIN_FRAMES, _MAX_FRAMES = 8, 20
_FILLERS, _TAU_WEIGHT = 100, 0.7


class SyntheticVideoPairs:
    r"""Generated videos whose similarity depends on some of their frames; words of the title name the style of these frames.

    Meaning is a vector of 16 numbers. A tag is a unit vector near that of its category. A video has two *main* tags, in
    frames of its main style, and one tag *tau*, of the same category, that only the title names. Frames of another style show
    *background* tags of another category, and *distractor* frames show one of 24 contents that are no tags. A word of the
    title names the main style, that is, the relevant frames.

    .. math:: z = \mathrm{unit}(\mathrm{unit}(\bar t_{main}) + 0.7\, t_\tau), \qquad
              score = 0.2 + 0.75 \max(c, 0)^2 + 0.1 \min(c, 0) + \varepsilon

    for a pair with cosine :math:`c` of its meanings, :math:`\varepsilon \sim N(0, 0.05^2)`, clipped to [0, 1] and rounded
    to 0.05: 21 levels with the mode 0.2, as in the contest.

    Parameters
    ----------
    num_pointwise : int, default 6000
        Videos with tags to pretrain on.
    num_videos, num_pairs : int, default 2400 and 10000
        Videos with scored pairs, and their pairs.
    num_test_videos, num_test_pairs : int, default 1000 and 4000
        The same for the test; training has none of these videos.
    frame_dim : int, default 48
        Columns of a frame, at least 24; the contest has 1,536.
    asr : bool, default True
        Give each video a text with each main tag's word, with probability one half, and filler words.
    seed : int, default 2021
        Seed; the world depends only on it and the other arguments.

    Attributes
    ----------
    pointwise, train, test : Contest
        Videos for pretraining, videos with training pairs, videos with test pairs.
    words : list of str
        All words of titles and texts.
    tag_vectors : ndarray of float64, shape (72, 16)
        Meaning of the tags.

    Raises
    ------
    ValueError
        A number out of its range; more pairs than possible.

    Notes
    -----
    Pairs are distinct: half are of two random videos, 30 % of one category, 20 % with a common tag. Each tag is missing from
    ``tag_id`` with probability 0.1, and 8 % of the titles are empty. Frames have no order, so differences of neighbouring
    frames have no information.

    Examples
    --------
    >>> world = SyntheticVideoPairs(num_pointwise=5, num_videos=30, num_pairs=40, num_test_videos=20, num_test_pairs=20)
    >>> world.train.videos.num_videos, world.train.pairs.num_pairs, world.train.videos.frames.dim
    (30, 40, 48)
    """

    name = "synthetic-video-pairs"

    def __init__(
        self,
        *,
        num_pointwise: int = 6000,
        num_videos: int = 2400,
        num_pairs: int = 10_000,
        num_test_videos: int = 1000,
        num_test_pairs: int = 4000,
        frame_dim: int = 48,
        asr: bool = True,
        seed: int = 2021,
    ) -> None:
        sizes = {"num_pointwise": (num_pointwise, 1), "num_videos": (num_videos, 2), "num_pairs": (num_pairs, 1)}
        sizes |= {"num_test_videos": (num_test_videos, 2), "num_test_pairs": (num_test_pairs, 1), "seed": (seed, 0)}
        for name, (value, least) in sizes.items():
            check_integer(name, value, least)
        check_integer("frame_dim", frame_dim, MEANING_DIM + _STYLE_DIM)
        for name, pairs, videos in (
            ("num_pairs", num_pairs, num_videos),
            ("num_test_pairs", num_test_pairs, num_test_videos),
        ):
            if pairs > videos * (videos - 1) // 2:
                raise ValueError(
                    f"{name} must be at most the {videos * (videos - 1) // 2} pairs there are, got {pairs}"
                )
        streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4)]
        self._draw_world(streams[0], frame_dim)
        self._asr = asr
        self.pointwise = self._contest(num_pointwise, None, 0, streams[1])
        self.train = self._contest(num_videos, num_pairs, num_pointwise, streams[2])
        self.test = self._contest(num_test_videos, num_test_pairs, num_pointwise + num_videos, streams[3])

    @property
    def words(self) -> list[str]:
        """All words of titles and texts."""
        return [*(word for words in self._tag_words for word in words), *np.ravel(self._style_words), *self._fillers]

    def write(self, folder: str | Path) -> None:
        """Write the contest's files: ``pointwise``, ``pairwise`` and ``test`` as Parquet, ``label.tsv``, ``test_label.tsv``.

        Raises
        ------
        FileExistsError
            The folder exists.
        """
        path = Path(folder)
        path.mkdir(parents=True)
        for name, contest in (("pointwise", self.pointwise), ("pairwise", self.train), ("test", self.test)):
            write_videos(contest, path / f"{name}.parquet")
        for name, contest in (("label", self.train), ("test_label", self.test)):
            write_scores(contest, path / f"{name}.tsv")

    def oracle_vectors(self, contest: Contest) -> dict[str, NDArray[np.float64]]:
        """Return vectors of the videos without training but with the hidden truth, by name.

        Their cosines show the reachable quality of several inputs: raw mean frames, mean frames in the space of meaning,
        means without the distractors, only main frames, the title's tag (zeros for an empty title), each with the title, and
        the meaning itself. They are no strict bounds.

        Parameters
        ----------
        contest : Contest
            `train` or `test`.

        Returns
        -------
        dict of str to ndarray of float64, shape (num_videos, dim)
        """
        videos, hidden = contest.videos, contest.hidden
        assert videos.frames is not None
        assert videos.title is not None
        frames = videos.frames.values.astype(np.float64)
        content = frames @ self._content_map.T
        video = np.repeat(np.arange(videos.num_videos), videos.frames.counts)

        def mean(values: NDArray[np.float64], keep: NDArray[np.bool_]) -> NDArray[np.float64]:
            total = np.zeros((videos.num_videos, values.shape[1]))
            np.add.at(total, video[keep], values[keep])
            return _unit(total)

        every = np.ones(len(video), dtype=np.bool_)
        told = np.array([bool(text) for text in videos.title])
        title = self.tag_vectors[hidden.tau] * told[:, None]
        seen = {
            "mean": mean(content, every),
            "no distractors": mean(content, hidden.frame_kind != 2),
            "main": mean(content, hidden.frame_kind == 0),
        }
        both = {f"{name} + title": _unit(vectors + _TAU_WEIGHT * title) for name, vectors in seen.items()}
        return {"raw mean": mean(frames, every), **seen, "title": title, **both, "meaning": hidden.meaning}

    def _draw_world(self, rng: np.random.Generator, frame_dim: int) -> None:
        centres = _unit(rng.normal(size=(_CATEGORIES, MEANING_DIM)))
        own = _unit(rng.normal(size=(_NUM_TAGS, MEANING_DIM)))
        self.tag_vectors = _unit(0.7 * np.repeat(centres, _TAGS_EACH, axis=0) + 0.7 * own)
        self._distractors = _DISTRACTOR_SIZE * _unit(rng.normal(size=(_DISTRACTORS, MEANING_DIM)))
        styles = _STYLE_SIZE * _unit(rng.normal(size=(_STYLES + _DISTRACTOR_STYLES, _STYLE_DIM)))
        width = MEANING_DIM + _STYLE_DIM
        maps = np.linalg.qr(rng.normal(size=(frame_dim, width)))[0].T  # orthonormal rows
        self._content_map = maps[:MEANING_DIM]
        self._styles = styles @ maps[MEANING_DIM:]
        self._tag_words = [[f"topic{tag}{letter}" for letter in "abcd"] for tag in range(_NUM_TAGS)]
        self._style_words = [[f"style{style}{letter}" for letter in "ab"] for style in range(_STYLES)]
        self._fillers = [f"filler{number}" for number in range(_FILLERS)]

    def _contest(self, num_videos: int, num_pairs: int | None, first_id: int, rng: np.random.Generator) -> Contest:
        category = rng.integers(0, _CATEGORIES, num_videos)
        tags = category[:, None] * _TAGS_EACH + _distinct(num_videos, _TAGS_EACH, 3, rng)
        main, tau = tags[:, :2], tags[:, 2]
        main_style = rng.integers(0, _STYLES, num_videos)
        frames, kind = self._frames(main, category, main_style, rng)
        kept = rng.random(tags.shape) >= 0.1
        videos = VideoRecords(
            pd.Index([f"v{first_id + row:06d}" for row in range(num_videos)], dtype=object),
            frames,
            self._titles(tau, main_style, rng),
            self._texts(main, rng) if self._asr else None,
            IdLists.from_lists([row[keep].tolist() for row, keep in zip(tags, kept)]),
            IdLists.from_lists((100 * (100 + category) + rng.integers(0, 100, num_videos))[:, None].tolist()),
        )
        vectors = self.tag_vectors
        meaning = _unit(_unit(vectors[main].mean(axis=1)) + _TAU_WEIGHT * vectors[tau])
        pairs = None if num_pairs is None else _pairs(category, tags, meaning, num_pairs, rng)
        return Contest(videos, pairs, HiddenVideos(main, tau, main_style, meaning, kind))

    def _frames(
        self,
        main: NDArray[np.int64],
        category: NDArray[np.int64],
        main_style: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> tuple[FrameStore, NDArray[np.int8]]:
        num_videos = len(main)
        other = (category + rng.integers(1, _CATEGORIES, num_videos)) % _CATEGORIES
        background = other[:, None] * _TAGS_EACH + _distinct(num_videos, _TAGS_EACH, 2, rng)
        background_style = (main_style + rng.integers(1, _STYLES, num_videos)) % _STYLES
        distractors = _distinct(num_videos, _DISTRACTORS, 2, rng)
        counts = rng.integers(_MIN_FRAMES, _MAX_FRAMES + 1, num_videos)
        share = rng.uniform(0.1, 0.6, num_videos)

        video = np.repeat(np.arange(num_videos), counts)
        distracts = rng.random(len(video)) < share[video]
        is_main = rng.random(len(video)) < 0.55
        kind = np.where(distracts, 2, np.where(is_main, 0, 1)).astype(np.int8)
        which = rng.integers(0, 2, len(video))
        choices = [kind == 0, kind == 1]
        tag = np.where(choices[0], main[video, which], background[video, which])
        meaning = np.where(distracts[:, None], self._distractors[distractors[video, which]], self.tag_vectors[tag])
        of_distractor = _STYLES + rng.integers(0, _DISTRACTOR_STYLES, len(video))
        style = np.select(choices, [main_style[video], background_style[video]], of_distractor)
        values = meaning @ self._content_map + self._styles[style]
        values += _NOISE * rng.normal(size=values.shape)
        return FrameStore(values.astype(np.float16), np.concatenate([[0], np.cumsum(counts)])), kind

    def _titles(self, tau: NDArray[np.int64], main_style: NDArray[np.int64], rng: np.random.Generator) -> list[str]:
        words = [
            np.asarray(self._tag_words)[tau[:, None], _distinct(len(tau), 4, 2, rng)],
            np.asarray(self._style_words)[main_style, rng.integers(0, 2, len(tau))][:, None],
            np.asarray(self._fillers)[_distinct(len(tau), _FILLERS, 3, rng)],
        ]
        told = rng.random(len(tau)) >= 0.08
        shuffled = rng.permuted(np.concatenate([column.astype(object) for column in words], axis=1), axis=1)
        return [" ".join(row) if keep else "" for row, keep in zip(shuffled, told)]

    def _texts(self, main: NDArray[np.int64], rng: np.random.Generator) -> list[str]:
        of_tags = np.asarray(self._tag_words)[main, rng.integers(0, 4, main.shape)].astype(object)
        said = np.concatenate([rng.random(main.shape) < 0.5, np.ones((len(main), 5), dtype=np.bool_)], axis=1)
        fillers = np.asarray(self._fillers)[rng.integers(0, _FILLERS, (len(main), 5))].astype(object)
        words = np.where(said, np.concatenate([of_tags, fillers], axis=1), "")
        return [" ".join(filter(None, row)) for row in rng.permuted(words, axis=1)]


def _distinct(num_rows: int, count: int, taken: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``taken`` distinct numbers below ``count`` for each row."""
    return rng.permuted(np.tile(np.arange(count), (num_rows, 1)), axis=1)[:, :taken]


def _pairs(
    category: NDArray[np.int64],
    tags: NDArray[np.int64],
    meaning: NDArray[np.float64],
    num_pairs: int,
    rng: np.random.Generator,
) -> ScoredPairs:
    """Draw distinct pairs: half at random, 30 % within a category, 20 % with a common tag, if there are enough."""
    query, candidate = np.triu_indices(len(category), k=1)
    same = category[query] == category[candidate]
    shared = (tags[query][:, :, None] == tags[candidate][:, None, :]).any(axis=(1, 2))
    taken = np.zeros(len(query), dtype=np.bool_)
    wanted = round(0.2 * num_pairs), round(0.3 * num_pairs)
    for group, count in ((shared, wanted[0]), (same, wanted[1])):
        rows = np.flatnonzero(group & ~taken)
        taken[rng.choice(rows, min(count, len(rows)), replace=False)] = True
    rest = np.flatnonzero(~taken)
    taken[rng.choice(rest, num_pairs - int(taken.sum()), replace=False)] = True
    rows = rng.permutation(np.flatnonzero(taken))
    flip = rng.random(num_pairs) < 0.5
    first, second = np.where(flip, candidate[rows], query[rows]), np.where(flip, query[rows], candidate[rows])
    cosine = (meaning[first] * meaning[second]).sum(axis=1)
    score = 0.2 + 0.75 * np.maximum(cosine, 0) ** 2 + 0.1 * np.minimum(cosine, 0) + 0.05 * rng.normal(size=num_pairs)
    return ScoredPairs(first, second, np.round(np.clip(score, 0, 1) * 20) / 20)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return unit
