"""Reader of videos from JSON lines or Parquet in the form of the QQ Browser 2021 contest."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphvid.data._files import with_path
from graphvid.data._id_spelling import show
from graphvid.data.frame_store import FrameStore, FrameWriter
from graphvid.data.video_records import IdLists, VideoRecords

_COLUMNS = ("id", "title", "asr_text", "frame_feature", "tag_id", "category_id")


def read_videos(*paths: str | Path, store: str | Path | None = None) -> VideoRecords:
    """Read the videos of files in the contest's form.

    Parameters
    ----------
    *paths : path-like
        One file or several, whose videos follow each other: ``.jsonl`` (one object a line) or ``.parquet``, with the
        contest's names:

        - ``id``: text or integer, the only required one;
        - ``title``, ``asr_text``: text, or null;
        - ``frame_feature``: one entry for each frame: a buffer of float16 in the machine's order, as in the contest's records
          (in JSON as base64), or a list of numbers. Null or empty: a video without frames;
        - ``tag_id``, ``category_id``: lists of integers, or null; a single integer is a list of one.

        Other columns are not read.
    store : path-like, optional
        Folder for the frames: the reader writes them there and maps them from there. If it exists, it must come from this
        file; its frames are then used, and those of the file are not read. Default: frames are in memory.

    Returns
    -------
    VideoRecords

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Another suffix, a line that is no JSON object or has no id, repeated ids, an entry of another form, frames of
        unequal width, NaN or infinite frames, a store of another number of videos; names the file and the video.

    Notes
    -----
    Parquet is read in groups of 1,000 rows, JSON line by line.
    """
    readers = {".jsonl": _json_records, ".parquet": _parquet_records}
    if not paths:
        raise ValueError("paths must name one file at least, got none")
    for path in map(Path, paths):
        if path.suffix not in readers:
            raise ValueError(f"path must end in one of {list(readers)}, got {path.name!r}")
        if not path.is_file():
            raise FileNotFoundError(f"{path} not found: expected videos in .jsonl or .parquet")
    ids: list[Any] = []
    texts: dict[str, list[str]] = {"title": [], "asr_text": []}
    numbers: dict[str, list[list[int]]] = {"tag_id": [], "category_id": []}
    stored = FrameStore.open(store) if store is not None and Path(store).exists() else None
    path = Path(paths[0])
    try:
        with _Frames(store) as frames:
            for path in map(Path, paths):
                for record in readers[path.suffix](path):
                    ids.append(record["id"])
                    where = f"of id {show(record['id'])}"
                    for name, column in texts.items():
                        column.append(_text(record.get(name), f"{name} {where}"))
                    for name, lists in numbers.items():
                        lists.append(_integers(record.get(name), f"{name} {where}"))
                    if stored is None:
                        frames.add(_frames(record.get("frame_feature"), where), where)
        return VideoRecords(
            ids,  # type: ignore[arg-type] # made an Index there
            frames.store() if stored is None else stored,
            texts["title"],
            texts["asr_text"],
            *(IdLists.from_lists(numbers[name]) for name in ("tag_id", "category_id")),
        )
    except (TypeError, ValueError) as error:
        raise with_path(error, path) from None


class _Frames:
    """Collects frames in memory or in a folder, from the first video with frames on."""

    def __init__(self, path: str | Path | None) -> None:
        self._path = path
        self._writer: FrameWriter | None = None
        self._arrays: list[NDArray[Any]] = []
        self._empty = 0
        self._dim = 0

    def __enter__(self) -> _Frames:
        return self

    def add(self, array: NDArray[Any] | None, where: str) -> None:
        if array is None:
            if not self._dim:
                self._empty += 1
                return
            array = np.empty((0, self._dim), dtype=np.float16)
        elif not self._dim:
            self._dim = array.shape[1]
            if self._path is not None:
                self._writer = FrameWriter(self._path, self._dim).__enter__()
            for _ in range(self._empty):
                self._put(np.empty((0, self._dim), dtype=np.float16))
        if array.shape[1] != self._dim:
            raise ValueError(f"frame_feature {where} must have {self._dim} columns as others, got {array.shape[1]}")
        if not np.isfinite(array.astype(np.float32)).all():
            raise ValueError(f"frame_feature {where} must be finite, got NaN or infinite values")
        self._put(array)

    def _put(self, array: NDArray[Any]) -> None:
        if self._writer is not None:
            self._writer.add(array)
        else:
            self._arrays.append(array)

    def __exit__(self, *error: Any) -> None:  # Any: kind, error and trace of the protocol
        if self._writer is not None:
            self._writer.__exit__(*error)

    def store(self) -> FrameStore | None:
        """Return the store of all frames, or None if no video has a frame."""
        if not self._dim:
            return None
        return FrameStore.open(self._path) if self._path is not None else FrameStore.from_videos(self._arrays)


def _json_records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise ValueError(f"line {number} is not JSON ({error})") from None
            if not isinstance(record, dict) or record.get("id") is None:
                raise ValueError(f"line {number} must be an object with an 'id', got {line.strip()[:60]!r}")
            yield record


def _parquet_records(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            present = [name for name in _COLUMNS if name in file.schema_arrow.names]
            if "id" not in present:
                raise ValueError(f"it must have a column 'id', got {file.schema_arrow.names}")
            for batch in file.iter_batches(batch_size=1000, columns=present):
                yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise ValueError(f"it is not a Parquet file, or it is truncated or corrupt ({error})") from None


def _text(value: Any, what: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):  # as in the contest's records
        return value.decode("utf-8")
    if not isinstance(value, str):
        raise ValueError(f"{what} must be text or null, got {type(value).__name__}")
    return value


def _integers(value: Any, what: str) -> list[int]:
    values = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in values):
        raise ValueError(f"{what} must be a list of integers, got {values!r}"[:200])
    return values


def _frames(value: Any, where: str) -> NDArray[Any] | None:
    """Return the frames of one video, (num_frames, dim), or None for a video without frames."""
    if value is None or (isinstance(value, list) and not value):
        return None
    form = f"frame_feature {where} must be a list of float16 buffers (base64 in JSON) or of lists of numbers"
    if not isinstance(value, list):
        raise ValueError(f"{form}, got {type(value).__name__}")
    try:
        rows = [
            np.frombuffer(base64.b64decode(frame, validate=True) if isinstance(frame, str) else frame, dtype=np.float16)
            if isinstance(frame, (str, bytes))
            else np.asarray(frame, dtype=np.float32)
            for frame in value
        ]
    except (ValueError, TypeError) as error:
        raise ValueError(f"{form}, got {error}") from None
    shapes = {row.shape for row in rows}
    if len(shapes) != 1 or len(rows[0].shape) != 1 or not rows[0].size:
        raise ValueError(f"{form}, all of one length, got shapes {sorted(shapes)}")
    return np.stack(rows)
