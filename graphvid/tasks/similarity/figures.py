"""Figures of the task similarity: agreement of cosines with scores, for a model and for baselines without training."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from graphvid.data import ScoredPairs, VideoRecords
from graphvid.metrics import bootstrap_spearman, resampled_spearman, spearman
from graphvid.models.towers import pair_cosines
from graphvid.runs import Verdict

from .source import SimilarityData

_RESAMPLES = 1000
_LEVELS = 20  # of scores in the contest, and bins of 1 / 20 for others


def judge(cosine: NDArray[np.float64], pairs: ScoredPairs) -> dict[str, Any]:  # Any: JSON values
    """Return Spearman's correlation with its interval and, for every level of the score, the spread of the cosines.

    NaN becomes None: if all scores or all cosines are equal, there is no order.
    """
    found = bootstrap_spearman(pairs.score, cosine, num_resamples=_RESAMPLES)
    level = np.round(pairs.score * _LEVELS).astype(np.int64)
    return {
        **{name: number(value) for name, value in found._asdict().items() if name != "num_pairs"},
        "num_pairs": found.num_pairs,
        "levels": [
            {
                "score": int(value) / _LEVELS,
                "num_pairs": int((level == value).sum()),
                **dict(zip(("low", "median", "high"), np.quantile(cosine[level == value], [0.1, 0.5, 0.9]).tolist())),
            }
            for value in np.unique(level)
        ],
    }


def number(value: float) -> float | None:
    """Return a number for JSON, None for NaN."""
    return None if math.isnan(value) else float(value)


def compare(cosines: Mapping[str, NDArray[np.float64]], model: str, pairs: ScoredPairs) -> Verdict | None:
    """Compare a model with the best baseline on the same bootstrap draws of the pairs; None if neither has an order."""
    figures = {name: spearman(pairs.score, cosine) for name, cosine in cosines.items()}
    others = [name for name in figures if name != model and not math.isnan(figures[name])]
    if not others or math.isnan(figures[model]):
        return None
    best = max(others, key=figures.__getitem__)
    first, second = (resampled_spearman(pairs.score, cosines[name], num_resamples=_RESAMPLES) for name in (model, best))
    return Verdict("Spearman", model, best, figures[model], figures[best], float(np.nanstd(first - second, ddof=1)))


def cosines_of_unseen(
    data: SimilarityData, vectors: Mapping[str, NDArray[np.float32]], validation: ScoredPairs | None
) -> Iterator[tuple[str, VideoRecords, ScoredPairs, dict[str, NDArray[np.float64]]]]:
    """Yield validation and test pairs, if there are any, with the cosines of the tower and of the baselines.

    Parameters
    ----------
    data : SimilarityData
    vectors : dict of str to ndarray
        Vectors of the tower, of ``data.videos`` under ``"videos"`` and of ``data.test`` under ``"test"``.
    validation : ScoredPairs, optional
        Rows of ``data.videos``.

    Yields
    ------
    tuple of str, VideoRecords, ScoredPairs and dict of str to ndarray
        The name of the split, its videos, its pairs, and cosines by method.
    """
    kinds = ("validation", data.videos, "videos", validation), ("test", data.test, "test", data.test_pairs)
    for split, table, name, pairs in kinds:
        if pairs is not None and table is not None:
            yield split, table, pairs, {"twin tower": pair_cosines(vectors[name], pairs), **baselines(table, pairs)}


def baselines(videos: VideoRecords, pairs: ScoredPairs) -> dict[str, NDArray[np.float64]]:
    """Return the cosines of baselines without training: mean frames, and words of titles weighted by TF-IDF."""
    found = {}
    if videos.frames is not None:
        found["mean frames"] = pair_cosines(_mean_frames(videos), pairs)
    assert videos.title is not None
    if any(videos.title):
        words = title_words(videos.title)
        cosine = words[pairs.query].multiply(words[pairs.candidate]).sum(axis=1)
        found["titles, TF-IDF"] = np.asarray(cosine, dtype=np.float64)
    return found


def title_words(titles: Sequence[str]) -> csr_array:
    """Return unit rows of words weighted by ``tf * (log((1 + n) / (1 + df)) + 1)``, as scikit-learn does by default.

    Words are runs of at least two letters and digits, in lower case.
    """
    counts = [Counter(re.findall(r"(?u)\b\w\w+\b", title.lower())) for title in titles]
    columns = {word: at for at, word in enumerate(sorted({word for count in counts for word in count}))}
    row = [row for row, count in enumerate(counts) for _ in count]
    column = [columns[word] for count in counts for word in count]
    value = [float(times) for count in counts for times in count.values()]
    table = csr_array((value, (row, column)), shape=(len(titles), max(1, len(columns))))
    documents = np.bincount(column, minlength=table.shape[1])
    weighted = table @ diags_array(np.log((1 + len(titles)) / (1 + documents)) + 1)
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)))
    return csr_array(diags_array(np.divide(1, length, out=np.zeros_like(length), where=length > 0)) @ weighted)


def _mean_frames(videos: VideoRecords) -> NDArray[np.float32]:
    """Return unit vectors of the mean of all frames of each video; zeros for a video without frames."""
    store = videos.frames
    assert store is not None
    means = np.zeros((videos.num_videos, store.dim), dtype=np.float32)
    for video in np.flatnonzero(store.counts):
        frames = store.values[store.indptr[video] : store.indptr[video + 1]].astype(np.float32)
        mean = frames.mean(axis=0)
        means[video] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return means
