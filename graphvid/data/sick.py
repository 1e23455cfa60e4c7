"""SICK: pairs of sentences on images and short videos, with how related ten people found them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

from graphvid.data._files import find_files
from graphvid.data.video_pairs import ScoredPairs
from graphvid.data.video_records import VideoRecords

_COLUMNS = ["split", "pair_ID", "sentence_A", "sentence_B", "relatedness_score", "entailment_judgment"]


class SICKRelatedness:
    """Sentences as videos that have nothing but a title, and their pairs in the official splits.

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
        Its columns are others.

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
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        if rows[0] != _COLUMNS:
            raise ValueError(f"{path} must have the columns {_COLUMNS}, got {rows[0]}")
        table = pd.DataFrame(rows[1:], columns=_COLUMNS)
        codes, sentences = pd.factorize(pd.concat([table["sentence_A"], table["sentence_B"]]))
        self.videos = VideoRecords(pd.RangeIndex(len(sentences)), title=[str(text) for text in sentences])
        score = (table["relatedness_score"].astype(float).to_numpy() - 1) / 4
        pairs = ScoredPairs(codes[: len(table)].astype(np.int64), codes[len(table) :].astype(np.int64), score)
        split = table["split"].to_numpy()
        self.train, self.validation, self.test = (
            pairs.select(np.flatnonzero(split == name)) for name in ("train", "trial", "test")
        )
