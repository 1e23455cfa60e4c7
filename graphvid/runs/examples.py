"""Examples for the report of a run: neighbours of a few items, and a map of the vectors in two dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphvid.retrieval import VectorIndex

from .directory import RunDirectory
from .figures import vector_map
from .report import Plot, Section, Table
from .vectors import VECTORS, read_vectors

_NUM_QUERIES, _TOP_K, _MOST_POINTS = 5, 5, 1000


def examples(run: RunDirectory) -> list[Section]:
    """Return a section with examples of the vectors of a run; None without vectors or with fewer than three.

    Parameters
    ----------
    run : RunDirectory
        A run that has written its vectors.

    Notes
    -----
    O(num_items * dim) time. The items are drawn with a fixed seed.
    """
    if not (run.path / VECTORS).exists():
        return []
    learnt = read_vectors(run)
    vectors, ids = learnt.modalities["embedding"], learnt.ids.to_numpy()
    if len(ids) < 3 or not np.isfinite(vectors).all():
        return []
    rng = np.random.default_rng(0)
    queries = np.sort(rng.choice(len(ids), min(_NUM_QUERIES, len(ids)), replace=False))
    near, similarity = _nearest(vectors, queries)
    places = [f"{place + 1}" for place in range(near.shape[1])]
    rows = [
        [f"{ids[query]}", *(f"{ids[row]} ({value:.2f})" for row, value in zip(near[i], similarity[i], strict=True))]
        for i, query in enumerate(queries)
    ]
    others = rng.permutation(len(ids))[:_MOST_POINTS]
    flat, share = _flatten(vectors, np.concatenate([others, queries, near.ravel()]))
    named = {f"{ids[query]}": flat[np.concatenate([[query], near[i]])] for i, query in enumerate(queries)}
    caption = (
        f"{len(others):,} vectors along their two directions of most variance, which have {share:.0%} of it: what is near in "
        "the picture may be far apart. In colour, the items of the table, each with its nearest."
    )
    text = "A few items drawn at random, with the nearest others and the cosines."
    plot = Plot(vector_map(flat[others], named), caption)
    return [Section("What is near what?", text, Table(["item", *places], rows), [plot])]


def _nearest(vectors: NDArray[np.float32], queries: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows nearest to some rows, without themselves, and their cosines."""
    width = min(_TOP_K, len(vectors) - 1)
    found = VectorIndex(vectors, np.arange(len(vectors))).search(vectors[queries], width + 1)
    others = found.ids != queries[:, None]
    others[others.all(axis=1), -1] = False  # ties may exclude the row itself
    shape = len(queries), width
    return found.ids[others].reshape(shape).astype(np.int64), found.scores[others].reshape(shape)


def _flatten(vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """Return all vectors projected to the two principal directions of some rows, and their share of the variance."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    centred = unit.astype(np.float64) - unit[rows].mean(axis=0)
    values, directions = np.linalg.eigh(np.cov(centred[rows], rowvar=False).reshape(vectors.shape[1], -1))
    axes = directions[:, ::-1][:, :2]
    axes = axes * np.sign(
        axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    )  # fix the sign, which otherwise depends on LAPACK
    flat = np.zeros((len(vectors), 2))
    flat[:, : axes.shape[1]] = centred @ axes
    return flat, float(values[::-1][:2].sum() / max(values.sum(), 1e-12))
