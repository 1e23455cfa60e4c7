"""Vectors and codes as FAISS indices, with their ids beside them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_choice, check_count, check_seed
from graphvid._faiss import import_faiss
from graphvid.retrieval import _faiss_files
from graphvid.retrieval._ids import as_ids
from graphvid.retrieval._search import Exclusions, check_top_k, find_exclusions
from graphvid.retrieval._vectors import as_vectors, unit_rows
from graphvid.retrieval.code_index import QUERY_NORMS, CodeIndex, normalize
from graphvid.retrieval.result import SearchResult
from graphvid.retrieval.vector_index import METRICS, Metric, VectorIndex

Kind = Literal["flat", "hnsw", "pq", "ivfpq", "fastscan"]

# Options of every kind and their defaults; 0 stands for one that depends on the data.
OPTIONS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "flat": {},
        "hnsw": {"num_links": 32, "ef_construction": 200, "ef_search": 64},
        "pq": {"num_codebooks": 8, "num_codewords": 256, "seed": 0},
        "ivfpq": {"num_codebooks": 8, "num_codewords": 256, "num_lists": 0, "num_probes": 0, "seed": 0},
        "fastscan": {"num_codebooks": 8, "seed": 0},
    }
)
CODED = ("pq", "ivfpq", "fastscan")  # the kinds that hold codes
_OF_CODES = ("num_codebooks", "num_codewords")  # a CodeIndex has them already
_FAST_SCAN_CODEWORDS = 16
_BLOCK = 1 << 16  # items handled at a time
_RESULTS = 1 << 22  # positions asked for at a time


class FaissIndex:
    """A FAISS index with the ids of its items, searched like the other indices; `to_faiss` and `from_faiss` make it.

    Parameters
    ----------
    index : faiss.Index
        By inner product, its items numbered 0 to num_items - 1.
    ids : array_like of int or str, shape (num_items,)
        Id of each item, ascending.
    kind : {"flat", "hnsw", "pq", "ivfpq", "fastscan"}
        What ``index`` is.
    metric : {"cosine", "dot"}, default "cosine"
        With "cosine", queries are brought to length 1; the items must be already.
    query_norm : {"none", "sub", "full"}, default "none"
        What is done to queries beside that; see `CodeIndex`.
    options : mapping of str to int, optional
        How it was made, for the side-car.
    origin : str, optional
        `fingerprint` of the vectors it was made from; a search with a run checks it.

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
        check_choice("kind", kind, OPTIONS)
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

        Items left out are asked for and then dropped, so a query costs what ``top_k`` and the number of them cost.
        A query for which an ``ivfpq`` or ``hnsw`` index finds fewer than ``top_k`` items is searched again with twice
        the effort, until it has them. FAISS breaks ties at the last place as it comes, and may compute scores of more
        than 20 queries at once with other rounding; the order of what is returned is by score, then id.

        Parameters
        ----------
        queries, top_k, exclude, exclude_each
            As in `VectorIndex.search`.

        Returns
        -------
        SearchResult
            Ids, and scores in float32; those of ``"fastscan"`` are rounded more, since its tables have 8 bits.

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
        """Return the codes and codebooks of an index of kind ``"pq"``.

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
        return CodeIndex(codes, codebooks, self.ids, query_norm=query_norm)  # type: ignore[arg-type] # checked

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``NAME.faiss``, its ids ``NAME.faiss.ids.parquet`` and the side-car ``NAME.faiss.json``.

        Each file is whole or not there, and the side-car has the checksums of the other two: `from_faiss` refuses files
        that do not belong together, such as after an interruption. FAISS itself reads ``NAME.faiss``; its item i is row
        i of the ids.

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
        """Put the best of the items that were not found into empty places.

        Tables of 8 bits give the worst items of all the score 0, which FAISS never returns: it matters where nearly all
        items are asked for.
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


