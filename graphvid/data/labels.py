"""Labels of videos from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data._files import as_path, with_path
from graphvid.data._tables import read_table
from graphvid.data.features import Features


def read_labels(path: str | Path, features: Features) -> NDArray[np.int64]:
    """Return the labels of the videos in a CSV or Parquet file, as classes from 0 on in the order of their text.

    Parameters
    ----------
    path : path-like
        A file in one of the forms of `WatchLog.read` with the columns ``video_id`` and ``label``; rows of other videos are
        not used.
    features : Features
        Whose videos are labelled; integers equal the text that spells them.

    Returns
    -------
    ndarray of int64, shape (num_videos,)
        In the order of the features.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Another suffix, a missing column, a video without a label or with two; names the file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "labels.csv"
    >>> _ = path.write_text("video_id,label\\na,sport\\nb,music\\n")
    >>> read_labels(path, Features(["b", "a"], {"x": np.ones((2, 1))}))
    array([0, 1])
    """
    try:
        frame = read_table(as_path(path), _find_columns, ("video_id",))
        texts = pd.Index(frame["video_id"].astype(str))
        wanted = pd.Index(features.ids.astype(str))
        if texts.has_duplicates:
            raise ValueError(f"every video must have one label, got two for {texts[texts.duplicated()][0]!r}")
        rows = texts.get_indexer(wanted)
        if (rows < 0).any():
            raise ValueError(
                f"every video must have a label, got none for {wanted[rows < 0][0]!r} ({(rows < 0).sum()} such)"
            )
        labels = frame["label"].iloc[rows]
        if labels.isna().any():
            raise ValueError(f"labels must not be missing, got none for {wanted[labels.isna().to_numpy()][0]!r}")
        return np.asarray(pd.factorize(labels.astype(str), sort=True)[0], dtype=np.int64)
    except (TypeError, ValueError) as error:
        raise with_path(error, as_path(path)) from None


def _find_columns(present: list[str]) -> dict[str, str]:
    if any(present.count(name) != 1 for name in ("video_id", "label")):
        raise ValueError(f"the table must have the columns 'video_id' and 'label', each once, got {present}")
    return {"video_id": "video_id", "label": "label"}
