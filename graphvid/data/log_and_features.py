"""Reader of a watch log and the features of its videos as one aligned pair."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from graphvid.data.feature_files import load_features
from graphvid.data.features import Features
from graphvid.data.watch_log import WatchLog


class LogAndFeatures(NamedTuple):
    """A watch log and features over one vocabulary: row i of the features is video i of the log.

    Parameters
    ----------
    log : WatchLog
        Its ``video_ids`` are ``features.ids``, so it may hold videos that nobody watched.
    features : Features
    """

    log: WatchLog
    features: Features


def read_log_and_features(
    log: str | Path,
    features: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    measures: Collection[str] | None = None,
    duplicates: Literal["drop", "keep", "error"] = "drop",
    missing: Literal["error", "drop"] = "error",
    strict: bool = True,
    milliseconds: Collection[str] = (),
    delimiter: str | None = None,
    mmap: bool = False,
) -> LogAndFeatures:
    """Return the log and the features in two files, with one number for a video in both.

    Read apart, they are not aligned: `WatchLog.read` numbers videos in sorted order of their ids, `load_features` keeps
    the order of its file.

    Parameters
    ----------
    log : path-like
        As `WatchLog.read` takes it.
    features : path-like
        As `load_features` takes it, with ids. Their order is the order of the videos.
    columns, measures, duplicates, strict, milliseconds, delimiter
        As in `WatchLog.read`.
    mmap : bool, default False
        As in `load_features`.
    missing : {"error", "drop"}, default "error"
        Treatment of rows of the log whose video has no features, or that lack a user or video: an error, or drop them with a
        warning; the counts stay in ``log.dropped``.

    Returns
    -------
    LogAndFeatures
        Unpacks into ``log, features``.

    Raises
    ------
    FileNotFoundError
        A file is not there.
    TypeError, ValueError
        As `WatchLog.read` and `load_features` raise; names the file.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "watches.csv").write_text("user_id,video_id\\nann,cat\\nbob,dog\\nbob,cat\\n")
    >>> np.savez(folder / "features.npz", ids=np.array(["owl", "dog", "cat"]), visual=np.eye(3))
    >>> log, features = read_log_and_features(folder / "watches.csv", folder / "features.npz")
    >>> log.video_ids.tolist() == features.ids.tolist(), features.modalities["visual"][log.video]
    (True, array([[0., 0., 1.],
           [0., 1., 0.],
           [0., 0., 1.]], dtype=float32))
    """
    vectors = load_features(features, mmap=mmap)
    watches = WatchLog.read(
        log,
        columns=columns,
        video_ids=vectors.ids,
        measures=measures,
        duplicates=duplicates,
        missing=missing,
        strict=strict,
        milliseconds=milliseconds,
        delimiter=delimiter,
    )
    return LogAndFeatures(watches, vectors)
