"""Files of vectors, of ids and of indices."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from graphvid._files import atomic_path, reading
from graphvid.retrieval import _code_file, _faiss_files
from graphvid.retrieval._id_files import COLUMN, to_arrow
from graphvid.retrieval._ids import Ids, as_ids
from graphvid.retrieval._vectors import as_vectors
from graphvid.retrieval.code_index import CodeIndex
from graphvid.retrieval.faiss_index import FaissIndex, from_faiss
from graphvid.retrieval.vector_index import sorted_rows

VECTOR_SUFFIXES = (".parquet", ".npy")


def save_vectors(path: str | os.PathLike[str], vectors: Any, ids: Any) -> list[Path]:
    """Write vectors with their ids for other programs, whole or not at all.

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
        Another suffix; what `VectorIndex` refuses.
    """
    # Any: array_like or Tensor; ids as in `as_ids`
    target = Path(path)
    if target.suffix not in VECTOR_SUFFIXES:
        raise ValueError(f"path must end in one of {list(VECTOR_SUFFIXES)}, got {target.name!r}")
    rows, names = as_vectors("vectors", vectors), as_ids("ids", ids)
    sorted_rows(rows, names)  # refuses what does not fit
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
        Another suffix, and as there.
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


def fingerprint(vectors: Any, ids: Any) -> str:
    """Return a checksum over vectors and their ids, the same for every order of the rows.

    It says which vectors an index was made from (`FaissIndex.origin`).
    """
    # Any: array_like or Tensor; ids as in `as_ids`
    names, rows = sorted_rows(as_vectors("vectors", vectors), ids)
    digest = hashlib.sha256(f"{rows.shape} {names.dtype.kind}\n".encode())
    digest.update("\n".join(names.tolist()).encode() if names.dtype.kind == "U" else names.astype("<i8").tobytes())
    digest.update(rows.astype("<f4").data)
    return digest.hexdigest()


def read_id_list(path: str | os.PathLike[str]) -> list[str]:
    """Return the ids of a list as text: a line each, or the column ``video_id`` of a ``.csv`` or ``.parquet`` file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        A file that cannot be read, has no such column, or a missing id.
    """
    import pandas as pd

    file = Path(path)
    with reading(file, "a list of ids"):
        if file.suffix == ".parquet":
            table = pd.read_parquet(file)
        elif file.suffix == ".csv":
            table = pd.read_csv(file, dtype=str, keep_default_na=False)
        else:
            lines = file.read_text(encoding="utf-8").splitlines()
            return [line.strip() for line in lines if line.strip()]
    if COLUMN not in table.columns:
        raise ValueError(f"{file} must have a column {COLUMN!r}, got {list(table.columns)}")
    if table[COLUMN].isna().any():
        raise ValueError(f"{file} must have an id in every row, got {int(table[COLUMN].isna().sum())} without")
    return [str(value) for value in table[COLUMN]]


def as_kind_of(name: str, texts: list[str], ids: Ids) -> Ids:
    """Return ids that are given as text as integers where ``ids`` are; text that is no integer is a ValueError."""
    if ids.dtype.kind == "U":
        return np.array(texts, dtype=np.str_)
    wrong = [text for text in texts if not text.removeprefix("-").isdecimal()]
    if wrong:
        raise ValueError(f"{name} must hold integers like the ids of the index, got {wrong[0]!r}")
    return as_ids(name, [int(text) for text in texts])


def _write_parquet(path: Path, vectors: np.ndarray[Any, Any], ids: Ids) -> None:
    import pyarrow
    from pyarrow import parquet

    values = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), vectors.shape[1])
    parquet.write_table(pyarrow.table({COLUMN: to_arrow(ids), "embedding": values}), path)
