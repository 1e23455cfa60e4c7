"""Reader of the TikTok micro-video recommendation data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._files import read_npz
from graphvid.data._files import find_files, integers, with_path
from graphvid.data.features import Features
from graphvid.data.interaction_splits import InteractionSplits
from graphvid.data.interactions import Interactions, most_ids
from graphvid.data.watch_log import WatchLog

_SOURCE = "the GitHub repository HKUDS/DiffMM (Datasets/tiktok: trnMat, valMat, tstMat, audio_feat, image_feat)"
_SPLITS = ("train", "val", "test")


class TikTok:
    """Micro-videos with acoustic and visual features, and the users who watched them.

    9,308 users, 6,710 videos and 68,722 interactions (59,541 train, 3,051 val, 6,130 test: at most one row for each user in
    val and in test). 340 videos and 5 users of test do not occur in train. No pair occurs twice. There are no
    timestamps, durations or watch times. Features: ``audio`` and ``image``, 128 columns each, stored as float16.

    Parameters
    ----------
    data_dir : str or pathlib.Path, optional
        Folder that holds ``tiktok/interactions.npz`` and ``tiktok/features.npz``. Default: the environment variable
        GRAPHVID_DATA. Nothing is downloaded.

    Attributes
    ----------
    log : WatchLog
        All interactions, train first, then val, then test.
    train_log, val_log, test_log : WatchLog
        The splits, with the vocabularies of ``log``.
    train, validation, test : Interactions
        The same splits as pairs; user and item are the integers of the logs.
    features : Features
        Row i belongs to video i of the logs.

    Raises
    ------
    FileNotFoundError
        A file is not there; names the expected files and their source.
    ValueError
        A corrupt file, a pair that occurs twice.

    Notes
    -----
    Sums of squares in float16 overflow for 29 of the image columns, so features are cast to float32 first. Audio has
    70 % of its variance in the first principal component; image columns are all >= 0 and far from centred:
    standardise. The content signal is weak: the mean-centred cosine of two videos watched by one user is 0.033 (audio)
    and 0.013 (image), against 0.018 and 0.003 for random pairs of the same popularity. The source states no licence;
    treat the data as for research.

    References
    ----------
    Wei et al., "MMGCN", ACM MM 2019 (ICME 2019 Short Video Understanding Challenge). Wei et al., "Multi-modal
    self-supervised learning for recommendation", WWW 2023. Jiang et al., "DiffMM", ACM MM 2024.
    """

    name = "tiktok"

    def __init__(self, data_dir: str | Path | None = None) -> None:
        interactions, features = find_files(data_dir, "tiktok", ["interactions.npz", "features.npz"], _SOURCE)
        arrays = read_npz(interactions, (*_SPLITS, "n_users", "n_videos"))
        tables = read_npz(features, ("audio", "image"))
        try:
            self._set_interactions(arrays)
        except (TypeError, ValueError) as error:
            raise with_path(error, interactions) from None
        try:
            modalities = {name: tables[name] for name in ("audio", "image")}
            self.features = Features(self.log.video_ids, modalities)  # float32
        except (TypeError, ValueError) as error:
            raise with_path(error, features) from None

    def _set_interactions(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        parts = [integers(arrays, split, 2) for split in _SPLITS]
        num_users, num_videos = (int(integers(arrays, name, 0)) for name in ("n_users", "n_videos"))
        if any(part.shape[1] != 2 for part in parts):
            raise ValueError(f"the splits must have two columns, got {[part.shape[1] for part in parts]}")
        pairs = np.concatenate(parts)
        if not 0 < num_users <= most_ids(pairs.size) or not 0 < num_videos <= most_ids(pairs.size):
            raise ValueError(
                f"n_users and n_videos must be in [1, {most_ids(pairs.size)}], got {num_users}, {num_videos}"
            )
        user_ids, video_ids = pd.RangeIndex(num_users), pd.RangeIndex(num_videos)
        self.log = WatchLog(pairs[:, 0].copy(), pairs[:, 1].copy(), user_ids, video_ids)
        part = np.repeat(np.arange(len(_SPLITS)), [len(part) for part in parts])
        self.train_log, self.val_log, self.test_log = (self.log.select(part == at) for at in range(len(_SPLITS)))
        train, validation, test = (_pairs(log) for log in (self.train_log, self.val_log, self.test_log))
        splits = InteractionSplits(self.name, train, test, validation)
        self.train, self.validation, self.test = splits.train, splits.validation, splits.test


def _pairs(log: WatchLog) -> Interactions:
    return Interactions.from_pairs(log.user, log.video, num_users=log.num_users, num_items=log.num_videos)
