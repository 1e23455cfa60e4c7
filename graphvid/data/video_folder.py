"""A folder of video files, decoded by PyAV clip by clip."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from graphvid._checks import check_choice, check_count, check_integer
from graphvid.data._files import as_path
from graphvid.data._ids import unique_index
from graphvid.data.clips import check_clip

if TYPE_CHECKING:
    import av

_SUFFIXES = (".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
Fit = Literal["crop", "stretch"]
_REORDER = 16  # frames by which the decoding order of H.264 may precede the display order: seek this much further back


class _Timeline(NamedTuple):
    """Frames of a file from one decoding: their times in stream units, or None if they do not allow seeking."""

    num_frames: int
    times: NDArray[np.int64] | None


class VideoFolder:
    """The videos in a folder and its subfolders; a `ClipSource`. The id of a video is its file name without ending.

    The constructor decodes every file once, to count its frames and to find broken files. Later, `clip` seeks the nearest key
    frame before the clip and decodes from there: exact, but slow for training. `PixelStore.write` copies the frames once.

    Parameters
    ----------
    path : path-like
        Files ending in .avi, .flv, .m4v, .mkv, .mov, .mp4, .mpeg, .mpg, .webm or .wmv, in lower or upper case, are videos;
        others, and hidden ones, are ignored.
    size : tuple of int
        (height, width) of the scaled frames, each 1 to 4096.
    channels : {3, 1}, default 3
        RGB or grey. Grey files give three equal channels; an alpha channel is left out.
    fit : {"crop", "stretch"}, default "crop"
        For videos of another aspect ratio: scale until the frame is covered and crop the middle, or scale both sides
        separately. Non-square pixels and rotation flags of a file are ignored.
    min_frames : int, default 1
        A video with fewer frames counts as broken; use the footprint of the clips to read.
    on_error : {"raise", "skip"}, default "raise"
        Treatment of unusable files: one error that counts them and names some; or one warning, and they are in ``skipped``.
    progress : bool, default False
        Show a bar.

    Attributes
    ----------
    paths : list of Path
        File of every video, in the order of ``ids``, which are sorted.
    skipped : dict of str to str
        Skipped files, as paths below ``path``, and the reason for each.

    Raises
    ------
    FileNotFoundError
        There is no such folder.
    ImportError
        PyAV is absent: extra ``video``.
    ValueError
        No usable video; two files with one id; without ``on_error="skip"`` a broken file: no video stream, no frame, fewer
        than ``min_frames``, frames of several sizes, an error of the decoder, fewer frames than in the file's header.

    Notes
    -----
    Matroska and WebM files do not store the number of frames, so a file that was cut between two frames is not detected. A
    damage that the decoder conceals (a spot inside a frame, repaired from its surroundings) is not detected either.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        *,
        channels: Literal[3, 1] = 3,
        fit: Fit = "crop",
        min_frames: int = 1,
        on_error: Literal["raise", "skip"] = "raise",
        progress: bool = False,
    ) -> None:
        folder = as_path(path)
        if not isinstance(size, Sequence) or len(size) != 2:
            raise ValueError(f"size must be (height, width), got {size!r}")
        height, width = (check_count(f"size[{i}]", side, 1, 4096) for i, side in enumerate(size))
        if isinstance(channels, bool) or channels not in (1, 3):
            raise ValueError(f"channels must be 3 (RGB) or 1 (grey), got {channels!r}")
        check_choice("fit", fit, get_args(Fit))
        check_integer("min_frames", min_frames, 1)
        check_choice("on_error", on_error, ("raise", "skip"))
        _import_av()
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} not found: expected a folder of videos")
        self._shape, self.fit = (height, width, int(channels)), fit
        files = [file for file in folder.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file()]
        files = sorted((file for file in files if not file.name.startswith(".")), key=lambda file: (file.stem, file))
        if not files:
            raise ValueError(f"{folder} must hold a video ({', '.join(_SUFFIXES)}), got none")
        for one, two in pairwise(files):
            if one.stem == two.stem:
                raise ValueError(f"videos must have distinct names without ending, got {one} and {two}")
        self.paths: list[Path] = []
        self.skipped: dict[str, str] = {}
        self._timelines: list[_Timeline] = []
        for file in tqdm(files, desc="videos", disable=not progress):
            try:
                timeline = _scan(file)
                if timeline.num_frames < min_frames:
                    raise ValueError(f"it has {timeline.num_frames} frames, and {min_frames} are needed")
            except ValueError as error:
                self.skipped[str(file.relative_to(folder))] = str(error)
            else:
                self.paths.append(file)
                self._timelines.append(timeline)
        if self.skipped:
            found = "; ".join(f"{name}: {reason}" for name, reason in list(self.skipped.items())[:5])
            more = f" and {len(self.skipped) - 5} more" if len(self.skipped) > 5 else ""
            message = f"{len(self.skipped)} of {len(files)} videos in {folder} cannot be used ({found}{more})"
            if on_error == "raise" or not self.paths:
                raise ValueError(message)
            warnings.warn(f"{message}; they are left out", stacklevel=2)
        self._ids = unique_index([file.stem for file in self.paths], "ids")

    @property
    def ids(self) -> pd.Index:
        """File name of every video without ending, sorted."""
        return self._ids

    @property
    def num_frames(self) -> NDArray[np.int64]:
        """Frames of every video."""
        return np.array([timeline.num_frames for timeline in self._timelines], dtype=np.int64)

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self._shape

    def clip(self, video: int, start: int, length: int, stride: int = 1) -> NDArray[np.uint8]:
        """Return a clip; see `ClipSource.clip`.

        Raises
        ------
        ValueError
            As `check_clip` raises; or the file has changed since the folder was opened.
        """
        check_clip(self, video, start, length, stride)
        frames = np.empty((length, *self._shape), dtype=np.uint8)
        wanted = range(start, start + (length - 1) * stride + 1, stride)
        path, timeline = self.paths[video], self._timelines[video]
        convert = self._converter()
        for sought in (True, False):  # after a wrong seek, again from the beginning
            filled = 0
            for place, frame in _decode_from(path, timeline, start if sought else 0):
                if place > wanted[filled]:
                    break
                if place == wanted[filled]:
                    frames[filled] = convert(frame)
                    filled += 1
                    if filled == length:
                        return frames
        raise ValueError(f"{path} changed since its folder was opened: it is shorter than it was")

    def _converter(self) -> Callable[[av.VideoFrame], NDArray[np.uint8]]:
        """Return a function from frames of one file to pixels; it reuses the setup of the first frame."""
        height, width, channels = self._shape
        reformatter = _import_av().video.reformatter.VideoReformatter()

        def convert(frame: av.VideoFrame) -> NDArray[np.uint8]:
            high, wide = height, width
            if self.fit == "crop":
                scale = max(height / frame.height, width / frame.width)
                high, wide = max(height, round(frame.height * scale)), max(width, round(frame.width * scale))
            form = "rgb24" if channels == 3 else "gray"
            changed = reformatter.reformat(frame, wide, high, form, interpolation="AREA")
            top, left = (high - height) // 2, (wide - width) // 2
            pixels: NDArray[np.uint8] = changed.to_ndarray().reshape(high, wide, channels)
            return pixels[top : top + height, left : left + width]

        return convert


