"""Shared parts of the benchmarks of codes: data sets and their splits, training, and figures on validation and test queries."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks._table import MeasuredRow
from benchmarks._training import fit
from graphvid.metrics import code_usage, mean_average_precision, top_k_overlap
from graphvid.models.quantizers import (
    ContrastiveQuantization,
    ContrastiveQuantizationConfig,
    PyramidHybridPoolingQuantization,
    PyramidQuantizationConfig,
    Quantization,
)
from graphvid.nn import ProductQuantizer

Floats = NDArray[np.float32]
METRICS = ("map", "overlap", "validation_map", "validation_overlap", "dead_share")


@dataclass(frozen=True)
class Problem:
    """Items with a split.

    Parameters
    ----------
    features : ndarray, shape (num_items, dim)
        What an exact search compares, by cosine.
    labels : ndarray of int64, shape (num_items,), or None
    database, queries : ndarray of int64
        Rows.
    validation : ndarray of int64
        Rows of the database that the model is not trained on: options are chosen by them.
    """

    features: Floats
    labels: NDArray[np.int64] | None
    database: NDArray[np.int64]
    queries: NDArray[np.int64]
    validation: NDArray[np.int64]

    @property
    def training(self) -> NDArray[np.int64]:
        """Rows that models learn from."""
        return self.database[~np.isin(self.database, self.validation)]


Load = Callable[[int, str | None], Problem]
Build = Callable[[Problem, Any], Quantization]  # Any: the options of the model


def read(data_dir: str | None, *parts: str) -> Mapping[str, NDArray[Any]]:
    """Open an archive of the data folder, ``--data-dir`` or GRAPHVID_DATA."""
    folder = data_dir or os.environ.get("GRAPHVID_DATA")
    if folder is None:
        raise FileNotFoundError("give the folder of the data sets by --data-dir or the variable GRAPHVID_DATA")
    return dict(np.load(Path(folder).joinpath(*parts), allow_pickle=False))


def unit(x: Floats) -> Floats:
    """Scale rows to unit length."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.float32(1e-12))


def standardize(x: Floats) -> Floats:
    """Scale columns to mean 0 and deviation 1."""
    return (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), np.float32(1e-12))


Scorer = Callable[[NDArray[np.int64], NDArray[np.int64]], Floats]


def judged(problem: Problem, scores: Scorer) -> dict[str, float | None]:
    """Judge scores of test queries against the database, and of validation items against the training items."""
    found: dict[str, float | None] = dict.fromkeys(METRICS)
    for prefix, asked, base in (
        ("", problem.queries, problem.database),
        ("validation_", problem.validation, problem.training),
    ):
        order = np.argsort(-scores(asked, base), axis=1, kind="stable")
        unit_rows = unit(problem.features)
        truth = np.argsort(-(unit_rows[asked] @ unit_rows[base].T), axis=1, kind="stable")
        found[f"{prefix}overlap"] = float(top_k_overlap(order[:, :10], truth[:, :10]).mean())
        if problem.labels is not None:
            relevant = problem.labels[asked][:, None] == problem.labels[base][order]
            found[f"{prefix}map"] = mean_average_precision(relevant, relevant.sum(axis=1)).value
    return found


@dataclass(frozen=True)
class Exact:
    """An exact search of the features by cosine."""

    load: Load

    def __call__(self, seed: int, data_dir: str | None) -> dict[str, float | None]:
        """Measure."""
        problem = self.load(seed, data_dir)
        rows = unit(problem.features)
        return judged(problem, lambda asked, base: rows[asked] @ rows[base].T)


@dataclass(frozen=True)
class Faiss:
    """Codes of FAISS, trained on the base that is searched; ranked by the distance of queries to codewords."""

    load: Load
    index: str  # "PQ2x8", "OPQ8,PQ8x8", "LSQ8x8", "RQ8x8" of faiss.index_factory

    def __call__(self, seed: int, data_dir: str | None) -> dict[str, float | None]:
        """Measure."""
        import faiss

        problem = self.load(seed, data_dir)
        rows = np.ascontiguousarray(unit(problem.features))
        missing = -rows.shape[1] % int(self.index.split("x")[0].rsplit("Q", 1)[1])
        rows = np.ascontiguousarray(np.pad(rows, ((0, 0), (0, missing))))

        def scores(asked: NDArray[np.int64], base: NDArray[np.int64]) -> Floats:
            index = faiss.index_factory(rows.shape[1], self.index)
            index.train(rows[base])
            index.add(rows[base])
            decoded = index.sa_decode(index.sa_encode(rows[base]))
            return np.asarray(2 * rows[asked] @ decoded.T - np.square(decoded).sum(axis=1), np.float32)

        return judged(problem, scores)


