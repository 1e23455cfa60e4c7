"""Answers of a run of the task codes: codes, vectors of new items, neighbours, and a second evaluation."""

from __future__ import annotations

import numpy as np

from graphvid._files import read_npz
from graphvid.data import Features
from graphvid.models.quantizers import Coder, ContrastiveQuantizationConfig, PyramidQuantizationConfig, build_coder
from graphvid.retrieval import CodeIndex
from graphvid.runs import CODES, VectorRun

from .figures import Floats, Json, Judged, RowIds, Split, Trial, means
from .source import LoadedCodes

CODER, SPLIT = "coder.safetensors", "split.npz"


class CodesRun(VectorRun):
    """A run of the task codes: it codes items, finds neighbours, and repeats its evaluation."""

    def model(self) -> Coder:
        """Return the encoder and the codebooks, in evaluation mode.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        ValueError
            Its weights are truncated, corrupt or of another model.
        """
        options = self.options
        assert isinstance(options, ContrastiveQuantizationConfig | PyramidQuantizationConfig)
        coder = build_coder(self.config["data"]["dims"], options)
        self.load_weights(coder, CODER)
        return coder

    def codes(self) -> CodeIndex:
        """Return the index of the codes of all videos of the run; search it by vectors of `embed`.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        ValueError
            The file is truncated, corrupt or no code index.
        """
        return CodeIndex.load(self.directory.require(self.directory.path / CODES))

    def embed(self, features: Features) -> Features:
        """Embed videos from their features, also videos outside the run.

        Parameters
        ----------
        features : Features
            With the modalities of the run.

        Returns
        -------
        Features
            The same ids with the one modality ``"embedding"``: queries for `codes`, and input of `CodeIndex.add`.
        """
        return Features(features.ids, {"embedding": self.model().embed(features.modalities)})

    def evaluate(self, *, progress: bool = True) -> Json:
        """Read the source again, code its videos with the saved coder, and evaluate the search of the database.

        Parameters
        ----------
        progress : bool, default True
            Show a bar while the source is read.

        Returns
        -------
        dict
            One entry, as in ``metrics.json`` under ``"quality"``.

        Raises
        ------
        FileNotFoundError, ValueError
            As those of `graphvid.runs.Run.read_source`, and an unfinished run.
        """
        coder, data = self.model(), self.read_source(progress=progress)
        stored = read_npz(self.directory.require(self.directory.path / SPLIT), Split._fields)
        split = Split(*(stored[name].astype(np.int64) for name in Split._fields))
        vectors = coder.embed(data.features.modalities)
        trial = trial_of(data, split.queries, split.database)
        return {self.config["title"]: means(judge_codes(coder, vectors, trial))}


def trial_of(data: LoadedCodes, queries: RowIds, database: RowIds) -> Trial:
    """Return the search trial of some rows of the source."""
    return Trial(data.features.concatenate(), data.labels, queries, database)


def judge_codes(coder: Coder, vectors: Floats, trial: Trial, *, symmetric: bool = False) -> Judged:
    """Evaluate a search of the coded database of a trial by the vectors of its queries.

    Parameters
    ----------
    coder : Coder
    vectors : ndarray, shape (num_videos, dim)
        Embeddings of all videos by the coder.
    trial : Trial
    symmetric : bool, default False
        Code the queries too.
    """
    index = CodeIndex(coder.encode(vectors[trial.database]), coder.quantizer.codebooks.detach().numpy())
    return trial.judge(index.scores(vectors[trial.queries], symmetric=symmetric))
