"""Pairs of videos with scores of people: their reader for the QQ Browser 2021 contest's form, and their folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_integer
from graphvid.data._files import with_path
from graphvid.data._ids import look_up, name_some

FoldBy = Literal["video", "row", "id"]


class ScoredPairs(NamedTuple):
    """Pairs of videos with similarity scores of people.

    Parameters
    ----------
    query, candidate : ndarray of int64, shape (num_pairs,)
        Rows of the videos.
    score : ndarray of float64, shape (num_pairs,)
        In [0, 1]; the contest's has 21 levels.
    """

    query: NDArray[np.int64]
    candidate: NDArray[np.int64]
    score: NDArray[np.float64]

    @property
    def num_pairs(self) -> int:
        """Number of pairs."""
        return len(self.score)

    @classmethod
    def from_ids(cls, query: Any, candidate: Any, score: ArrayLike, ids: pd.Index) -> ScoredPairs:
        """Make the pairs from ids of videos.

        Raises
        ------
        ValueError
            No pair, an id that is not among ``ids`` (names some), columns of unequal length, a score that is NaN or
            outside [0, 1] (with its row).
        """
        ends = [
            look_up(values, ids, name, "the videos") for name, values in (("query", query), ("candidate", candidate))
        ]
        scores = np.asarray(score, dtype=np.float64)
        if not len(scores) or not len(ends[0]) == len(ends[1]) == len(scores):
            raise ValueError(
                f"query, candidate and score must have equal lengths >= 1, got {len(ends[0])}, {len(ends[1])} and {len(scores)}"
            )
        wrong = ~((scores >= 0) & (scores <= 1))
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(f"score must be in [0, 1] in every row, got {scores[row]} in row {row}")
        return cls(ends[0], ends[1], scores)

    def select(self, rows: NDArray[np.int64]) -> ScoredPairs:
        """Return some of the pairs."""
        return ScoredPairs(self.query[rows], self.candidate[rows], self.score[rows])


def read_scored_pairs(path: str | Path, ids: pd.Index) -> ScoredPairs:
    """Read the contest's ``label.tsv``: query id, candidate id and score, separated by tabs, without a header.

    Parameters
    ----------
    path : path-like
        The file.
    ids : pandas.Index
        Ids of the videos, as in `VideoRecords.ids`: integers or text.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        A line with another number of fields or a score that is no number, and all that `ScoredPairs.from_ids` refuses;
        names the file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected scored pairs as tab-separated text")
    ends: tuple[list[Any], list[Any]] = ([], [])
    scores = []
    whole = ids.dtype == np.int64
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            fields = line.split("\t")
            try:
                query, candidate, score = fields
                scores.append(float(score))
                for column, value in zip(ends, (query, candidate)):
                    column.append(int(value) if whole else value)
            except ValueError:
                kind = "integer ids" if whole else "ids"
                raise ValueError(f"line {number} must be two {kind} and a score with tabs, got {line!r}") from None
        return ScoredPairs.from_ids(*ends, scores, ids)
    except ValueError as error:
        raise with_path(error, path) from None


class PairFold(NamedTuple):
    """A fold: the pairs for training and for validation.

    Parameters
    ----------
    train, validation : ndarray of int64
        Rows of the pairs, ascending.
    dropped : int
        Number of pairs in neither, because only one end is a validation video.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    dropped: int


def split_pairs(
    pairs: ScoredPairs, ids: pd.Index, *, num_folds: int = 5, fold: int = 0, by: FoldBy = "video", seed: int = 0
) -> PairFold:
    """Return the split of the pairs in which one fold is for validation.

    Parameters
    ----------
    pairs : ScoredPairs
    ids : pandas.Index
        Ids of the videos.
    num_folds : int, default 5
        At least 2.
    fold : int, default 0
        The validation fold, in [0, num_folds).
    by : {"video", "row", "id"}, default "video"
        - ``"video"``: videos are shuffled into folds. A validation pair has both ends in the fold, a training pair
          none: training has no validation video. Pairs with one end in the fold are dropped and counted.
        - ``"row"``: pairs are shuffled into folds, as the rank-11 team did; a video may be on both sides.
        - ``"id"``: a validation pair has two ids with remainder ``fold`` when divided by ``num_folds``; all others are for
          training, as the rank-1 team did with 5 and 0. A video may be on both sides. Ids must be integers or their text.
    seed : int, default 0
        Seed of the shuffles.

    Returns
    -------
    PairFold

    Raises
    ------
    ValueError
        A number out of its range, another ``by``, fewer pairs (or videos with pairs) than folds, ids that are no
        integers, a fold without a training or without a validation pair.

    References
    ----------
    Solutions of ranks 1 and 11 of the QQ Browser 2021 AI contest, track 1.

    Examples
    --------
    >>> pairs = ScoredPairs(np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([0.1, 0.5, 0.9]))
    >>> split_pairs(pairs, pd.Index([3, 6, 7]), num_folds=3, by="id")
    PairFold(train=array([1, 2]), validation=array([0]), dropped=0)
    """
    check_integer("num_folds", num_folds, 2)
    check_integer("fold", fold, 0)
    check_integer("seed", seed, 0)
    if fold >= num_folds:
        raise ValueError(f"fold must be in [0, {num_folds}), got {fold}")
    if by not in get_args(FoldBy):
        raise ValueError(f"by must be one of {list(get_args(FoldBy))}, got {by!r}")
    if pairs.num_pairs < num_folds:
        raise ValueError(f"num_folds must be at most the {pairs.num_pairs} pairs, got {num_folds}")
    rng = np.random.default_rng(seed)
    if by == "row":
        validates = _deal(pairs.num_pairs, num_folds, rng) == fold
        straddles = np.zeros_like(validates)
    else:
        if by == "video":
            videos = np.unique(np.concatenate([pairs.query, pairs.candidate]))
            fold_of = np.full(len(ids), -1)
            fold_of[videos] = _deal(len(videos), num_folds, rng)
        else:
            fold_of = _integer_ids(ids) % num_folds
        inside = fold_of[pairs.query] == fold, fold_of[pairs.candidate] == fold
        validates = inside[0] & inside[1]
        straddles = inside[0] ^ inside[1] if by == "video" else np.zeros_like(validates)
    found = PairFold(np.flatnonzero(~validates & ~straddles), np.flatnonzero(validates), int(straddles.sum()))
    if not len(found.train) or not len(found.validation):
        raise ValueError(
            f"a fold must have pairs to train and to validate, got {len(found.train)} and {len(found.validation)} of "
            f"{pairs.num_pairs} with num_folds={num_folds}, fold={fold}, by={by!r}"
        )
    return found


def _deal(count: int, num_folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a random fold of about equal size for each of ``count`` items."""
    return rng.permutation(np.arange(count) % num_folds)


def _integer_ids(ids: pd.Index) -> NDArray[np.int64]:
    try:
        return np.asarray([int(value) for value in ids], dtype=np.int64)
    except (TypeError, ValueError):
        raise ValueError(f"ids must be integers for folds by id, got {name_some(ids[:1])}") from None
