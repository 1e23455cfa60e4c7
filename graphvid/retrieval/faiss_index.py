"""A FAISS index with the ids of its items, with the search and files of the other indices."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_choice
from graphvid._faiss import import_faiss
from graphvid.retrieval import _faiss_files
from graphvid.retrieval._codes import QUERY_NORMS, normalize
from graphvid.retrieval._ids import as_ids
from graphvid.retrieval._search import Exclusions, check_top_k, find_exclusions
from graphvid.retrieval._vectors import as_vectors, unit_rows
from graphvid.retrieval.code_index import CodeIndex
from graphvid.retrieval.result import SearchResult
from graphvid.retrieval.vector_index import METRICS, Metric

Kind = Literal["flat", "hnsw", "pq", "ivfpq", "fastscan"]

KINDS: tuple[Kind, ...] = get_args(Kind)

_RESULTS = 1 << 22  # positions requested at a time


class FaissIndex:
    """A FAISS index with the ids of its items, searched like the other indices; `to_faiss` and `from_faiss` make it.

    Parameters
    ----------
    index : faiss.Index
        By inner product, its items numbered 0 to num_items - 1.
    ids : array_like of int or str, shape (num_items,)
        Id of each item, ascending.
    kind : {"flat", "hnsw", "pq", "ivfpq", "fastscan"}
        Kind of ``index``.
    metric : {"cosine", "dot"}, default "cosine"
        With "cosine", queries are scaled to length 1; the items must already have length 1.
    query_norm : {"none", "sub", "full"}, default "none"
        Further scaling of queries; see `CodeIndex`.
    options : mapping of str to int, optional
        Options of its construction, for the side-car.
    origin : str, optional
        `fingerprint` of its vectors; a search with a run checks it.

    Attributes
    ----------
    index, ids, kind, metric, query_norm, options, origin
        As given. ``index`` may be changed, for example ``index.index.nprobe = 64``.

    Raises
    ------
    TypeError, ValueError
        Ids that do not fit, are not ascending or are of another kind; an index that is not by inner product; an unknown
        ``kind``, ``metric`` or ``query_norm``.
    """

    def __init__(
        self,
        index: Any,
        ids: Any,
        kind: Kind,
        *,
        metric: Metric = "cosine",
        query_norm: str = "none",
        options: Mapping[str, int] | None = None,
        origin: str | None = None,
    ) -> None:
        # Any: faiss.Index; ids as in `as_ids`
        check_choice("kind", kind, KINDS)
        check_choice("metric", metric, METRICS)
        check_choice("query_norm", query_norm, QUERY_NORMS)
        self.index, self.ids, self.kind = index, as_ids("ids", ids), kind
        self.metric, self.query_norm, self.options, self.origin = metric, query_norm, dict(options or {}), origin
        if len(self.ids) != index.ntotal or not bool((self.ids[1:] > self.ids[:-1]).all()):
            raise ValueError(f"ids must be {index.ntotal} distinct ids in ascending order, got {len(self.ids)}")
        if index.metric_type != import_faiss().METRIC_INNER_PRODUCT:
            raise ValueError("index must be by inner product, got another metric")

    @property
    def num_items(self) -> int:
        """Number of items."""
        return len(self.ids)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.index.d)

    def search(
        self,
        queries: Any,
        top_k: int,
        *,
        exclude: Iterable[Any] | None = None,
        exclude_each: Sequence[Iterable[Any]] | None = None,
    ) -> SearchResult:
        """Return the items of the highest scores that the index finds for each query.

        The search requests the excluded items too and then drops them, so a query costs as much as one with ``top_k`` plus
        their number. If an ``ivfpq`` or ``hnsw`` index finds fewer than ``top_k`` items, the search repeats with twice the
        effort until it has them. FAISS breaks ties at the last place arbitrarily, and may round scores of more than 20
        queries at once differently. The result is ordered by score, then id.

        Parameters
        ----------
        queries, top_k, exclude, exclude_each
            As in `VectorIndex.search`.

        Returns
        -------
        SearchResult
            Ids, and scores in float32; those of ``"fastscan"`` are rounded more, because its tables have 8 bits.

        Raises
        ------
        TypeError, ValueError
            As in `VectorIndex.search`; an ``hnsw`` graph from which fewer than ``top_k`` items can be reached.
        """
        # Any: array_like or Tensor; ids as in `as_ids`
        asked = as_vectors("queries", queries, self.dim)
        left_out = find_exclusions(exclude, exclude_each, self.ids, len(asked))
        top_k = check_top_k(top_k, left_out, self.num_items)
        if self.metric == "cosine":
            asked = unit_rows(asked)
        if self.query_norm != "none":
            asked = normalize(asked, self.query_norm, self._num_codebooks())
        positions = np.empty((len(asked), top_k), np.int64)
        scores = np.empty((len(asked), top_k), np.float32)
        width = top_k + int(left_out.counts.max(initial=0))
        step = max(1, _RESULTS // width)
        for first in range(0, len(asked), step):
            some = slice(first, first + step)
            scores[some], positions[some] = self._search(asked[some], first, top_k, width, left_out)
        return SearchResult(self.ids[positions], scores)

    def to_codes(self) -> CodeIndex:
        """Return the codes and codebooks of an index of kind ``"pq"``, of the same ``origin``.

        Raises
        ------
        ValueError
            Another kind.
        """
        if self.kind != "pq":
            raise ValueError(f"kind must be 'pq' to be read as codes, got {self.kind!r}")
        faiss = import_faiss()
        pq = self.index.pq
        packed = faiss.vector_to_array(self.index.codes).reshape(self.num_items, -1)
        codes = faiss.unpack_bitstrings(packed, int(pq.M), int(pq.nbits))
        codebooks = faiss.vector_to_array(pq.centroids).reshape(pq.M, pq.ksub, pq.dsub)
        query_norm = "full" if self.metric == "cosine" else self.query_norm
        return CodeIndex(codes, codebooks, self.ids, query_norm=query_norm, origin=self.origin)  # type: ignore[arg-type] # checked

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``NAME.faiss``, its ids ``NAME.faiss.ids.parquet`` and the side-car ``NAME.faiss.json``.

        Each file is written completely or not at all, and the side-car has the checksums of the other two: `from_faiss`
        raises for files that do not belong together, for example after an interruption. FAISS itself reads ``NAME.faiss``;
        its item i is row i of the ids.

        Raises
        ------
        ValueError
            The suffix is not ``.faiss``.
        """
        about: dict[str, Any] = {
            "kind": self.kind,
            "metric": self.metric,
            "query_norm": self.query_norm,
            "dim": self.dim,
            "num_items": self.num_items,
            "options": self.options,
            "origin": self.origin,
        }
        _faiss_files.write(path, import_faiss(), self.index, self.ids, about)

    def _search(
        self, asked: NDArray[np.float32], first: int, top_k: int, width: int, left_out: Exclusions
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return scores and positions for the queries from number ``first`` on."""
        scores, positions = self._ask(asked, width, 0)
        found = _best(scores, positions, first, top_k, left_out)
        effort = 0
        while (short := np.flatnonzero(found[1][:, -1] < 0)).size:
            effort += 1
            scores, positions = self._ask(asked[short], width, effort)
            for row, q in enumerate(short):
                again = _best(scores[row : row + 1], positions[row : row + 1], first + int(q), top_k, left_out)
                found[0][q], found[1][q] = again[0][0], again[1][0]
            if not self._can_try(effort):
                left = np.flatnonzero(found[1][:, -1] < 0)
                if left.size:
                    raise ValueError(
                        f"the {self.kind} index finds fewer than top_k={top_k} items for query {first + left[0]}"
                    )
        return found

    def _ask(
        self, asked: NDArray[np.float32], width: int, effort: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Search with FAISS, with ``2 ** effort`` times the lists or candidates that the index is set to."""
        faiss = import_faiss()
        params = None
        if effort and self.kind == "ivfpq":
            params = faiss.SearchParametersIVF(nprobe=min(self.index.nprobe << effort, self.index.nlist))
        elif effort and self.kind == "hnsw":
            params = faiss.SearchParametersHNSW(
                efSearch=min(max(self.index.hnsw.efSearch, width) << effort, self.num_items)
            )
        scores, positions = self.index.search(asked, width, params=params)
        if self.kind == "fastscan":
            self._fill(asked, scores, positions)
        return scores, positions

    def _fill(self, asked: NDArray[np.float32], scores: NDArray[np.float32], positions: NDArray[np.int64]) -> None:
        """Fill empty places with the best of the items that were not found.

        With tables of 8 bits the worst items can have score 0, which FAISS never returns. This matters only if nearly all
        items are requested.
        """
        for row in np.flatnonzero(positions[:, -1] < 0):
            empty = positions[row] < 0
            absent = np.setdiff1d(np.arange(self.num_items), positions[row])
            products = self.index.reconstruct_batch(absent) @ asked[row]
            best = np.lexsort((absent, -products))[: int(empty.sum())]
            scores[row, empty], positions[row, empty] = products[best], absent[best]

    def _can_try(self, effort: int) -> bool:
        """Return whether more effort than this could find more."""
        if self.kind == "ivfpq":
            return bool(self.index.nprobe << effort < self.index.nlist)
        return self.kind == "hnsw" and bool(self.index.hnsw.efSearch << effort < self.num_items)

    def _num_codebooks(self) -> int:
        return int(self.index.pq.M) if hasattr(self.index, "pq") else 1


def from_faiss(path: str | os.PathLike[str]) -> FaissIndex:
    """Read an index that `FaissIndex.save` wrote; it checks the files before FAISS reads them.

    Raises
    ------
    ImportError
        FAISS is not installed (``pip install "graphvid[retrieval]"``).
    FileNotFoundError
        One of its three files is not there. Another program's index has no side-car: give it to `FaissIndex` with its ids.
    ValueError
        A file that is truncated, corrupt, or not the one that the side-car describes.
    """
    faiss = import_faiss()
    index, ids, about = _faiss_files.read(path, faiss)
    try:
        return FaissIndex(
            index,
            ids,
            about["kind"],
            metric=about["metric"],
            query_norm=about["query_norm"],
            options=about["options"],
            origin=about["origin"],
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)} holds no valid index: {error}") from None


def _best(
    scores: NDArray[np.float32], positions: NDArray[np.int64], first: int, top_k: int, left_out: Exclusions
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the ``top_k`` best items that are not excluded, equal ones by position; -1 if there are too few."""
    dropped = (positions < 0) | np.isin(positions, left_out.shared)
    for row in range(len(positions)):
        own = left_out.own[left_out.indptr[first + row] : left_out.indptr[first + row + 1]]
        if own.size:
            dropped[row] |= np.isin(positions[row], own)
    order = np.lexsort((positions, -scores, dropped), axis=1)[:, :top_k]
    positions = np.where(dropped, -1, positions)
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(positions, order, axis=1)
