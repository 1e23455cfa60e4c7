"""Reader of clip features in a folder with one file for each video."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from graphvid._files import read_npy
from graphvid.data._files import as_path, with_path
from graphvid.data._id_spelling import INTEGER
from graphvid.data._ids import name_some, unique_index
from graphvid.data.clip_features import ClipFeatures


def read_clip_files(folder: str | Path, ids: Iterable[Any] | None = None) -> ClipFeatures:
    """Return the clip features in a folder with one ``.npy`` file for each video, named by its id.

    The authors of FRAME release their features in this form: four vectors of 128 columns for each video.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds ``<id>.npy`` of shape (num_clips, dim) for every video, all of one shape.
    ids : iterable of ids, optional
        The videos to read, in that order; other files are not opened. Default: those of all files, in sorted order, as
        integers if every name is one within int64, and as text otherwise.

    Returns
    -------
    ClipFeatures
        float32, in memory; `ClipFeatures.save` writes it as a memory-mapped store.

    Raises
    ------
    FileNotFoundError
        There is no such folder.
    ValueError
        No file at all, videos without a file (names some), a corrupt file, one of another shape, and as `ClipFeatures`
        raises.

    References
    ----------
    FRAME (SIGIR 2023), released code and features: GitHub repository tsinghua-fib-lab/FRAME.
    """
    folder = as_path(folder, "folder")
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} not found: expected a folder with one .npy file a video")
    names = {path.stem for path in folder.iterdir() if path.suffix == ".npy"}
    if ids is None:
        whole = all(INTEGER.fullmatch(name) and -(2**63) <= int(name) < 2**63 for name in names)
        ids = sorted(int(name) for name in names) if whole else sorted(names)
    index = unique_index(ids, "ids")
    absent = [value for value in index if str(value) not in names]
    if absent or not len(index):
        raise ValueError(
            f"{folder} must hold a file <id>.npy for every video, got none for {name_some(absent) or 'any'}"
        )
    table = np.empty(0, dtype=np.float32)
    for row, value in enumerate(index):
        path = folder / f"{value}.npy"
        array = read_npy(path)
        if row == 0:
            table = np.empty((len(index), *array.shape), dtype=np.float32)
        if array.shape != table.shape[1:] or array.dtype.kind not in "biuf":
            expected = f"shape {table.shape[1:]} like {index[0]}.npy and a real dtype"
            raise ValueError(f"{path} must have {expected}, got shape {array.shape} and dtype {array.dtype}")
        with np.errstate(over="ignore"):
            table[row] = array
    try:
        return ClipFeatures(index, table)
    except ValueError as error:
        raise with_path(error, folder) from None
