"""Inputs of the tower for each video: frames, word pieces and tags."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid.data.frame_store import FrameStore
from graphvid.data.tag_vocabulary import TagVocabulary
from graphvid.data.title_tokens import TitleTokenizer, TokenBatch
from graphvid.data.video_records import IdLists, VideoRecords
from graphvid.models.towers.config import TwinTowerConfig


class TowerBatch(NamedTuple):
    """Inputs of some videos as tensors.

    Parameters
    ----------
    frames : Tensor, shape (num_videos, num_frames, frame_dim)
        If frames are not read, one frame with one column.
    frame_mask : Tensor of bool, shape (num_videos, num_frames)
    tokens : Tensor of int32, shape (num_videos, num_tokens)
    token_mask : Tensor of bool, shape (num_videos, num_tokens)
    """

    frames: Tensor
    frame_mask: Tensor
    tokens: Tensor
    token_mask: Tensor


class VideoInputs:
    """Inputs of videos, cut and tokenised for a tower.

    Parameters
    ----------
    videos : VideoRecords
    config : TwinTowerConfig
    tokenizer : TitleTokenizer, optional
        Required if titles are read.
    vocabulary : TagVocabulary, optional
        Tags for `labels`.

    Raises
    ------
    ValueError
        Frames are read and no video has any; titles are read without a tokenizer; a vocabulary of words that knows none
        of the titles.
    """

    def __init__(
        self,
        videos: VideoRecords,
        config: TwinTowerConfig,
        tokenizer: TitleTokenizer | None = None,
        vocabulary: TagVocabulary | None = None,
    ) -> None:
        self.num_videos, self.vocabulary = videos.num_videos, vocabulary
        self._max_frames = config.max_frames
        self._frames: FrameStore | None = None
        if config.reads_frames:
            if videos.frames is None:
                raise ValueError("videos must have frames for this tower, got none; or set frames=none, fusion=se")
            self._frames = videos.frames
        self._tokens: TokenBatch | None = None
        if config.title:
            if tokenizer is None:
                raise ValueError("a tokenizer must be given for a tower that reads titles, got none")
            self._tokens = tokenizer(texts_of(videos, asr=config.asr))
        assert videos.tag_id is not None
        self._tags: IdLists = videos.tag_id

    @property
    def frame_columns(self) -> int:
        """Columns of a frame; 1 where frames are not read."""
        return 1 if self._frames is None else self._frames.dim

    def take(self, rows: NDArray[np.int64]) -> TowerBatch:
        """Return some videos, on the CPU."""
        if self._frames is None:
            frames, mask = np.zeros((len(rows), 1, 1), np.float32), np.zeros((len(rows), 1), np.bool_)
        else:
            frames, mask = self._frames.take(rows, max_frames=self._max_frames)
        if self._tokens is None:
            ids, known = np.zeros((len(rows), 1), np.int32), np.zeros((len(rows), 1), np.bool_)
        else:
            known = self._tokens.mask[rows]
            longest = max(1, int(known.sum(1).max(initial=1)))
            ids, known = self._tokens.ids[rows, :longest], known[:, :longest]
        return TowerBatch(*(torch.from_numpy(np.ascontiguousarray(x)) for x in (frames, mask, ids, known)))

    def labels(self, rows: NDArray[np.int64]) -> Tensor:
        """Return the tags of some videos, shape (num_rows, num_tags)."""
        assert self.vocabulary is not None
        return torch.from_numpy(self.vocabulary.labels(self._tags.select(rows)))


def texts_of(videos: VideoRecords, *, asr: bool) -> list[str]:
    """Return the text of each video: its title, with ``asr`` followed by the recognised speech."""
    assert videos.title is not None
    assert videos.asr_text is not None
    if not asr:
        return list(videos.title)
    return [f"{title} {said}".strip() for title, said in zip(videos.title, videos.asr_text)]
