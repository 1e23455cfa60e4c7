"""Reader of the joints of people in JHMDB's action clips, and their drawing as clips with a channel for each joint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_count, check_number
from graphvid._files import read_npz
from graphvid.data._files import find_files, integers
from graphvid.data.pixel_store import PixelStore

NUM_JOINTS = 15


class PoseClips(NamedTuple):
    """Poses of some clips.

    Parameters
    ----------
    poses : list of ndarray of float32, shape (num_frames, 15, 2)
        (x, y) of the joints, without a unit: normalised to the person, about -3 to 2; y increases downward.
    label : ndarray of int64, shape (num_clips,)
    """

    poses: list[NDArray[np.float32]]
    label: NDArray[np.int64]


@dataclass(frozen=True)
class PoseSplit:
    """Training and test clips of one official split."""

    train: PoseClips
    test: PoseClips


class JHMDBPose:
    """Trajectories of 15 joints in 609 clips of 14 actions, in the three official splits.

    Parameters
    ----------
    data_dir : path-like, optional
        Folder that holds ``jhmdb_pose``. Default: the environment variable GRAPHVID_DATA.

    Attributes
    ----------
    splits : list of PoseSplit
        433, 433 and 434 training clips, 176, 176 and 175 test clips, of 15 to 40 frames.
    label_names : list of str

    Raises
    ------
    FileNotFoundError
        A file is absent.
    ValueError
        Its arrays have other shapes.

    References
    ----------
    Jhuang et al., "Towards understanding action recognition", ICCV 2013.
    Yang et al., "Make Skeleton-based Action Recognition Model Smaller, Faster and Better", ACM MM Asia 2019, whose
    repository the poses come from; it lacks 7 of the 21 classes, so published figures do not apply.
    """

    name = "jhmdb-pose"

    def __init__(self, data_dir: str | Path | None = None) -> None:
        files = [f"split{i}.npz" for i in (1, 2, 3)]
        paths = find_files(data_dir, "jhmdb_pose", files, "fandulu/DD-Net on GitHub")
        needed = [f"{part}_{kind}" for part in ("train", "test") for kind in ("pose", "len", "label")]
        self.splits: list[PoseSplit] = []
        self.label_names: list[str] = []
        for path in paths:
            arrays = read_npz(path, [*needed, "label_names"])
            self.label_names = [str(name) for name in arrays["label_names"]]
            train, test = (_read_part(arrays, part, path) for part in ("train", "test"))
            self.splits.append(PoseSplit(train, test))


def draw_poses(
    poses: Sequence[NDArray[np.floating[Any]]],
    *,
    size: int = 24,
    sigma: float = 1.0,
    centered: bool = True,
    half_width: float = 1.0,
) -> PixelStore:
    r"""Draw trajectories of joints as clips with a channel for each joint and a Gaussian spot at the joint.

    Parameters
    ----------
    poses : sequence of ndarray, float, shape (num_frames, num_joints, 2)
        (x, y) of every joint; at least one clip, with one number of joints.
    size : int, default 24
        Side of the frames in pixels, 4 to 1024.
    sigma : float, default 1.0
        Standard deviation of a spot in pixels, > 0.
    centered : bool, default True
        Move every clip so that its mean over frames and joints is the middle of the frame, because the place of a person in
        the picture has no information about the action. Movement through the picture stays.
    half_width : float, default 1.0
        Distance from the middle to the edge of the frame, in the poses' unit, > 0. A joint beyond it is not drawn: 0.3 % of
        JHMDB's joints at the default.

    Returns
    -------
    PixelStore
        uint8, in memory, 255 at the centre of a spot; ids 0 to num_clips - 1; ``num_joints`` channels.

    Raises
    ------
    ValueError
        A number out of its range, no clip, poses of another shape or not finite.

    Examples
    --------
    >>> store = draw_poses([np.zeros((3, 15, 2))], size=9)
    >>> store.frame_shape, int(store.pixels[0, 4, 4, 0])
    ((9, 9, 15), 255)
    """
    check_count("size", size, 4, 1024)
    for name, value in (("sigma", sigma), ("half_width", half_width)):
        if check_number(name, value, "a finite number > 0") <= 0:
            raise ValueError(f"{name} must be a finite number > 0, got {value}")
    joints = np.asarray(poses[0]).shape[1:] if len(poses) else (0, 2)
    drawn = []
    pixel = np.arange(size, dtype=np.float32)
    for row, given in enumerate(poses):
        pose = np.asarray(given, dtype=np.float32)
        if (
            pose.ndim != 3
            or not pose.size
            or pose.shape[2] != 2
            or pose.shape[1:] != joints
            or not np.isfinite(pose).all()
        ):
            raise ValueError(
                f"poses must be finite, of shape (num_frames, num_joints, 2) with one number of joints, got {pose.shape} in "
                f"clip {row}"
            )
        middle = pose.mean((0, 1)) if centered else 0
        place = ((pose - middle) / half_width + 1) / 2 * size - 0.5  # in pixels, (num_frames, num_joints, 2)
        x, y = (np.exp(-np.square(pixel - place[..., axis, None]) / (2 * sigma**2)) for axis in (0, 1))
        inside = ((place > -0.5) & (place < size - 0.5)).all(-1)
        spots = np.einsum("tjy,tjx,tj->tyxj", y, x, inside)
        drawn.append(np.rint(255 * spots).astype(np.uint8))
    return PixelStore.from_videos(dict(enumerate(drawn)))


def _read_part(arrays: dict[str, NDArray[Any]], part: str, path: Path) -> PoseClips:
    lengths, label = (integers(arrays, f"{part}_{kind}", 1) for kind in ("len", "label"))
    pose = arrays[f"{part}_pose"]
    names = len(arrays["label_names"])
    shape = (int(lengths.sum()), NUM_JOINTS, 2)
    if pose.shape != shape or len(label) != len(lengths) or lengths.min(initial=1) < 1:
        raise ValueError(f"{path}: {part}_pose must have shape {shape}, a label and a length a clip, got {pose.shape}")
    if label.min(initial=0) < 0 or label.max(initial=0) >= names:
        raise ValueError(f"{path}: {part}_label must be in [0, {names}), got {label.min()} to {label.max()}")
    return PoseClips(np.split(pose.astype(np.float32), np.cumsum(lengths)[:-1]), label)
