"""An index of codes of a few bytes; a search sums entries of a table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_choice
from graphvid.retrieval import _code_file
from graphvid.retrieval._codes import QUERY_NORMS, QueryNorm, as_codebooks, as_codes, decode, normalize
from graphvid.retrieval._ids import Ids, as_ids, find, find_all, name_some, order_of
from graphvid.retrieval._kernels import encode, keep_best_codes, score_codes, sort_best
from graphvid.retrieval._search import check_top_k, find_exclusions, over_rows
from graphvid.retrieval._vectors import as_vectors
from graphvid.retrieval.result import SearchResult

Assignment = Literal["l2", "dot"]

ASSIGNMENTS = ("l2", "dot")


class CodeIndex:
    r"""Items as product codes: one codeword of each of M codebooks, M bytes an item with 256 codewords.

    A vector is cut into M contiguous sub-vectors; code :math:`b_m` means codeword :math:`C_{m, b_m}`. The score of a query
    is asymmetric, because the query is not coded:

    .. math:: s(q, b) = \sum_{m=1}^{M} \langle q_m, C_{m, b_m} \rangle

    For each query the index computes a table of all :math:`\langle q_m, C_{m, k} \rangle`; an item then costs M look-ups.

    Parameters
    ----------
    codes : array_like or Tensor of integers, shape (num_items, num_codebooks)
        In ``[0, num_codewords)``, kept as uint8 up to 256 codewords, else as uint16.
    codebooks : array_like or Tensor of float, shape (num_codebooks, num_codewords, dim // num_codebooks)
        Finite, kept as float32; at most 65,536 codewords, of any number.
    ids : array_like of int or str, shape (num_items,), optional
        Distinct ids in any order, all integers (int64) or all text. Default: 0 to num_items - 1.
    query_norm : {"none", "sub", "full"}, default "none"
        Scaling of queries: none, each sub-vector to length 1, or each whole vector to length 1 (which changes the scores but
        no ranking). Zeros stay zeros. "none" is that of MeCoQ's released code.
    assignment : {"l2", "dot"}, default "l2"
        Rule by which `add` and symmetric searches code vectors: the nearest codeword, as FAISS does, or the codeword of the
        highest product, as MeCoQ does. The two are equal if all codewords have the same length.

    origin : str, optional
        `fingerprint` of the vectors of the codes; a search with a run checks it. `add` and `remove` do not change it.

    Attributes
    ----------
    ids : ndarray of int64 or str, shape (num_items,)
        In ascending order, which is the order of the items in the index.
    codebooks : ndarray of float32
    query_norm, assignment, origin
        As given.

    Raises
    ------
    TypeError
        Codes that are not integers, codebooks that are not real numbers, ids of another kind.
    ValueError
        Shapes that do not fit, codes out of range, codebooks that are not finite, an id that occurs twice, an unknown
        ``query_norm`` or ``assignment``.

    Notes
    -----
    A search takes O(num_queries * (num_codewords * dim + num_items * num_codebooks)) time in compiled code, by threads
    over queries, and needs no FAISS. Scores are sums in float32 in a fixed order: they depend neither on the order of
    the items nor on the batch nor on the number of threads, and items with equal codes have equal scores.

    References
    ----------
    Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", PAMI 2011. Wang et al., "Contrastive
    quantization with code memory for unsupervised image retrieval", AAAI 2022 (MeCoQ).

    Examples
    --------
    >>> codebooks = [[[1.0], [0.0], [-1.0]], [[2.0], [0.0], [-2.0]]]  # 2 codebooks of 3 codewords, 1 dimension each
    >>> index = CodeIndex([[0, 1], [2, 0]], codebooks, ids=["a", "b"])
    >>> index.search([[1.0, 0.25]], top_k=2)
    SearchResult(ids=array([['a', 'b']], dtype='<U1'), scores=array([[ 1. , -0.5]], dtype=float32))
    >>> index.add([[0.9, 1.5]], ids=["c"])
    >>> index.codes.tolist(), index.num_bytes
    ([[0, 1], [2, 0], [0, 0]], 6)
    """

    def __init__(
        self,
        codes: Any,
        codebooks: Any,
        ids: Any | None = None,
        *,
        query_norm: QueryNorm = "none",
        assignment: Assignment = "l2",
        origin: str | None = None,
    ) -> None:
        # Any: array_like or Tensor; ids as in `as_ids`
        check_choice("query_norm", query_norm, QUERY_NORMS)
        check_choice("assignment", assignment, ASSIGNMENTS)
        self.query_norm, self.assignment, self.origin = query_norm, assignment, origin
        self.codebooks = as_codebooks(codebooks)
        table = as_codes(codes, self.codebooks)
        names: Ids = np.arange(len(table), dtype=np.int64) if ids is None else as_ids("ids", ids)
        if len(names) != len(table):
            raise ValueError(f"ids must have one id for each of the {len(table)} rows of codes, got {len(names)}")
        order = order_of("ids", names)
        self.ids = names if order is None else names[order]
        # A row a codebook: the codes of consecutive items are read one after the other.
        self._columns = np.ascontiguousarray((table if order is None else table[order]).T)
        self._transposed = np.ascontiguousarray(self.codebooks.transpose(0, 2, 1))

    @property
    def codes(self) -> NDArray[Any]:  # Any: uint8 or uint16
        """Codes of the items, shape (num_items, num_codebooks), in the order of ``ids``."""
        return self._columns.T

    @property
    def num_items(self) -> int:
        """Number of items."""
        return len(self.ids)

    @property
    def num_codebooks(self) -> int:
        """Codes of an item."""
        return len(self.codebooks)

    @property
    def num_codewords(self) -> int:
        """Codewords of a codebook."""
        return int(self.codebooks.shape[1])

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.codebooks.shape[0] * self.codebooks.shape[2])

    @property
    def num_bytes(self) -> int:
        """Bytes of all codes in memory."""
        return int(self._columns.nbytes)

    def search(
        self,
        queries: Any,
        top_k: int,
        *,
        exclude: Iterable[Any] | None = None,
        exclude_each: Sequence[Iterable[Any]] | None = None,
        symmetric: bool = False,
    ) -> SearchResult:
        """Return the items of the highest scores for each query.

        Parameters
        ----------
        queries : array_like or Tensor of float, shape (num_queries, dim)
            Finite vectors, before ``query_norm``.
        top_k, exclude, exclude_each
            As in `VectorIndex.search`.
        symmetric : bool, default False
            Code the queries too; they are then less precise, and the scores are those between two items.

        Returns
        -------
        SearchResult
            Ids, and scores in float32.

        Raises
        ------
        TypeError, ValueError
            As in `VectorIndex.search`; queries whose scores may be too large for float32.
        """
        # Any: array_like or Tensor; ids as in `as_ids`
        asked = self._queries(queries, symmetric)
        left_out = find_exclusions(exclude, exclude_each, self.ids, len(asked))
        top_k = check_top_k(top_k, left_out, self.num_items)
        scores = np.empty((len(asked), top_k), np.float32)
        positions = np.empty((len(asked), top_k), np.int64)
        counts = np.zeros(len(asked), np.int64)
        over_rows(
            keep_best_codes, len(asked), asked, self._transposed, self._columns, *left_out, scores, positions, counts
        )
        sort_best(scores, positions, counts)
        return SearchResult(self.ids[positions], scores)

    def scores(self, queries: Any, *, symmetric: bool = False) -> NDArray[np.float32]:  # Any: array_like or Tensor
        """Return the scores of all items, shape (num_queries, num_items), in the order of ``ids``; see `search`."""
        asked = self._queries(queries, symmetric)
        table = np.empty((len(asked), self.num_items), np.float32)
        over_rows(score_codes, len(asked), asked, self._transposed, self._columns, table)
        return table

    def encode(self, vectors: Any) -> NDArray[Any]:  # Any: array_like or Tensor; uint8 or uint16
        """Return the codes of vectors, shape (num_vectors, num_codebooks), by ``assignment``; of equals the lowest."""
        rows = as_vectors("vectors", vectors, self.dim)
        columns = np.empty((self.num_codebooks, len(rows)), self._columns.dtype)
        penalty = np.zeros(self.codebooks.shape[:2], np.float32)
        if self.assignment == "l2":
            penalty = (0.5 * (self.codebooks.astype(np.float64) ** 2).sum(axis=2)).astype(np.float32)
        over_rows(encode, len(rows), rows, self._transposed, penalty, columns)
        return columns.T

    def decode(self, ids: Any | None = None) -> NDArray[np.float32]:  # Any: as in `as_ids`
        """Return the concatenated codewords of items, shape (num_ids, dim).

        Parameters
        ----------
        ids : array_like of ids, optional
            Items to decode, in this order. Default: all, in the order of ``ids``.

        Raises
        ------
        KeyError
            Ids that are not in the index; names some.
        """
        rows = self.codes if ids is None else self.codes[find_all("ids", ids, self.ids)]
        return decode(rows, self.codebooks)

    def add(self, vectors: Any, ids: Any) -> None:
        """Code further items and add them; if one of them raises, nothing is added.

        Parameters
        ----------
        vectors : array_like or Tensor of float, shape (num_new, dim)
            Finite; coded by ``assignment``.
        ids : array_like of int or str, shape (num_new,)
            New ids of the same kind as those in the index.

        Raises
        ------
        TypeError, ValueError
            Vectors or ids of a wrong form; an id that is already in the index or occurs twice (named).

        Notes
        -----
        Every call copies all codes, O(num_items * num_codebooks) beside the coding, so add many items at once.
        """
        # Any: array_like or Tensor; ids as in `as_ids`
        codes = self.encode(vectors)
        names = as_ids("ids", ids)
        if len(names) != len(codes):
            raise ValueError(f"ids must have one id for each of the {len(codes)} vectors, got {len(names)}")
        order_of("ids", names)
        known = find("ids", names, self.ids) >= 0
        if known.any():
            raise ValueError(f"ids must not be in the index already, got {name_some(names[known])}")
        if not len(names):
            return
        merged = np.concatenate([self.ids, names]) if self.num_items else names
        columns = np.concatenate([self._columns, codes.T], axis=1)
        order = order_of("ids", merged)
        self.ids, self._columns = (
            (merged, columns) if order is None else (merged[order], np.ascontiguousarray(columns[:, order]))
        )

    def remove(self, ids: Any) -> None:  # Any: as in `as_ids`
        """Remove items; if one of them is absent, nothing is removed.

        Parameters
        ----------
        ids : array_like of int or str
            Each of them in the index, once.

        Raises
        ------
        KeyError
            Ids that are not in the index; names some.
        ValueError
            An id that is given twice.
        """
        names = as_ids("ids", ids)
        order_of("ids", names)
        keep = np.ones(self.num_items, bool)
        keep[find_all("ids", names, self.ids)] = False
        self.ids, self._columns = self.ids[keep], np.ascontiguousarray(self._columns[:, keep])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a ``.safetensors`` file, completely or not at all: codes, codebooks, ids and options.

        Raises
        ------
        ValueError
            The suffix is not ``.safetensors``.
        """
        options = {"query_norm": self.query_norm, "assignment": self.assignment, "origin": self.origin}
        _code_file.write(path, self.codes, self.codebooks, self.ids, options)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> CodeIndex:
        """Read a file of `save`, without unpickling.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            The file is truncated, corrupt, or no code index; it is named.
        """
        codes, codebooks, ids, options = _code_file.read(path)
        try:
            # The options are checked by the constructor.
            return cls(codes, codebooks, ids, **options)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise ValueError(f"{os.fspath(path)} holds no valid code index: {error}") from None

    def normalize_queries(self, queries: Any) -> NDArray[np.float32]:  # Any: array_like or Tensor
        """Return queries after ``query_norm``."""
        return normalize(as_vectors("queries", queries, self.dim), self.query_norm, self.num_codebooks)

    def _queries(self, queries: Any, symmetric: bool) -> NDArray[np.float32]:
        asked = self.normalize_queries(queries)
        if symmetric:
            asked = decode(self.encode(asked), self.codebooks)
        longest = np.sqrt((self.codebooks.astype(np.float64) ** 2).sum(axis=2).max(axis=1).sum())
        bound = float(np.linalg.norm(asked.astype(np.float64), axis=1).max(initial=0.0) * longest)
        if bound > float(np.finfo(np.float32).max):
            raise ValueError(f"queries must have scores that fit into float32, got scores of up to {bound:.3g}")
        return asked
