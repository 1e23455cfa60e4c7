"""Paths of data sets on disk, and errors about the content of a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENVIRONMENT_VARIABLE = "GRAPHVID_DATA"


def as_path(path: Any, name: str = "path") -> Path:  # Any: whatever a caller gives
    """Return ``path`` as a Path; raise a TypeError that names the argument unless it is text or a path-like."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path (str or path-like), got {type(path).__name__}")
    return Path(path)


def find_root(root: str | Path | None, name: str, expected: str) -> Path:
    """Return ``root``, by default $GRAPHVID_DATA; without both raise a FileNotFoundError that names the data set."""
    chosen = root if root is not None else os.environ.get(ENVIRONMENT_VARIABLE)
    if not chosen:
        raise FileNotFoundError(
            f"{name} must be given, or {ENVIRONMENT_VARIABLE} set, to the folder that holds {expected}"
        )
    return as_path(chosen, name).expanduser()


def find_files(data_dir: str | Path | None, folder: str, names: Sequence[str], source: str) -> list[Path]:
    """Return the paths of a data set's files below ``data_dir``, by default below $GRAPHVID_DATA.

    Raises
    ------
    FileNotFoundError
        A file is absent; names the expected files and the source of the data.
    """
    expected = f"{folder}/ with {' and '.join(names)}; they come from {source}; nothing is downloaded"
    paths = [find_root(data_dir, "data_dir", expected) / folder / name for name in names]
    absent = [str(path) for path in paths if not path.is_file()]
    if absent:
        raise FileNotFoundError(f"{' and '.join(absent)} not found; data_dir must hold {expected}")
    return paths


def integers(arrays: Mapping[str, NDArray[Any]], name: str, ndim: int) -> NDArray[np.int64]:
    """Return an array of a file as int64; raise a ValueError that names it for another type or number of dimensions."""
    array = arrays[name]
    if array.dtype.kind not in "iu" or array.ndim != ndim:
        raise ValueError(f"array {name!r} must hold integers in {ndim} dimensions, got {array.dtype} in {array.ndim}")
    return array.astype(np.int64)


def with_path(error: ValueError | TypeError, path: Path) -> ValueError | TypeError:
    """Return the error for a file with the right form but invalid content."""
    return (TypeError if isinstance(error, TypeError) else ValueError)(f"{path}: {error}")
