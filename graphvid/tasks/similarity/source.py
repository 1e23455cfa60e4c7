"""Source of the task similarity: videos and scored pairs from files in the contest's form, a data set, or generated."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from graphvid._record import Record, record
from graphvid.data import (
    ScoredPairs,
    SICKRelatedness,
    SyntheticVideoPairs,
    TagVocabulary,
    VideoRecords,
    read_scored_pairs,
    read_videos,
    split_pairs,
)
from graphvid.models.towers import TwinTowerConfig

SimilarityDataset = Literal["synthetic-video-pairs", "sick-relatedness"]
_CHUNK_FRAMES = 4096


@record
class VideoPairSource(Record):
    """Videos and pairs to read.

    Either ``dataset`` is given, or files: ``videos`` with ``pairs``, or ``pointwise`` alone for a pretraining.

    Parameters
    ----------
    videos : str, optional
        Videos that have pairs, ``.jsonl`` or ``.parquet``; see `graphvid.data.read_videos`.
    pairs : str, optional
        Their scored pairs, the contest's ``label.tsv``; see `graphvid.data.read_scored_pairs`.
    pointwise : tuple of str, default ()
        Files of videos with tags to pretrain on, as ``videos``.
    test_videos : str, optional
        Videos to embed and to be judged by, as ``videos``.
    test_pairs : str, optional
        Scored pairs of the test videos.
    tag_list : str, optional
        Tags to learn, one id a line. Default: the most frequent ones of the training videos.
    frame_stores : str, optional
        Folder for memory-mapped copies of the frames, made where they are not there yet, by the names of the files, which
        must differ. Default: frames are held in memory.
    from_ : str, optional
        A finished run whose tower is the start, with its words and tags; nothing is pretrained then.
    dataset : str, optional
        ``"synthetic-video-pairs"``, the default world of `graphvid.data.SyntheticVideoPairs`, or ``"sick-relatedness"``,
        titles alone, of `graphvid.data.SICKRelatedness`.
    data_dir : str, optional
        Folder of the data sets. Default: the environment variable GRAPHVID_DATA.

    Raises
    ------
    ValueError
        A combination that does not name one source, an unknown data set.
    """

    files: ClassVar[tuple[str, ...]] = (
        "videos",
        "pairs",
        "test_videos",
        "test_pairs",
        "tag_list",
        "frame_stores",
        "from_",
        "data_dir",
    )

    videos: str | None = None
    pairs: str | None = None
    pointwise: tuple[str, ...] = ()
    test_videos: str | None = None
    test_pairs: str | None = None
    tag_list: str | None = None
    frame_stores: str | None = None
    from_: str | None = None
    dataset: SimilarityDataset | None = None
    data_dir: str | None = None

    def __post_init__(self) -> None:
        of_files = ("videos", "pairs", "pointwise", "test_videos", "test_pairs", "tag_list", "frame_stores")
        given = [name for name in of_files if getattr(self, name)]
        if self.dataset is not None:
            if given:
                raise ValueError(f"{given} apply to files only, got them with dataset {self.dataset!r}")
        elif not (self.videos or self.pointwise):
            raise ValueError("one of dataset, videos and pointwise must be given, got none")
        for one, other in (("pairs", "videos"), ("test_pairs", "test_videos")):
            if getattr(self, one) is not None and getattr(self, other) is None:
                raise ValueError(f"{one} must be given with {other}, got {one} alone")
        if self.videos is not None and self.pairs is None:
            raise ValueError("videos must be given with pairs, got videos alone")
        stored = [Path(path).name for path in (self.videos, self.test_videos, *self.pointwise[:1]) if path is not None]
        if self.frame_stores is not None and len(set(stored)) < len(stored):
            raise ValueError(f"files must have names of their own with frame_stores, got {stored}")


@dataclass(frozen=True, eq=False)
class SimilarityData:
    """Videos and pairs of a run.

    Parameters
    ----------
    name : str
        For headings.
    pointwise : VideoRecords, optional
        Videos with tags for pretraining.
    videos : VideoRecords, optional
        Videos of ``pairs`` and ``validation``.
    pairs, validation : ScoredPairs, optional
        Rows of ``videos``. Without ``validation``, a fold of ``pairs`` may be the validation part.
    test : VideoRecords, optional
        Videos of ``test_pairs``.
    test_pairs : ScoredPairs, optional
        Rows of ``test``.
    tags : TagVocabulary, optional
        Tags of ``source.tag_list``.
    start : str, optional
        The run to start from.
    """

    name: str
    pointwise: VideoRecords | None = None
    videos: VideoRecords | None = None
    pairs: ScoredPairs | None = None
    validation: ScoredPairs | None = None
    test: VideoRecords | None = None
    test_pairs: ScoredPairs | None = None
    tags: TagVocabulary | None = None
    start: str | None = None

    @property
    def tables(self) -> list[VideoRecords]:
        """The present tables of videos: for pretraining, with pairs, and of the test."""
        return [table for table in (self.pointwise, self.videos, self.test) if table is not None]

    def fingerprint(self) -> dict[str, Any]:  # Any: JSON values
        """Return counts and a checksum: equal for equal data."""
        crc = 0
        for table in self.tables:
            crc = _crc_of_videos(table, crc)
        for pairs in (self.pairs, self.validation, self.test_pairs):
            for column in pairs or ():
                crc = zlib.crc32(np.ascontiguousarray(column).data, crc)
        if self.tags is not None:
            crc = zlib.crc32(self.tags.ids.data, crc)
        if self.start is not None:
            crc = zlib.crc32(self._start_weights().read_bytes(), crc)
        counts = {
            "pointwise": 0 if self.pointwise is None else self.pointwise.num_videos,
            "videos": 0 if self.videos is None else self.videos.num_videos,
            "test_videos": 0 if self.test is None else self.test.num_videos,
            **{
                name: 0 if pairs is None else pairs.num_pairs
                for name, pairs in (
                    ("pairs", self.pairs),
                    ("validation_pairs", self.validation),
                    ("test_pairs", self.test_pairs),
                )
            },
        }
        frames = next((table.frames.dim for table in self.tables if table.frames is not None), 0)
        return {"name": self.name, **counts, "frame_columns": frames, "crc32": crc}

    def _start_weights(self) -> Path:
        assert self.start is not None
        path = Path(self.start) / "tower.safetensors"
        if not path.is_file():
            raise FileNotFoundError(f"{path} not found: --from must name a finished run of twin-tower")
        return path


def load_similarity(source: VideoPairSource) -> SimilarityData:
    """Read a source.

    Raises
    ------
    FileNotFoundError
        A file is not there.
    TypeError, ValueError
        As `graphvid.data.read_videos` and `graphvid.data.read_scored_pairs` raise.
    """
    if source.dataset == "synthetic-video-pairs":
        world = SyntheticVideoPairs()
        return SimilarityData(
            source.dataset,
            world.pointwise.videos,
            world.train.videos,
            world.train.pairs,
            None,
            world.test.videos,
            world.test.pairs,
            start=source.from_,
        )
    if source.dataset == "sick-relatedness":
        data = SICKRelatedness(source.data_dir)
        learnt, tested = _only(data.videos, data.train, data.validation), _only(data.videos, data.test)
        return SimilarityData(
            source.dataset, None, learnt[0], learnt[1], learnt[2], tested[0], tested[1], start=source.from_
        )

    def videos(*paths: str | None) -> VideoRecords | None:
        named = [path for path in paths if path is not None]
        if not named:
            return None
        store = None if source.frame_stores is None else Path(source.frame_stores) / Path(named[0]).name
        return read_videos(*named, store=store)

    def pairs(path: str | None, table: VideoRecords | None) -> ScoredPairs | None:
        return None if path is None or table is None else read_scored_pairs(path, table.ids)

    paired, test = videos(source.videos), videos(source.test_videos)
    return SimilarityData(
        Path(source.videos or source.pointwise[0]).name,
        videos(*source.pointwise),
        paired,
        pairs(source.pairs, paired),
        None,
        test,
        pairs(source.test_pairs, test),
        None if source.tag_list is None else TagVocabulary.read(source.tag_list),
        source.from_,
    )


def held_out(data: SimilarityData, config: TwinTowerConfig) -> tuple[ScoredPairs | None, ScoredPairs | None, int]:
    """Return the training pairs, the validation pairs, and the number of pairs in neither.

    Raises
    ------
    ValueError
        No pairs with the stage "pairs", both a fold and validation pairs of the source, or neither with ``keep="best"``.
    """
    if config.stage == "tags":
        return None, None, 0
    if data.pairs is None or data.videos is None:
        raise ValueError("pairs must be given with stage 'pairs', got none")
    if data.validation is not None:
        if config.fold is not None:
            raise ValueError(f"fold must be null where the source has validation pairs, got {config.fold}")
        return data.pairs, data.validation, 0
    if config.fold is None:
        if config.keep == "best":
            raise ValueError("keep must be 'last' without validation pairs; set a fold")
        return data.pairs, None, 0
    found = split_pairs(
        data.pairs, data.videos.ids, num_folds=config.num_folds, fold=config.fold, by=config.fold_by, seed=0
    )  # the same folds for every seed of training, so that members of an ensemble may share them
    return data.pairs.select(found.train), data.pairs.select(found.validation), found.dropped


def _only(videos: VideoRecords, *pairs: ScoredPairs) -> tuple[Any, ...]:  # Any: videos, then pairs
    """Return the videos of some pairs, and the pairs over these videos."""
    rows = np.unique(np.concatenate([end for table in pairs for end in (table.query, table.candidate)]))
    moved = [
        ScoredPairs(np.searchsorted(rows, table.query), np.searchsorted(rows, table.candidate), table.score)
        for table in pairs
    ]
    return videos.select(rows), *moved


def _crc_of_videos(videos: VideoRecords, crc: int) -> int:
    """Return a checksum of all content of videos, continued from ``crc``."""
    assert videos.title is not None
    assert videos.asr_text is not None
    assert videos.tag_id is not None
    for texts in (videos.ids.astype(str), videos.title, videos.asr_text):
        crc = zlib.crc32("\0".join(texts).encode(), crc)
    for array in videos.tag_id:
        crc = zlib.crc32(np.ascontiguousarray(array).data, crc)
    if videos.frames is not None:
        crc = zlib.crc32(videos.frames.indptr.data, crc)
        for start in range(0, len(videos.frames.values), _CHUNK_FRAMES):
            crc = zlib.crc32(np.ascontiguousarray(videos.frames.values[start : start + _CHUNK_FRAMES]).data, crc)
    return crc