@dataclass(frozen=True)
class TiledResidual:
    r"""Residual codes of FAISS in the form that an IndexPQ holds: the query M times, each time with a 1 behind it.

    A codeword of a residual code has all columns, so an IndexPQ of M times as many columns has the scores
    :math:`\sum_m \langle q, c_m \rangle + \beta_m`. The biases fit minus half the
    squared length of the sum.
    """

    load: Load
    num_codebooks: int

    def __call__(self, seed: int, data_dir: str | None) -> dict[str, float | None]:
        """Measure."""
        import faiss

        problem, count = self.load(seed, data_dir), self.num_codebooks
        rows = np.ascontiguousarray(unit(problem.features))
        dim = rows.shape[1]

        def scores(asked: NDArray[np.int64], base: NDArray[np.int64]) -> Floats:
            residual = faiss.ResidualQuantizer(dim, count, 8)
            residual.train(rows[base])
            codes = residual.compute_codes(rows[base])
            books = faiss.vector_to_array(residual.codebooks).reshape(count, 256, dim)
            length = -np.square(residual.decode(codes)).sum(axis=1) / 2
            one_hot = np.concatenate([np.eye(256, dtype=np.float32)[codes[:, m]] for m in range(count)], axis=1)
            ridge = one_hot.T @ one_hot + 1e-3 * np.eye(256 * count, dtype=np.float32)
            bias = np.linalg.solve(ridge, one_hot.T @ (length - length.mean())).reshape(count, 256, 1)
            index = faiss.IndexPQ(count * (dim + 1), count, 8, faiss.METRIC_INNER_PRODUCT)
            centroids = np.concatenate([books, bias], axis=2).astype(np.float32)
            faiss.copy_array_to_vector(centroids.ravel(), index.pq.centroids)
            index.is_trained = True
            index.add_sa_codes(codes)
            queries = np.tile(np.pad(rows[asked], ((0, 0), (0, 1)), constant_values=1), count)
            values, ids = index.search(np.ascontiguousarray(queries), len(base))
            found = np.empty_like(values)
            np.put_along_axis(found, ids, values, axis=1)
            return found

        return judged(problem, scores)


@dataclass(frozen=True)
class Untrained:
    """Random unit codebooks and no training."""

    load: Load
    num_codebooks: int

    def __call__(self, seed: int, data_dir: str | None) -> dict[str, float | None]:
        """Measure."""
        problem = self.load(seed, data_dir)
        torch.manual_seed(seed)
        quantizer, x = (
            ProductQuantizer(problem.features.shape[1], self.num_codebooks),
            torch.from_numpy(problem.features),
        )
        decoded = quantizer.decode(quantizer.encode(x)).detach().numpy()
        return judged(problem, lambda asked, base: problem.features[asked] @ decoded[base].T)


@dataclass(frozen=True)
class Trained:
    """A model of codes, trained on the database but for the validation items.

    Parameters
    ----------
    load, build : callable
        The problem, and the model of its training rows.
    embed : callable
        The vectors of all items.
    config : record
        Options.
    distance : bool
        Rank by the distance of queries to codewords, not by the product.
    """

    load: Load
    build: Build
    embed: Callable[[Any, Problem], Floats]
    config: Any
    distance: bool = False

    def __call__(self, seed: int, data_dir: str | None) -> dict[str, Any]:
        """Measure."""
        problem, config = self.load(seed, data_dir), dataclasses.replace(self.config, seed=seed)
        model = self.build(problem, config)
        fit(model)
        model.eval()
        vectors = self.embed(model, problem)
        codes = model.to_codes(vectors)
        decoded = model.quantizer.decode(torch.from_numpy(codes.astype(np.int64))).detach().numpy()
        penalty = np.square(decoded).sum(axis=1) / 2 if self.distance else np.zeros(len(decoded), np.float32)
        found = judged(problem, lambda asked, base: vectors[asked] @ decoded[base].T - penalty[base])
        usage = code_usage(codes[problem.database], config.num_codewords)
        return {**found, "dead_share": float(usage.dead_share.mean()), "perplexity": usage.perplexity.tolist()}


