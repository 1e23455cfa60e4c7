"""Checks and decoding of codes and codebooks, and normalisation of queries."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphvid.retrieval._vectors import as_array, as_vectors, unit_rows

QueryNorm = Literal["none", "sub", "full"]

QUERY_NORMS = ("none", "sub", "full")
_MOST_CODEWORDS = 1 << 16


def normalize(queries: NDArray[np.float32], query_norm: str, num_codebooks: int) -> NDArray[np.float32]:
    """Return queries by one of `QUERY_NORMS`; zeros stay zeros."""
    if query_norm == "none":
        return queries
    if query_norm == "full":
        return unit_rows(queries)
    return unit_rows(queries.reshape(len(queries) * num_codebooks, -1)).reshape(queries.shape)


def as_codebooks(values: Any) -> NDArray[np.float32]:  # Any: array_like or Tensor
    """Return codebooks in float32, (num_codebooks, num_codewords, dim // num_codebooks), or raise."""
    codebooks = np.asarray(as_array(values))
    if codebooks.ndim != 3 or 0 in codebooks.shape or codebooks.shape[1] > _MOST_CODEWORDS:
        raise ValueError(
            "codebooks must have shape (num_codebooks, num_codewords <= 65536, dim // num_codebooks), none of them 0, "
            f"got {codebooks.shape}"
        )
    # As rows they are vectors: the same checks, and the row of a message is m * num_codewords + k.
    return as_vectors("codebooks", codebooks.reshape(-1, codebooks.shape[2])).reshape(codebooks.shape)


def as_codes(values: Any, codebooks: NDArray[np.float32]) -> NDArray[Any]:
    """Return codes in the smallest dtype, (num_items, num_codebooks); raise if the codebooks lack such codewords."""
    # Any: array_like or Tensor; uint8 or uint16
    num_codebooks, num_codewords, _ = codebooks.shape
    codes = np.asarray(as_array(values))
    if codes.ndim != 2 or codes.shape[1] != num_codebooks:
        raise ValueError(f"codes must have shape (num_items, {num_codebooks}), one code a codebook, got {codes.shape}")
    if codes.size and codes.dtype.kind not in "iu":
        raise TypeError(f"codes must hold integers, got dtype {codes.dtype}")
    if codes.size and (int(codes.min()) < 0 or int(codes.max()) >= num_codewords):
        raise ValueError(f"codes must be in [0, {num_codewords}), got {int(codes.min())} to {int(codes.max())}")
    return codes.astype(np.uint8 if num_codewords <= 256 else np.uint16)


def decode(codes: NDArray[Any], codebooks: NDArray[np.float32]) -> NDArray[np.float32]:  # Any: uint8 or uint16
    """Return the concatenated codewords of each row."""
    return np.concatenate([codebook[column] for codebook, column in zip(codebooks, codes.T)], axis=1)
