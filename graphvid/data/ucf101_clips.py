"""Reader of a hundred real action clips of UCF101, down-scaled."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from graphvid._files import read_npz
from graphvid.data._files import find_files
from graphvid.data.pixel_store import PixelStore
from graphvid.data.video_folder import VideoFolder

_COLUMNS = ["name", "class", "group", "n_frames"]


class UCF101Clips:
    """100 clips of 62 classes: 16 frames of each clip, and all frames by decoding.

    Parameters
    ----------
    data_dir : path-like, optional
        Folder that holds ``ucf101_clips``. Default: the environment variable GRAPHVID_DATA.

    Attributes
    ----------
    ids : pandas.Index
        Names without ending, such as "v_Archery_g02_c02", in the order of the file.
    label, group, num_frames : ndarray of int64, shape (100,)
        ``label`` is a row of ``label_names``. ``group`` is the source video within the class, 1 to 25; clips of one group show
        one scene, so keep them on one side of a split. ``num_frames`` counts the frames of the complete clip.
    label_names : list of str
    frames16 : PixelStore
        16 frames evenly spaced over each clip, 60 high, 80 wide, RGB, in memory.

    Raises
    ------
    FileNotFoundError
        A file is absent.
    ValueError
        The files do not belong together.

    References
    ----------
    Soomro, Zamir, Shah, "UCF101: A Dataset of 101 Human Actions Classes From Videos in The Wild", CRCV-TR-12-01, 2012.
    """

    name = "ucf101-clips"

    def __init__(self, data_dir: str | Path | None = None) -> None:
        table_path, frames_path = find_files(
            data_dir,
            "ucf101_clips",
            ["clips.csv", "frames16_60x80.npz"],
            "mohammed-elkomy/two-stream-action-recognition on GitHub",
        )
        table = pd.read_csv(table_path)
        if not set(_COLUMNS) <= set(table.columns):
            raise ValueError(f"{table_path} must have the columns {_COLUMNS}, got {list(table.columns)}")
        arrays = read_npz(frames_path, ("frames", "labels", "names"))
        frames, names = arrays["frames"], [str(name) for name in arrays["names"]]
        if (
            frames.ndim != 5
            or len(frames) != len(names)
            or len(set(names)) < len(names)
            or sorted(names) != sorted(table["name"])
        ):
            raise ValueError(f"{frames_path} must hold the frames of the {len(table)} clips of {table_path.name}")
        rows = table.set_index("name").loc[names]
        codes, classes = pd.factorize(rows["class"], sort=True)
        self.label = codes.astype(np.int64)
        self.label_names = [str(name) for name in classes]
        self.group, self.num_frames = (rows[column].to_numpy(np.int64) for column in ("group", "n_frames"))
        count = frames.shape[1]
        self.frames16 = PixelStore(names, frames.reshape(-1, *frames.shape[2:]), np.arange(len(names) + 1) * count)
        self.ids = self.frames16.ids
        self._folder = table_path.parent / "clips"

    def videos(
        self, size: tuple[int, int], *, channels: Literal[3, 1] = 3, min_frames: int = 1, progress: bool = False
    ) -> VideoFolder:
        """Return the whole clips, decoded by PyAV (extra ``video``); their order is that of sorted names, not of ``ids``."""
        return VideoFolder(self._folder, size, channels=channels, min_frames=min_frames, progress=progress)
