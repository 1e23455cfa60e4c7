"""Answers of a run of the task similarity: vectors of new videos, similar videos, and a second evaluation."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from graphvid._transformers import need_transformers
from graphvid.data import Features, TagVocabulary, TitleTokenizer, VideoRecords, read_videos
from graphvid.models.towers import TwinTowerConfig, VideoInputs, VideoTower, embed_videos
from graphvid.nn import TextEncoder
from graphvid.runs import Json, VectorRun

from .figures import cosines_of_unseen, judge
from .source import SimilarityData, held_out

TOWER, TOKENIZER, TAG_LIST, TEXT = "tower.safetensors", "tokenizer", "tag_list.txt", "text_encoder.json"


class SimilarityRun(VectorRun):
    """A run of the task similarity: it embeds videos, and finds similar videos of the run."""

    def model(self) -> VideoTower:
        """Return the trained tower, in evaluation mode.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        ValueError
            Its weights are truncated, corrupt or of another model.
        """
        tower = self._tower()
        self.load_weights(tower, TOWER)
        return tower

    def evaluate(self, *, progress: bool = True) -> Json:
        """Read the source again, embed its videos with the saved tower, and evaluate the pairs outside training.

        Parameters
        ----------
        progress : bool, default True
            Show a bar while the source is read.

        Returns
        -------
        dict
            One entry for each method, by split, as in ``metrics.json`` under ``"methods"``.

        Raises
        ------
        FileNotFoundError
            The source is gone, or the run is unfinished.
        ValueError
            The source has changed since the run, or has no pairs outside training.
        """
        options = self.options
        assert isinstance(options, TwinTowerConfig)
        data: SimilarityData = self.read_source(progress=progress)
        _, validation, _ = held_out(data, options)
        judged = {"videos": data.videos if validation is not None else None, "test": data.test}
        vectors = {
            name: self.embed(table).modalities["embedding"] for name, table in judged.items() if table is not None
        }
        methods: Json = {}
        for split, _, pairs, cosines in cosines_of_unseen(data, vectors, validation):
            for name, cosine in cosines.items():
                methods.setdefault(name, {})[split] = judge(cosine, pairs)
        if not methods:
            raise ValueError(
                f"{self.directory.path} holds a run without validation or test pairs, so nothing can be judged"
            )
        return methods

    def embed(self, videos: VideoRecords) -> Features:
        """Embed videos, also videos outside the run.

        Parameters
        ----------
        videos : VideoRecords
            With frames of the run's number of columns, and with titles, if the run reads them.

        Returns
        -------
        Features
            The same ids with the one modality ``"embedding"``, unit rows.

        Raises
        ------
        ValueError
            Frames of another width.
        """
        options = self.options
        assert isinstance(options, TwinTowerConfig)
        tokenizer = None
        if options.title:
            folder = self.directory.require(self.directory.path / TOKENIZER)
            tokenizer = TitleTokenizer.open(folder, max_tokens=options.max_tokens)
        inputs = VideoInputs(videos, options, tokenizer)
        columns = self.config["data"]["frame_columns"]
        if options.reads_frames and inputs.frame_columns != columns:
            raise ValueError(f"frames must have the {columns} columns of the run, got {inputs.frame_columns}")
        return Features(videos.ids, {"embedding": embed_videos(self.model(), inputs)})

    def read_inputs(self, path: str | os.PathLike[str]) -> VideoRecords:
        """Read what `embed` takes: videos in the contest's form."""
        return read_videos(Path(path))

    def _tower(self) -> VideoTower:
        options = self.options
        assert isinstance(options, TwinTowerConfig)
        text = None
        if options.title:
            need_transformers()
            from transformers import AutoConfig

            path = self.directory.require(self.directory.path / TEXT)
            text = TextEncoder(AutoConfig.from_pretrained(str(path)), pooling=options.pooling)
        tags = self.directory.path / TAG_LIST
        num_tags = TagVocabulary.read(tags).num_tags if tags.exists() else 0
        columns = self.config["data"]["frame_columns"] if options.reads_frames else 1
        with torch.random.fork_rng([]):  # random weights, replaced by the loaded ones
            return VideoTower(columns, num_tags, options, text)