def to_faiss(
    vectors: Any,
    kind: Kind = "flat",
    *,
    ids: Any | None = None,
    metric: Metric | None = None,
    origin: str | None = None,
    **options: int,
) -> FaissIndex:
    """Return a FAISS index of vectors or of a `CodeIndex`.

    ============ ================================================================ ======================================
    kind         content                                                          options and defaults
    ============ ================================================================ ======================================
    ``flat``     the vectors, searched exactly                                    none
    ``hnsw``     the vectors and a graph over them (Malkov and Yashunin, 2020)    ``num_links`` 32, ``ef_construction``
                                                                                  200, ``ef_search`` 64
    ``pq``       product codes, all scanned                                       ``num_codebooks`` 8,
                                                                                  ``num_codewords`` 256, ``seed`` 0
    ``ivfpq``    product codes in lists, of which some are scanned                the same, ``num_lists`` (the square root of
                                                                                  num_items), ``num_probes`` (a sixteenth)
    ``fastscan`` product codes of 4 bits, scanned in registers (André et al.,     ``num_codebooks`` 8, ``seed`` 0
                 2015)
    ============ ================================================================ ======================================

    Parameters
    ----------
    vectors : array_like or Tensor of float, shape (num_items, dim), or VectorIndex or CodeIndex
        Finite. The codes of a `CodeIndex` are taken over as they are: ``pq``, ``ivfpq`` and ``fastscan`` then give its
        scores, with ``fastscan`` up to its rounding; ``flat`` and ``hnsw`` hold the decoded vectors.
    kind : str, default "flat"
        See the table.
    ids : array_like of int or str, shape (num_items,), optional
        As in `VectorIndex`; not for an index, which has its own.
    metric : {"cosine", "dot"}, optional
        Default: "cosine" for vectors. Not for an index, which has its own; that of codes is "dot".
    origin : str, optional
        `fingerprint` of the vectors this index stands for, kept in the side-car.
    **options : int
        See the table. A `CodeIndex` has its ``num_codebooks`` and ``num_codewords`` already.

    Returns
    -------
    FaissIndex
        With items in ascending order of their ids.

    Raises
    ------
    ImportError
        FAISS is not installed (``pip install "graphvid[retrieval]"``).
    TypeError, ValueError
        What `VectorIndex` refuses; options that the kind does not have or out of range; no item; a dimension that is not
        divisible by ``num_codebooks``; a number of codewords that is no power of two (16 for ``fastscan``); fewer items
        than codewords to train or lists.

    Notes
    -----
    Codebooks and lists are trained by k-means on at most 256 vectors for each centroid, seeded; a codeword with fewer
    than about 40 vectors is poorly trained. ``ivfpq`` codes what is left of a vector after its list's centroid, except for a
    `CodeIndex`, whose codes are of the vectors. With several threads, FAISS may build another ``hnsw`` graph each time.
    FAISS adds vectors to a ``pq`` index by the nearest codeword, which is not the code of a `CodeIndex` with
    ``assignment="dot"`` and codewords of several lengths: add to the `CodeIndex` and export it again.

    Examples
    --------
    >>> index = to_faiss([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]], "flat", ids=["c", "a", "b"])
    >>> index.search([[2.0, 0.1]], top_k=2).ids.tolist()
    [['c', 'a']]
    """
    # Any: array_like or Tensor; ids as in `as_ids`
    faiss = import_faiss()
    check_choice("kind", kind, OPTIONS)
    if isinstance(vectors, (VectorIndex, CodeIndex)) and (ids is not None or metric is not None):
        raise ValueError(f"ids and metric must not be given for a {type(vectors).__name__}, which has its own")
    chosen = _check_options(kind, options, isinstance(vectors, CodeIndex) and kind in CODED)
    items = vectors
    if not isinstance(vectors, (VectorIndex, CodeIndex)):
        items = VectorIndex(vectors, ids, metric=metric if metric is not None else "cosine")
    if not items.num_items:
        raise ValueError("vectors must have at least one item, got none")
    if isinstance(items, VectorIndex):
        index = _of_vectors(faiss, items.vectors, kind, chosen)
        return FaissIndex(index, items.ids, kind, metric=items.metric, options=chosen, origin=origin)
    index = _of_codes(faiss, items, kind, chosen) if kind in CODED else _of_vectors(faiss, items.decode(), kind, chosen)
    return FaissIndex(
        index, items.ids, kind, metric="dot", query_norm=items.query_norm, options=chosen, origin=origin
    )  # fmt: skip


