"""Writer and reader of vectors in the submission form of the QQ Browser 2021 contest."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from graphvid._files import atomic_path
from graphvid.data._ids import name_some, unique_index

MAX_COLUMNS = 256


def write_submission(path: str | Path, ids: Iterable[Any], vectors: ArrayLike, *, required: Iterable[Any] = ()) -> None:
    """Write a submission of the contest: a zip archive with ``result.json``, an object from id to list of numbers.

    Parameters
    ----------
    path : path-like
        File name, ending in ``.zip``.
    ids : iterable of ids, shape (num_videos,)
        Written as text.
    vectors : array_like of float, shape (num_videos, dim)
        Finite; at most 256 columns.
    required : iterable of ids, optional
        The videos that the submission must have.

    Raises
    ------
    ValueError
        Another suffix, more than 256 columns, values that are not finite, ids that are repeated or missing (names some).
    """
    path = Path(path)
    if path.suffix != ".zip":
        raise ValueError(f"path must end in .zip, got {path.name!r}")
    index = unique_index(ids, "ids")
    array = np.asarray(vectors, dtype=np.float32)
    if array.ndim != 2 or len(array) != len(index):
        raise ValueError(f"vectors must have shape ({len(index)}, dim), got {array.shape}")
    if array.shape[1] > MAX_COLUMNS:
        raise ValueError(f"vectors must have at most {MAX_COLUMNS} columns, got {array.shape[1]}")
    wrong = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(wrong):
        raise ValueError(f"vectors must be finite, got other values for ids {name_some(index[wrong])}")
    missing = [value for value in required if value not in index]
    if missing:
        raise ValueError(f"a submission must hold every id, missing are {name_some(missing)}")
    result = {str(value): [float(str(number)) for number in row] for value, row in zip(index, array)}
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("result.json", json.dumps(result))


def read_submission(path: str | Path, *, required: Iterable[Any] = ()) -> tuple[pd.Index, NDArray[np.float32]]:
    """Read a submission back, with the checks of `write_submission`.

    Returns
    -------
    ids : pandas.Index of text, shape (num_videos,)
    vectors : ndarray of float32, shape (num_videos, dim)
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            result = json.loads(archive.read("result.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(f"{path} must be a zip archive with result.json ({error})") from None
    if not isinstance(result, dict) or not result:
        raise ValueError(
            f"{path}: result.json must be an object from id to list of numbers, got {type(result).__name__}"
        )
    missing = [value for value in required if str(value) not in result]
    if missing:
        raise ValueError(f"{path}: a submission must hold every id, missing are {name_some(missing)}")
    lengths = {len(row) for row in result.values()}
    if len(lengths) != 1 or not 1 <= max(lengths) <= MAX_COLUMNS:
        raise ValueError(f"{path}: every list must have one length of 1 to {MAX_COLUMNS}, got {sorted(lengths)[:5]}")
    vectors = np.asarray(list(result.values()), dtype=np.float32)
    if not np.isfinite(vectors).all():
        raise ValueError(f"{path}: all numbers must be finite")
    return pd.Index(list(result), dtype=object), vectors
