"""Checksum over vectors and their ids, which identifies the source of an index."""

from __future__ import annotations

import hashlib
from typing import Any

from graphvid.retrieval._vectors import as_vectors
from graphvid.retrieval.vector_index import sorted_rows


def fingerprint(vectors: Any, ids: Any) -> str:
    """Return a checksum over vectors and their ids, the same for every order of the rows.

    It identifies the vectors of an index (`FaissIndex.origin`).
    """
    # Any: array_like or Tensor; ids as in `as_ids`
    names, rows = sorted_rows(as_vectors("vectors", vectors), ids)
    digest = hashlib.sha256(f"{rows.shape} {names.dtype.kind}\n".encode())
    digest.update("\n".join(names.tolist()).encode() if names.dtype.kind == "U" else names.astype("<i8").tobytes())
    digest.update(rows.astype("<f4").data)
    return digest.hexdigest()