def from_faiss(path: str | os.PathLike[str]) -> FaissIndex:
    """Read an index that `FaissIndex.save` wrote.

    Raises
    ------
    ImportError
        FAISS is not installed (``pip install "graphvid[retrieval]"``).
    FileNotFoundError
        One of its three files is not there. Another program's index has no side-car: give it to `FaissIndex` with its ids.
    ValueError
        A file that is truncated, corrupt, or not the one that the side-car describes. It is checked before FAISS reads it.
    """
    faiss = import_faiss()
    index, ids, about = _faiss_files.read(path, faiss)
    try:
        return FaissIndex(
            index, ids, about["kind"], metric=about["metric"], query_norm=about["query_norm"],
            options=about["options"], origin=about["origin"],
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)} holds no valid index: {error}") from None


def _check_options(kind: str, options: Mapping[str, Any], coded: bool) -> dict[str, int]:
    """Return all options of a kind, of codes that are there already where ``coded``, or raise."""
    # Any: whatever the caller gave
    known = dict(OPTIONS[kind])
    if coded:  # only lists are left to be trained
        known = {name: known[name] for name in known if kind == "ivfpq" and name not in _OF_CODES}
    unknown = sorted(set(options) - set(known))
    if unknown:
        what = f"{kind!r} of a CodeIndex" if coded else repr(kind)
        raise ValueError(f"options of kind {what} must be among {sorted(known)}, got {unknown}")
    checks = {
        name: check_seed(value) if name == "seed" else check_count(name, value) for name, value in options.items()
    }
    return {**known, **checks}


def _of_vectors(faiss: ModuleType, vectors: NDArray[np.float32], kind: str, options: dict[str, int]) -> Any:
    """Return a FAISS index of vectors."""  # Any here and below: faiss.Index
    dim = vectors.shape[1]
    product = faiss.METRIC_INNER_PRODUCT
    if kind == "flat":
        index = faiss.IndexFlatIP(dim)
    elif kind == "hnsw":
        index = faiss.IndexHNSWFlat(dim, options["num_links"], product)
        index.hnsw.efConstruction, index.hnsw.efSearch = options["ef_construction"], options["ef_search"]
    else:
        num_codebooks = options["num_codebooks"]
        num_codewords = options.get("num_codewords", _FAST_SCAN_CODEWORDS)
        bits = _bits(num_codewords)
        _check_trainable(vectors, num_codebooks, num_codewords)
        if kind == "ivfpq":
            _choose_lists(options, len(vectors))
            index = faiss.IndexIVFPQ(faiss.IndexFlatIP(dim), dim, options["num_lists"], num_codebooks, bits, product)
            index.nprobe = options["num_probes"]
            _seed(index.cp, options)
        else:
            index = faiss.IndexPQ(dim, num_codebooks, bits, product)
        _seed(index.pq.cp, options)
        index.train(vectors)
    for start in range(0, len(vectors), _BLOCK):
        index.add(vectors[start : start + _BLOCK])
    return faiss.IndexPQFastScan(index) if kind == "fastscan" else index


def _of_codes(faiss: ModuleType, codes: CodeIndex, kind: str, options: dict[str, int]) -> Any:
    """Return a FAISS index with the codes as they are."""
    bits = _bits(codes.num_codewords)
    product = faiss.METRIC_INNER_PRODUCT
    if kind == "fastscan" and codes.num_codewords != _FAST_SCAN_CODEWORDS:
        raise ValueError(f"codes of kind 'fastscan' must have 16 codewords a codebook, got {codes.num_codewords}")
    if kind == "ivfpq":
        return _lists_of_codes(faiss, codes, bits, options)
    index = faiss.IndexPQ(codes.dim, codes.num_codebooks, bits, product)
    faiss.copy_array_to_vector(codes.codebooks.ravel(), index.pq.centroids)
    index.is_trained = True
    for start in range(0, codes.num_items, _BLOCK):
        index.add_sa_codes(_pack(faiss, codes.codes[start : start + _BLOCK], bits))
    return faiss.IndexPQFastScan(index) if kind == "fastscan" else index