def contrastive(load: Load, config: ContrastiveQuantizationConfig, *, distance: bool = False) -> Trained:
    """Give the measure of MeCoQ on the features."""
    return Trained(
        load,
        lambda problem, options: ContrastiveQuantization({"features": problem.features[problem.training]}, options),
        lambda model, problem: model.embed({"features": problem.features}),
        config,
        distance,
    )


def pyramid(
    load: Load,
    config: PyramidQuantizationConfig,
    levels: Callable[[Floats], list[torch.Tensor]],
    backbone: Callable[[int], torch.nn.Module] | None = None,
) -> Trained:
    """Give the measure of the PHPQ-style model with labels; ``backbone`` makes a network from a seed."""

    def build(problem: Problem, options: PyramidQuantizationConfig) -> PyramidHybridPoolingQuantization:
        assert problem.labels is not None
        return PyramidHybridPoolingQuantization(
            levels(problem.features[problem.training]),
            options,
            labels=problem.labels[problem.training],
            backbone=None if backbone is None else backbone(options.seed),
        )

    return Trained(load, build, lambda model, problem: model.embed(levels(problem.features)), config)


def row(name: str, measure: Any, description: str = "") -> MeasuredRow:
    """Give a row of a table with the options of its measure beside it."""
    config = measure.config.to_dict() if isinstance(measure, Trained) else {}
    if isinstance(measure, Faiss):
        config = {"index": measure.index}
    return MeasuredRow(name, measure, description, config, reference=isinstance(measure, Exact))


def digits(seed: int, data_dir: str | None) -> Problem:
    """Give scikit-learn's digits, pixels at unit length: 200 queries by a seed-0 permutation, 200 of the rest validate."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.data))
    pixels = unit(data.data.astype(np.float32))
    return Problem(pixels, data.target.astype(np.int64), order[200:], order[:200], order[200:400])


def ccv(seed: int, data_dir: str | None) -> Problem:
    """Give CCV, three views standardised and joined: 1,000 queries and 1,000 validation items by a seed-0 permutation."""
    data = read(data_dir, "retrieval_features", "ccv.npz")
    joined = np.concatenate([standardize(data[name]) for name in sorted(data) if name.startswith("view")], axis=1)
    order = np.random.default_rng(0).permutation(len(joined))
    return Problem(joined, data["labels"].astype(np.int64), order[1000:], order[:1000], order[1000:2000])


def cub(seed: int, data_dir: str | None) -> Problem:
    """Give the images of CUB-10: the ``seed``-th of five stratified half splits; a fifth of the database validates."""
    data = read(data_dir, "retrieval_features", "cub10.npz")
    labels = data["labels"].astype(np.int64)
    (view,) = (data[name] for name in sorted(data) if name.startswith("view") and data[name].shape[1] == 1024)
    rng, parts = np.random.default_rng(seed), {"queries": [], "validation": [], "database": []}  # type: Any, Any
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        half = len(rows) // 2
        parts["queries"] += [rows[:half]]
        parts["database"] += [rows[half:]]
        parts["validation"] += [rows[half : half + math.ceil((len(rows) - half) / 5)]]
    rows = {name: np.concatenate(found) for name, found in parts.items()}
    return Problem(standardize(view.astype(np.float32)), labels, rows["database"], rows["queries"], rows["validation"])


def tiktok(seed: int, data_dir: str | None) -> Problem:
    """Give the images of TikTok at unit length: 500 queries by a seed-0 permutation, the next 500 validate."""
    image = unit(read(data_dir, "tiktok", "features.npz")["image"].astype(np.float32))
    order = np.random.default_rng(0).permutation(len(image))
    return Problem(image, None, order[500:], order[:500], order[500:1000])
