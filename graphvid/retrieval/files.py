"""Writer of vectors and reader of indices; the suffix of a file determines its form."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from graphvid._files import atomic_path
from graphvid.retrieval import _code_file, _faiss_files
from graphvid.retrieval._id_files import COLUMN, to_arrow
from graphvid.retrieval._ids import Ids, as_ids
from graphvid.retrieval._vectors import as_vectors
from graphvid.retrieval.code_index import CodeIndex
from graphvid.retrieval.faiss_index import FaissIndex, from_faiss
from graphvid.retrieval.vector_index import sorted_rows

VECTOR_SUFFIXES = (".parquet", ".npy")


def save_vectors(path: str | os.PathLike[str], vectors: Any, ids: Any) -> list[Path]:
    """Write vectors with their ids for other programs, completely or not at all.

    Parameters
    ----------
    path : path-like
        ``.parquet``: columns ``video_id`` and ``embedding`` (lists of float32), which `graphvid.data.load_features`
        reads; ``.npy``: one float32 array, and its ids beside it in ``NAME.ids.npy``.
    vectors : array_like or Tensor of float, shape (num_items, dim)
        Finite.
    ids : array_like of int or str, shape (num_items,)
        Distinct, all integers (int64) or all text; the order of the rows is kept.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    TypeError, ValueError
        Another suffix; as `VectorIndex` raises.
    """
    # Any: array_like or Tensor; ids as in `as_ids`
    target = Path(path)
    if target.suffix not in VECTOR_SUFFIXES:
        raise ValueError(f"path must end in one of {list(VECTOR_SUFFIXES)}, got {target.name!r}")
    rows, names = as_vectors("vectors", vectors), as_ids("ids", ids)
    sorted_rows(rows, names)  # raises for vectors and ids that do not fit
    files = files_at(target)
    with ExitStack() as stack:
        temporaries = [stack.enter_context(atomic_path(file)) for file in files]
        if target.suffix == ".npy":
            np.save(temporaries[0], rows)
            np.save(temporaries[1], names)
        else:
            _write_parquet(temporaries[0], rows, names)
    return files


def open_index(path: str | os.PathLike[str]) -> CodeIndex | FaissIndex:
    """Read an index by its suffix: ``.faiss`` as `from_faiss`, ``.safetensors`` as `CodeIndex.load`.

    Raises
    ------
    ImportError, FileNotFoundError, ValueError
        Another suffix, and as these functions raise.
    """
    suffix = Path(path).suffix
    if suffix == _faiss_files.SUFFIX:
        return from_faiss(path)
    if suffix == _code_file.SUFFIX:
        return CodeIndex.load(path)
    raise ValueError(f"an index must be a {_faiss_files.SUFFIX} or {_code_file.SUFFIX} file, got {Path(path).name!r}")


def files_at(path: str | os.PathLike[str]) -> list[Path]:
    """Return the files that are written with an index or vectors at this path."""
    target = Path(path)
    if target.suffix == _faiss_files.SUFFIX:
        return list(_faiss_files.paths(target))
    return [target, target.with_suffix(".ids.npy")] if target.suffix == ".npy" else [target]


def _write_parquet(path: Path, vectors: np.ndarray[Any, Any], ids: Ids) -> None:
    import pyarrow
    from pyarrow import parquet

    values = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), vectors.shape[1])
    parquet.write_table(pyarrow.table({COLUMN: to_arrow(ids), "embedding": values}), path)