def _import_av() -> Any:  # Any: a module
    try:
        import av
    except ImportError as error:
        raise ImportError('videos are decoded by PyAV: pip install "graphvid[video]"') from error
    return av


def _scan(path: Path) -> _Timeline:
    """Decode a file and return its timeline; raise a ValueError that names the defect."""
    av = _import_av()
    times: list[int | None] = []
    sizes: set[tuple[int, int]] = set()
    packets = 0
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.video:
                raise ValueError("it has no video stream")
            stream = container.streams.video[0]
            stream.thread_type = "NONE"  # small frames: threads cost more than they save
            promised = stream.frames
            for packet in container.demux(stream):
                packets += packet.size > 0
                for frame in packet.decode():
                    times.append(frame.pts)
                    sizes.add((frame.height, frame.width))
    except (av.FFmpegError, OSError) as error:
        raise ValueError(f"the decoder says: {error.strerror or error}, after {len(times)} frames") from None
    if packets < promised:
        raise ValueError(f"it is cut or damaged: {packets} of the {promised} frames that its header promises")
    if not times:
        raise ValueError("it has no frame")
    if len(sizes) > 1:
        raise ValueError(f"its frames have several sizes: {' and '.join(f'{h} x {w}' for h, w in sorted(sizes))}")
    if any(time is None for time in times):
        return _Timeline(len(times), None)
    array = np.array(times, dtype=np.int64)
    return _Timeline(len(times), array if (np.diff(array) > 0).all() else None)


def _decode_from(path: Path, timeline: _Timeline, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield the frames of a file with their places, from a key frame before ``start`` if the file allows seeking.

    A frame whose time is not in the timeline, which some containers return after seeking, has the place ``num_frames``.
    """
    av, times, first = _import_av(), timeline.times, start - _REORDER
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            stream = container.streams.video[0]
            stream.thread_type = "NONE"
            if times is None or first <= 0:
                yield from enumerate(container.decode(stream))
                return
            with suppress(av.FFmpegError):  # a container without seeking is read from its beginning
                container.seek(int(times[first]), stream=stream)
            for frame in container.decode(stream):
                place = len(times) if frame.pts is None else int(np.searchsorted(times, frame.pts))
                yield (place if place < len(times) and times[place] == frame.pts else len(times)), frame
    except (av.FFmpegError, OSError) as error:
        raise ValueError(f"{path} cannot be decoded: {error.strerror or error}") from None
