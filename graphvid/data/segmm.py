"""Reader of the SegMM sample: watch times of short videos, with labels of the watched segments."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data._files import find_files, with_path
from graphvid.data._tables import exactly, read_table
from graphvid.data.watch_log import WatchLog

_SOURCE = "the GitHub repository hezy18/SegMMInterest (SegMM_inter_sample.csv, columns renamed)"
_COLUMNS = {
    "user_id": "user_id",
    "video_id": "video_id",
    "watch_time": "playing_time_ms",
    "duration": "duration_ms",
    "timestamp": "time_ms",
}
_SEGMENTS = ("n_segments", "segment_labels")


class SegmentLabels(NamedTuple):
    """Labels of segments; row i of the log has ``labels[indptr[i] : indptr[i + 1]]``.

    Parameters
    ----------
    indptr : ndarray of int64, shape (num_interactions + 1,)
        Start of the segments of every row.
    labels : ndarray of int8, shape (num_segments,)
        1 watched, 0 left in this segment, -1 never reached.
    """

    indptr: NDArray[np.int64]
    labels: NDArray[np.int8]


class SegMM:
    """Ten thousand interactions with short videos, cut into segments of five seconds.

    37 users (16 to 1,052 rows each), 9,123 videos, 10,000 interactions, all that the authors publish as a sample of
    2,368 users and 362,430 videos in three days of a short-video app. Videos last 5 to 200 s. 66.7 % of the rows contain
    a segment in which the user left, 35.1 % already in the first; play times exceed durations if a video is replayed. There
    are no visual features. `read_frame_release` reads the log of the full set.

    Parameters
    ----------
    data_dir : str or pathlib.Path, optional
        Folder that holds ``segmm_sample/interactions.csv.gz``. Default: the environment variable GRAPHVID_DATA. Nothing
        is downloaded.

    Attributes
    ----------
    log : WatchLog
        All rows in the order of the file, including two repeated pairs of user and video; ids are those of the file. Times
        were whole milliseconds: ``round(1000 * seconds)`` gives them back. The moment of time 0 is not published.
    segment_labels : SegmentLabels
        Labels of row i of the log. A row has 1s, then at most one 0, then -1s. The 1s are the segments played to their end,
        and in 13.6 % of the rows one more, mostly the short last segment of a completed video.
    segment_seconds : float
        5.0, the length of a segment; the last segment of a video is the remainder.

    Raises
    ------
    FileNotFoundError
        The file is not there; names the expected files and their source.
    ValueError
        A corrupt file, labels other than 1, 0 and -1, or a number of labels that does not fit the duration.

    Notes
    -----
    The users are the first 37 and not a random sample, and most videos occur once. The sample suits watch times and hazards
    but is too small for collaborative filtering.

    References
    ----------
    He et al., "Short Video Segment-level User Dynamic Interests Modeling in Personalized Recommendation", SIGIR 2025.

    Examples
    --------
    >>> data = SegMM()  # doctest: +SKIP
    >>> data.log.num_interactions, len(data.segment_labels.labels)  # doctest: +SKIP
    (10000, 86390)
    """

    segment_seconds = 5.0

    def __init__(self, data_dir: str | Path | None = None) -> None:
        (path,) = find_files(data_dir, "segmm_sample", ("interactions.csv.gz",), _SOURCE)
        try:
            columns = exactly({**_COLUMNS, **{name: name for name in _SEGMENTS}})
            frame = read_table(path, columns, ("user_id", "video_id", "segment_labels"), ("segment_labels",))
            times = ("watch_time", "duration", "timestamp")
            self.log = WatchLog.from_frame(frame, columns=_COLUMNS, duplicates="keep", milliseconds=times)
            self.segment_labels = _parse(frame, self.segment_seconds)
        except (ValueError, TypeError) as error:
            raise with_path(error, path) from None


def _parse(frame: pd.DataFrame, segment_seconds: float) -> SegmentLabels:
    """Return the labels of all rows, parsed from numbers separated by one space."""
    rows = [text.split() for text in frame["segment_labels"].fillna("")]
    counts = np.array([len(row) for row in rows], dtype=np.int64)
    expected = -(-frame["duration_ms"].to_numpy() // int(1000 * segment_seconds))
    wrong = (counts != expected) | (counts != frame["n_segments"].to_numpy())
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"segment_labels must have n_segments = ceil(duration_ms / {1000 * segment_seconds:.0f}) labels, got "
            f"{counts[row]} in row {row} with duration_ms {frame['duration_ms'].iloc[row]}"
        )
    words = [word for row in rows for word in row]
    unknown = sorted(set(words) - {"1", "0", "-1"})
    if unknown:
        raise ValueError(f"segment_labels must hold 1, 0 and -1, got {unknown[0]!r}")
    return SegmentLabels(np.concatenate([[0], np.cumsum(counts)]), np.array(words, dtype=np.int8))
