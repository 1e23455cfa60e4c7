"""Source of the task clips: a folder of videos, a store of decoded pixels, or the generated world of moving digits."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from graphvid._record import Count, NotNegative, Record, Seed, record
from graphvid.data import ClipSource, Features, PixelStore, SyntheticMotion, read_labels

_FRAMES_AT_ONCE = 4096  # of a checksum


@record
class ClipsSource(Record):
    """Videos to read.

    Exactly one of ``dataset`` and ``videos`` is given.

    Parameters
    ----------
    videos : str, optional
        A folder of video files, whose names without ending are the ids, or one that `graphvid.data.PixelStore` wrote.
    store : str, optional
        A folder that keeps the decoded pixels of ``videos``; made where it is absent. Default: they are kept in memory.
    height, width : int
        Pixels to which frames of video files are scaled.
    labels : str, optional
        CSV or Parquet with the columns ``video_id`` and ``label``, one row for every video; only to judge by.
    dataset : str, optional
        ``"synthetic-motion"``: digits that move over textures; see `graphvid.data.SyntheticMotion`.
    num_videos : int
        Videos of the generated world to train on; its test parts are in proportion.
    drift : float
        Largest speed of its scenery, in pixels a frame.
    bg_instance : {"random", "fixed"}
        Whether its scenery differs inside a class.
    seed : int
        Of the generated world.

    Raises
    ------
    ValueError
        A combination that does not name one source.
    """

    files: ClassVar[tuple[str, ...]] = ("videos", "store", "labels")

    videos: str | None = None
    store: str | None = None
    height: Count = 64
    width: Count = 64
    labels: str | None = None
    dataset: Literal["synthetic-motion"] | None = None
    num_videos: Annotated[int, Field(ge=16, le=10**6)] = 1600
    drift: NotNegative = 0.4
    bg_instance: Literal["random", "fixed"] = "random"
    seed: Seed = 0

    def __post_init__(self) -> None:
        given = [name for name in ("dataset", "videos") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of dataset and videos must be given, got {given or 'none'}")
        for name in ("store", "labels"):
            if self.dataset is not None and getattr(self, name) is not None:
                raise ValueError(f"{name} must not be given with dataset")


@dataclass(frozen=True, eq=False)
class LoadedClips:
    """Videos with their classes or their generated world.

    Parameters
    ----------
    name : str
        For headings.
    source : ClipSource
        Videos to train on.
    labels : ndarray of int64, shape (num_videos,), optional
        Classes from 0 on, for the evaluation.
    world : SyntheticMotion, optional
        The generated world, with its test parts.
    """

    name: str
    source: ClipSource
    labels: NDArray[np.int64] | None = None
    world: SyntheticMotion | None = None

    def fingerprint(self) -> dict[str, Any]:  # Any: JSON values
        """Return counts and a checksum of ids, pixels and labels: equal for equal data."""
        source = self.source
        crc = zlib.crc32("\0".join(source.ids.astype(str)).encode())
        for video, frames in enumerate(source.num_frames.tolist()):
            for start in range(0, frames, _FRAMES_AT_ONCE):
                clip = source.clip(video, start, min(_FRAMES_AT_ONCE, frames - start))
                crc = zlib.crc32(np.ascontiguousarray(clip).data, crc)
        if self.labels is not None:
            crc = zlib.crc32(self.labels.data, crc)
        return {
            "name": self.name,
            "num_videos": len(source.ids),
            "num_frames": int(source.num_frames.sum()),
            "frame_shape": list(source.frame_shape),
            "num_classes": None if self.labels is None else int(self.labels.max()) + 1,
            "crc32": crc,
        }


def load_clips(source: ClipsSource, *, progress: bool = True) -> LoadedClips:
    """Read a source.

    Parameters
    ----------
    source : ClipsSource
        What to read.
    progress : bool, default True
        Show a bar while videos are decoded.

    Raises
    ------
    FileNotFoundError
        A folder or file that is not there.
    ImportError
        PyAV (for video files) or scikit-learn (for the generated world) is not installed: extra ``video``.
    ValueError
        A folder without videos, or labels that do not name every video once.
    """
    if source.dataset is not None:
        number = source.num_videos
        world = SyntheticMotion(
            num_train=number,
            num_matched=number * 5 // 16,
            num_shifted=number * 5 // 16,
            num_decorrelated=number * 3 // 4,
            drift=source.drift,
            bg_instance=source.bg_instance,
            seed=source.seed,
        )
        return LoadedClips(world.name, world.train.source, None, world)
    assert source.videos is not None
    videos = open_videos(source.videos, (source.height, source.width), store=source.store, progress=progress)
    labels = None
    if source.labels is not None:
        labels = read_labels(source.labels, Features(videos.ids, {"none": np.zeros((len(videos.ids), 1), np.float32)}))
    return LoadedClips(Path(source.videos).name, videos, labels)


def open_videos(
    path: str | Path,
    size: tuple[int, int],
    *,
    channels: Literal[1, 3] = 3,
    store: str | Path | None = None,
    progress: bool = True,
) -> PixelStore:
    """Return the pixels of the videos of a folder, decoded if they are not yet.

    Parameters
    ----------
    path : path-like
        A folder of video files, or one that `PixelStore.write` wrote.
    size : pair of int
        Height and width of the frames of video files.
    channels : {3, 1}
        Of those frames: RGB or grey.
    store : path-like, optional
        See `ClipsSource`.
    progress : bool, default True
        Show a bar.

    Raises
    ------
    FileNotFoundError, ValueError
        As `load_clips` raises, or the ``store`` has other videos.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} not found: expected a folder of videos")
    if (folder / "pixels.npy").exists():
        if store is not None:
            raise ValueError(f"store must not be given with {folder}, which holds decoded pixels, got {store}")
        return PixelStore.open(folder)
    from graphvid.data import VideoFolder

    videos = VideoFolder(folder, size, channels=channels, progress=progress)
    if store is None:
        frames = {name: videos.clip(v, 0, int(videos.num_frames[v])) for v, name in enumerate(videos.ids)}
        return PixelStore.from_videos(frames)
    if not Path(store).exists():
        return PixelStore.write(store, videos, progress=progress)
    kept = PixelStore.open(store)
    same_videos = list(kept.ids) == list(videos.ids) and np.array_equal(kept.num_frames, videos.num_frames)
    if not same_videos or kept.frame_shape != videos.frame_shape:
        raise ValueError(f"store {store} holds the pixels of other videos than {folder}, or of another size")
    return kept
