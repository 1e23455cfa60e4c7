"""Construction of FAISS indices from vectors and from codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_choice, check_count, check_seed
from graphvid._faiss import import_faiss
from graphvid.retrieval.code_index import CodeIndex
from graphvid.retrieval.faiss_index import KINDS, FaissIndex, Kind
from graphvid.retrieval.vector_index import Metric, VectorIndex

# Options of every kind and their defaults; 0 means a default that depends on the data.
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
        Finite. The codes of a `CodeIndex` do not change: ``pq``, ``ivfpq`` and ``fastscan`` then give its scores, with
        ``fastscan`` up to its rounding; ``flat`` and ``hnsw`` hold the decoded vectors.
    kind : str, default "flat"
        See the table.
    ids : array_like of int or str, shape (num_items,), optional
        As in `VectorIndex`; not for an index, which has its own.
    metric : {"cosine", "dot"}, optional
        Default: "cosine" for vectors. Not for an index, which has its own; that of codes is "dot".
    origin : str, optional
        `fingerprint` of the vectors of this index, stored in the side-car. Default: that of the `CodeIndex`.
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
    than about 40 vectors is poorly trained. ``ivfpq`` codes the residual of a vector from its list's centroid, except for a
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
    check_choice("kind", kind, KINDS)
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
        index, items.ids, kind, metric="dot", query_norm=items.query_norm, options=chosen, origin=origin or items.origin
    )


def _check_options(kind: str, options: Mapping[str, Any], coded: bool) -> dict[str, int]:
    """Return all options of a kind (with ``coded`` for existing codes), or raise."""
    # Any: whatever the caller gave
    known = dict(OPTIONS[kind])
    if coded:  # only the lists need training
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
    """Return a FAISS index with the unchanged codes."""
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
    """Return codes in inverted lists, computed by k-means of decoded vectors."""
    _choose_lists(options, codes.num_items)
    num_lists = options["num_lists"]
    chosen = np.random.default_rng(options["seed"]).permutation(codes.num_items)[: 256 * num_lists]
    means = faiss.Kmeans(codes.dim, num_lists, spherical=True, seed=options["seed"], min_points_per_centroid=1)
    means.train(codes.decode(codes.ids[np.sort(chosen)]))
    coarse = faiss.IndexFlatIP(codes.dim)
    coarse.add(means.centroids)
    index = faiss.IndexIVFPQ(coarse, codes.dim, num_lists, codes.num_codebooks, bits, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = False  # the codebooks code the vector, not its residual
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
    """Set the default numbers of lists and of scanned lists, or raise if they are out of range."""
    options["num_lists"] = options["num_lists"] or max(1, round(num_items**0.5))
    options["num_probes"] = options["num_probes"] or max(1, round(options["num_lists"] / 16))
    if options["num_lists"] > num_items:
        raise ValueError(f"num_lists must be at most the {num_items} items, got {options['num_lists']}")
    if options["num_probes"] > options["num_lists"]:
        raise ValueError(f"num_probes must be at most num_lists={options['num_lists']}, got {options['num_probes']}")


def _seed(clustering: Any, options: Mapping[str, int]) -> None:  # Any: faiss.ClusteringParameters
    clustering.seed = options["seed"]
    clustering.min_points_per_centroid = 1  # FAISS would print a warning