def _lists_of_codes(faiss: ModuleType, codes: CodeIndex, bits: int, options: dict[str, int]) -> Any:
    """Return codes in inverted lists, which are found by k-means of decoded vectors."""
    _choose_lists(options, codes.num_items)
    num_lists = options["num_lists"]
    chosen = np.random.default_rng(options["seed"]).permutation(codes.num_items)[: 256 * num_lists]
    means = faiss.Kmeans(codes.dim, num_lists, spherical=True, seed=options["seed"], min_points_per_centroid=1)
    means.train(codes.decode(codes.ids[np.sort(chosen)]))
    coarse = faiss.IndexFlatIP(codes.dim)
    coarse.add(means.centroids)
    index = faiss.IndexIVFPQ(coarse, codes.dim, num_lists, codes.num_codebooks, bits, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = False  # the codebooks code the vector, not what is left of it
    faiss.copy_array_to_vector(codes.codebooks.ravel(), index.pq.centroids)
    index.is_trained, index.nprobe = True, options["num_probes"]
    width = index.coarse_code_size()
    for start in range(0, codes.num_items, _BLOCK):
        some = codes.ids[start : start + _BLOCK]
        lists = coarse.search(codes.decode(some), 1)[1].astype("<i8").view(np.uint8)[:, :width]
        rows = np.concatenate([lists, _pack(faiss, codes.codes[start : start + _BLOCK], bits)], axis=1)
        index.add_sa_codes(np.ascontiguousarray(rows), np.arange(start, start + len(some), dtype=np.int64))
    return index


def _pack(faiss: ModuleType, codes: NDArray[Any], bits: int) -> NDArray[np.uint8]:  # Any: uint8 or uint16
    packed: NDArray[np.uint8] = faiss.pack_bitstrings(codes.astype(np.int32), bits)
    return packed


def _bits(num_codewords: int) -> int:
    bits = num_codewords.bit_length() - 1
    if num_codewords < 2 or num_codewords > 1 << 16 or num_codewords != 1 << bits:
        raise ValueError(f"num_codewords must be a power of two from 2 to 65536 for FAISS, got {num_codewords}")
    return bits


def _check_trainable(vectors: NDArray[np.float32], num_codebooks: int, num_codewords: int) -> None:
    if vectors.shape[1] % num_codebooks:
        raise ValueError(f"num_codebooks must divide the {vectors.shape[1]} dimensions, got {num_codebooks}")
    if len(vectors) < num_codewords:
        raise ValueError(f"num_codewords must be at most the {len(vectors)} vectors to train with, got {num_codewords}")


def _choose_lists(options: dict[str, int], num_items: int) -> None:
    """Fill in the number of lists and of those scanned, or raise where they are out of range."""
    options["num_lists"] = options["num_lists"] or max(1, round(num_items**0.5))
    options["num_probes"] = options["num_probes"] or max(1, round(options["num_lists"] / 16))
    if options["num_lists"] > num_items:
        raise ValueError(f"num_lists must be at most the {num_items} items, got {options['num_lists']}")
    if options["num_probes"] > options["num_lists"]:
        raise ValueError(f"num_probes must be at most num_lists={options['num_lists']}, got {options['num_probes']}")


def _seed(clustering: Any, options: Mapping[str, int]) -> None:  # Any: faiss.ClusteringParameters
    clustering.seed = options["seed"]
    clustering.min_points_per_centroid = 1  # FAISS would print a warning


def _best(
    scores: NDArray[np.float32], positions: NDArray[np.int64], first: int, top_k: int, left_out: Exclusions
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the ``top_k`` best that may be returned, equal ones by position; -1 where there are too few."""
    dropped = (positions < 0) | np.isin(positions, left_out.shared)
    for row in range(len(positions)):
        own = left_out.own[left_out.indptr[first + row] : left_out.indptr[first + row + 1]]
        if own.size:
            dropped[row] |= np.isin(positions[row], own)
    order = np.lexsort((positions, -scores, dropped), axis=1)[:, :top_k]
    positions = np.where(dropped, -1, positions)
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(positions, order, axis=1)
