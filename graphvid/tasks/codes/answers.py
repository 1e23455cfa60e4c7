"""Answers of a run that has learnt codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphvid._files import read_npz
from graphvid.data import Features
from graphvid.models.quantizers import Coder, ContrastiveQuantizationConfig, PyramidQuantizationConfig, build_coder
from graphvid.retrieval import CodeIndex
from graphvid.runs import VectorRun
from graphvid.runs.vectors import CODES

from .figures import Split, judge, unit
from .source import CodesSource, LoadedCodes, load_codes

CODER, SPLIT = "coder.safetensors", "split.npz"


class CodesRun(VectorRun):
    """A run of the task codes: it codes items, finds neighbours, and can be judged again."""

    def model(self) -> Coder:
        """Give the encoder and the codebooks, in evaluation mode.

        Raises
        ------
        FileNotFoundError
            If the run is unfinished.
        ValueError
            If its weights are truncated, corrupt or of another model.
        """
        options = self.options
        assert isinstance(options, ContrastiveQuantizationConfig | PyramidQuantizationConfig)
        coder = build_coder(self.config["data"]["dims"], options)
        self.load_weights(coder, CODER)
        return coder

    def codes(self) -> CodeIndex:
        """Give the codes of all videos of the run, ready to be searched by the vectors that `embed` gives.

        Raises
        ------
        FileNotFoundError
            If the run is unfinished.
        ValueError
            If the file is truncated, corrupt or no code index.
        """
        return CodeIndex.load(self.directory.require(self.directory.path / CODES))

    def embed(self, features: Features) -> Features:
        """Embed videos that need not have been there when the run was made, from their features.

        Parameters
        ----------
        features : Features
            With the modalities of the run.

        Returns
        -------
        Features
            The same ids with the one modality ``"embedding"``: queries for `codes`, and what `CodeIndex.add` codes.
        """
        return Features(features.ids, {"embedding": self.model().embed(features.modalities)})

    def evaluate(self, *, progress: bool = True) -> dict[str, Any]:  # Any: JSON values
        """Read the source again, code its videos with the saved coder, and judge the search of the database.

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
        FileNotFoundError
            If the source is gone, or the run is unfinished.
        ValueError
            If the source has changed since the run.
        """
        source, coder = self.source, self.model()
        assert isinstance(source, CodesSource)
        data = load_codes(source, progress=progress)
        self.check_source(data.fingerprint())
        stored = read_npz(self.directory.require(self.directory.path / SPLIT), Split._fields)
        split = Split(*(stored[name].astype(np.int64) for name in Split._fields))
        return {self.config["title"]: judge_coder(coder, data, split.queries, split.database)}


def judge_coder(
    coder: Coder, data: LoadedCodes, queries: NDArray[np.int64], database: NDArray[np.int64], *, symmetric: bool = False
) -> dict[str, Any]:  # Any: JSON values
    """Judge a coder on some queries against a database.

    Parameters
    ----------
    coder : Coder
    data : LoadedCodes
    queries, database : ndarray of int64
        Rows of ``data``.
    symmetric : bool, default False
        Code the queries too.
    """
    tables = data.features.modalities
    vectors = {"q": queries, "d": database}
    embedded = {name: coder.embed({m: x[rows] for m, x in tables.items()}) for name, rows in vectors.items()}
    index = CodeIndex(coder.encode(embedded["d"]), coder.quantizer.codebooks.detach().numpy())
    raw = unit(data.features.concatenate())
    labels = None if data.labels is None else (data.labels[queries], data.labels[database])
    return judge(index.scores(embedded["q"], symmetric=symmetric), raw[queries] @ raw[database].T, labels)
