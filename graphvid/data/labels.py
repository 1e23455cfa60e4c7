"""Reader of labels of videos from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data._files import as_path, with_path
from graphvid.data._ids import match_ids, name_some
from graphvid.data._tables import exactly, read_table
from graphvid.data.features import Features


def read_labels(path: str | Path, features: Features) -> NDArray[np.int64]:
    """Return the labels of the videos in a CSV or Parquet file, as classes from 0 on in the order of their text.

    Parameters
    ----------
    path : path-like
        A file in one of the forms of `WatchLog.read` with the columns ``video_id`` and ``label``; rows of other videos are
        not used.
    features : Features
        Features of the videos to label; integers equal the text that spells them.

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
    path = as_path(path)
    try:
        frame = read_table(path, exactly(("video_id", "label")), ("video_id",))
        rows = match_ids(features.ids, frame["video_id"])
        if (rows < 0).any():
            raise ValueError(f"every video must have a label, got none for {name_some(features.ids[rows < 0])}")
        labels = frame["label"].iloc[rows]
        missing = labels.isna().to_numpy()
        if missing.any():
            raise ValueError(f"labels must not be missing, got none for {name_some(features.ids[missing])}")
        return np.asarray(pd.factorize(labels.astype(str), sort=True)[0], dtype=np.int64)
    except (TypeError, ValueError) as error:
        raise with_path(error, path) from None
