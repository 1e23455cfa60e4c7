"""Writer and reader of the vectors of a run with their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._files import atomic_path, read_npz
from graphvid.data import Features

from .directory import RunDirectory

VECTORS = "embeddings.npz"
CODES = "codes.safetensors"  # file of a run that has learned codes of these vectors


def write_vectors(run: RunDirectory, **named: tuple[pd.Index, NDArray[np.float32]]) -> None:
    """Write the vectors of a run to ``embeddings.npz``.

    Parameters
    ----------
    run : RunDirectory
        Run to write into.
    **named : tuple of Index and ndarray of shape (len(ids), dim)
        Ids and vectors by kind. ``embedding`` writes the arrays ``ids`` and ``embedding``; any other name, such as ``user``,
        writes ``user_ids`` and ``user``.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, (ids, vectors) in named.items():
        arrays["ids" if name == "embedding" else f"{name}_ids"] = storable(ids)
        arrays[name] = vectors
    with atomic_path(run.path / VECTORS) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type] # no array is called allow_pickle


def read_vectors(run: RunDirectory, of: str | None = None) -> Features:
    """Read the vectors of a run.

    Parameters
    ----------
    run : RunDirectory
        A finished run.
    of : str, optional
        Kind of vectors, for a run with several kinds: ``"item"`` or ``"user"``. Default: the only kind, or the items.

    Returns
    -------
    Features
        Ids with the one modality ``"embedding"``.

    Raises
    ------
    FileNotFoundError
        The run is absent, unfinished, or has no vectors.
    ValueError
        The file is damaged, or has no vectors of this kind.
    """
    path = run.require(run.path / VECTORS)
    arrays = read_npz(path)
    kinds = [name for name in arrays if name != "ids" and not name.endswith("_ids")]
    if of is None:
        of = kinds[0] if len(kinds) == 1 else "item"
    if of not in kinds:
        raise ValueError(f"of must be one of {sorted(kinds)} for {path}, got {of!r}")
    ids = "ids" if of == "embedding" else f"{of}_ids"
    if ids not in arrays:
        raise ValueError(f"{path} must have the array {ids!r}, got {sorted(arrays)}")
    return Features(pd.Index(arrays[ids]), {"embedding": arrays[of].astype(np.float32, copy=False)})


def row_of(ids: pd.Index, wanted: Any, name: str, what: str) -> int:
    """Return the row of an id, which may be given as text; raise a KeyError that names the argument and its choices."""
    return int(rows_of(ids, [wanted], name, what)[0])


def rows_of(ids: pd.Index, wanted: Sequence[Any], name: str, what: str) -> NDArray[np.int64]:
    """Return the rows of several ids, as `row_of` does; raise a KeyError that names the first unknown id."""
    rows = pd.Index(ids.astype(str)).get_indexer(pd.Index([str(value) for value in wanted], dtype=object))
    if (rows < 0).any():
        absent = wanted[int(np.argmax(rows < 0))]
        count = "" if len(wanted) == 1 else f" ({int((rows < 0).sum())} of {len(wanted)} are not)"
        raise KeyError(f"{name} must be one of the {len(ids)} {what}, got {absent!r}{count}")
    return np.asarray(rows, dtype=np.int64)


def storable(ids: pd.Index) -> NDArray[Any]:
    """Return integer ids unchanged and all others as text."""
    return ids.to_numpy() if ids.dtype == np.int64 else ids.astype(str).to_numpy().astype(np.str_)
