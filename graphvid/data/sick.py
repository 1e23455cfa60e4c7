"""Reader of SICK: pairs of sentences about images and short videos, with relatedness scores of ten people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from graphvid.data._files import find_files, with_path
from graphvid.data._text import read_tsv
from graphvid.data.video_pairs import ScoredPairs
from graphvid.data.video_records import VideoRecords

_COLUMNS = ["split", "sentence_A", "sentence_B", "relatedness_score"]


class SICKRelatedness:
    """Sentences as videos with only a title, and their pairs in the official splits.

    Parameters
    ----------
    data_dir : path-like, optional
        Folder that holds ``sick_relatedness/pairs.tsv.gz``. Default: the environment variable GRAPHVID_DATA.

    Attributes
    ----------
    videos : VideoRecords
        Distinct sentences of all splits, in order of first appearance, ids from 0.
    train, validation, test : ScoredPairs
        Rows of ``videos``; 4,500, 500 (the split ``trial``) and 4,927 pairs. The score is ``(relatedness - 1) / 4``, in
        [0, 1].

    Raises
    ------
    FileNotFoundError
        The file is absent.
    ValueError
        A corrupt file, other columns, a relatedness outside [1, 5].

    Notes
    -----
    Some sentences are in more than one split.

    References
    ----------
    Marelli et al., "A SICK cure for the evaluation of compositional distributional semantic models", LREC 2014.
    """

    name = "sick-relatedness"

    def __init__(self, data_dir: str | Path | None = None) -> None:
        (path,) = find_files(data_dir, "sick_relatedness", ["pairs.tsv.gz"], "brmson/dataset-sts on GitHub")
        table = read_tsv(path, _COLUMNS)
        ends = pd.concat([table["sentence_A"], table["sentence_B"]])
        sentences = ends.unique()
        try:
            self.videos = VideoRecords(pd.RangeIndex(len(sentences)), title=list(sentences))
            score = (table["relatedness_score"].astype(float).to_numpy() - 1) / 4
            codes = pd.Index(sentences).get_indexer(ends)
            pairs = ScoredPairs.from_ids(codes[: len(table)], codes[len(table) :], score, self.videos.ids)
        except ValueError as error:
            raise with_path(error, path) from None
        split = table["split"].to_numpy()
        self.train, self.validation, self.test = (
            pairs.select(np.flatnonzero(split == name)) for name in ("train", "trial", "test")
        )
