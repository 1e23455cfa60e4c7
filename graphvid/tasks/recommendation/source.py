"""Source of the task recommendation: pairs from a data set, files of splits, or a watch log, which it splits."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from graphvid._record import Record, Seed, record
from graphvid.data import (
    AmazonElectronics,
    Features,
    Gowalla,
    Interactions,
    InteractionSplits,
    SyntheticCoWatch,
    TikTok,
    WatchLog,
    load_features,
    read_splits,
)
from graphvid.tasks._columns import column_names

InteractionDataset = Literal["gowalla", "amazon-electronics", "tiktok", "synthetic"]
Selection = Literal["validation", "test"]
Overlap = Literal["raise", "drop", "keep"]
Fraction = Annotated[float, Field(ge=0, lt=1)]


@record
class InteractionSource(Record):
    """Interactions to read, and what the model is chosen by.

    Exactly one of ``dataset``, ``train`` and ``log`` is given.

    Parameters
    ----------
    log : str, optional
        Watch log with ``user_id`` and ``video_id``, CSV or Parquet; its distinct pairs are split at random.
    columns : tuple of str, default ()
        Columns of the log that have other names there, ``user_id=userId``; in the command repeatable.
    delimiter : str, optional
        One character between the fields of a CSV. Default: a comma, in ``.tsv`` a tab.
    missing : {"error", "drop"}, default "error"
        What to do with rows of the log that lack a user or a video: refuse them, or drop them with a warning that counts
        them.
    features : str, optional
        Features of the items, for two towers; see `graphvid.data.load_features`. Its ids are those of the log's videos,
        or the numbers of the items.
    train, validation, test : str, optional
        Files of splits, a line for each user: ``user item item ...``; see `graphvid.data.read_splits`. ``validation`` may be
        absent.
    overlap : {"raise", "drop", "keep"}, default "raise"
        What to do with a pair that is in two of these files: refuse it, leave it out of the later of train, validation and
        test, or learn from it and find it again.
    dataset : str, optional
        ``"gowalla"``, ``"amazon-electronics"``, ``"tiktok"`` or ``"synthetic"``, a generated world.
    data_dir : str, optional
        Folder of the data sets. Default: the environment variable GRAPHVID_DATA.
    test_fraction : float, default 0.2
        Share of every user's pairs of a ``log`` that is for the test, in [0, 1); with 0 nothing is tested.
    validation_fraction : float, default 0.05
        Share of every user's training pairs that is held out where there is no validation split, in [0, 1). With 0 no epoch is
        judged, and the weights are those of the last one; with ``test_fraction=0`` too that is the final fit, on all pairs.
    selection : {"validation", "test"}, default "validation"
        What epochs are judged by. ``"test"`` is the protocol of the published results: nothing is held out, a
        validation split is left aside, and the figures are those of the epoch that was best on the test pairs.
    seed : int, default 0
        Of what is generated or split here.

    Raises
    ------
    ValueError
        A combination that does not name one source, an unknown data set, a share out of range.
    """

    files: ClassVar[tuple[str, ...]] = ("data_dir", "train", "validation", "test", "log", "features")

    log: str | None = None
    columns: tuple[str, ...] = ()
    delimiter: str | None = None
    missing: Literal["error", "drop"] = "error"
    features: str | None = None
    train: str | None = None
    validation: str | None = None
    test: str | None = None
    overlap: Overlap = "raise"
    dataset: InteractionDataset | None = None
    data_dir: str | None = None
    test_fraction: Fraction = 0.2
    validation_fraction: Fraction = 0.05
    selection: Selection = "validation"
    seed: Seed = 0

    def __post_init__(self) -> None:
        given = [name for name in ("dataset", "train", "log") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of dataset, train and log must be given, got {given or 'none'}")
        if (self.train is None) != (self.test is None):
            raise ValueError("train and test must be given together, got one of them")
        if self.validation is not None and self.train is None:
            raise ValueError("validation must be given with train and test, got it alone")
        if self.overlap != "raise" and self.train is None:
            raise ValueError("overlap applies to train and test that are given, got it without them")
        column_names(self.columns)
        defaults = {field.name: field.default for field in fields(InteractionSource)}
        changed = [name for name in _LOG_OPTIONS if getattr(self, name) != defaults[name]]
        if self.log is None and changed:
            raise ValueError(f"{changed} apply to a log that is given, got none")
        if self.features is not None and self.dataset is not None:
            raise ValueError(f"features apply to files only, got them with dataset {self.dataset!r}")


_LOG_OPTIONS = ("columns", "delimiter", "missing")


@dataclass(frozen=True, eq=False)
class LoadedInteractions:
    """Splits with the ids of their users and items.

    Parameters
    ----------
    splits : InteractionSplits
        ``validation`` is there unless the test pairs choose the epoch.
    user_ids, item_ids : Index
        Id of every row.
    features : Features, optional
        Features of every item.
    judged : bool
        Whether epochs are evaluated.
    """

    splits: InteractionSplits
    user_ids: pd.Index
    item_ids: pd.Index
    features: Features | None = None
    judged: bool = True

    @property
    def selection(self) -> Interactions:
        """Pairs for the evaluation of epochs: validation, or test if there is no validation."""
        return self.splits.test if self.splits.validation is None else self.splits.validation

    @property
    def known(self) -> Interactions:
        """Pairs that are no candidates in the test; see `known_pairs`."""
        return known_pairs(self.splits)

    def fingerprint(self) -> dict[str, Any]:  # Any: JSON values
        """Return counts and a checksum: equal for equal data."""
        crc, counts = 0, {}
        for ids in (self.user_ids, self.item_ids):
            if not isinstance(ids, pd.RangeIndex):
                crc = zlib.crc32("\0".join(ids.astype(str)).encode(), crc)
        for name in ("train", "validation", "test"):
            split: Interactions | None = getattr(self.splits, name)
            if split is not None:
                counts[name] = split.num_interactions
                crc = zlib.crc32(split.items.data, zlib.crc32(split.indptr.data, crc))
        for table in self.features.modalities.values() if self.features is not None else ():
            crc = zlib.crc32(np.ascontiguousarray(table).data, crc)
        dims = {} if self.features is None else {"dims": self.features.dims}
        counts["judged"] = self.judged
        sizes = {"num_users": len(self.user_ids), "num_items": len(self.item_ids)}
        return {"name": self.splits.name, **sizes, **counts, **dims, "crc32": crc}


def known_pairs(splits: InteractionSplits) -> Interactions:
    """Return the pairs of training and validation, which are no candidates in the test."""
    train, validation = splits.train, splits.validation
    if validation is None:
        return train
    users, items = (np.concatenate([getattr(train, name), getattr(validation, name)]) for name in ("users", "items"))
    return Interactions.from_pairs(
        users, items, num_users=train.num_users, num_items=train.num_items, duplicates="drop"
    )


def load_interactions(source: InteractionSource) -> LoadedInteractions:
    """Read a source, and hold pairs out, or ignore the validation split, according to its ``selection``.

    Raises
    ------
    FileNotFoundError
        A file is not there.
    TypeError, ValueError
        Files that cannot be read, splits that overlap, features without rows for some items.
    """
    found = _load(source)
    splits = found.splits
    if source.selection == "test" and not splits.test.num_interactions:
        raise ValueError("selection must be 'validation' where nothing is tested, got 'test' with test_fraction 0")
    if source.selection == "validation" and splits.validation is None and source.validation_fraction:
        train, validation = splits.train.hold_out(source.validation_fraction, source.seed)
        splits = InteractionSplits(splits.name, train, splits.test, validation, overlap=source.overlap)
    if source.selection == "test":
        splits = InteractionSplits(splits.name, splits.train, splits.test, overlap=source.overlap)
    for name, fraction in (("validation", source.validation_fraction), ("test", source.test_fraction)):
        pairs = getattr(splits, name)
        if pairs is not None and not pairs.num_interactions and fraction:
            raise ValueError(
                f"the {name} pairs must not be empty: of {found.splits.train.num_users} users and "
                f"{found.splits.train.num_interactions} training pairs, {name}_fraction {fraction} holds none out; raise it, "
                "give more pairs a user, or set it to 0"
            )
    judged = source.selection == "test" or splits.validation is not None
    return LoadedInteractions(splits, found.user_ids, found.item_ids, found.features, judged)


def _load(source: InteractionSource) -> LoadedInteractions:
    if source.dataset == "synthetic":
        world = SyntheticCoWatch(seed=source.seed)
        return _of_log("synthetic", world.log, source, world.features)
    if source.log is not None:
        features = None if source.features is None else load_features(source.features).dense()
        log = WatchLog.read(
            source.log,
            columns=column_names(source.columns),
            measures=(),
            duplicates="keep",
            missing=source.missing,
            delimiter=source.delimiter,
        )
        return _of_log(Path(source.log).name, log, source, features)
    if source.dataset is not None:
        kinds: Mapping[str, Any] = {"gowalla": Gowalla, "amazon-electronics": AmazonElectronics, "tiktok": TikTok}
        data = kinds[source.dataset](source.data_dir)
        splits = InteractionSplits(source.dataset, data.train, data.test, data.validation)
        return _numbered(splits, getattr(data, "features", None))
    assert source.train is not None
    assert source.test is not None
    splits = read_splits(Path(source.train).name, source.train, source.test, source.validation, overlap=source.overlap)
    return _numbered(splits, None if source.features is None else load_features(source.features).dense())


def _numbered(splits: InteractionSplits, features: Features | None) -> LoadedInteractions:
    users, items = (pd.RangeIndex(n) for n in (splits.train.num_users, splits.train.num_items))
    return LoadedInteractions(splits, users, items, None if features is None else features.align(items))


def _of_log(name: str, log: WatchLog, source: InteractionSource, features: Features | None) -> LoadedInteractions:
    """Split the distinct pairs of a log at random, user by user."""
    pairs = Interactions.from_pairs(
        log.user, log.video, num_users=log.num_users, num_items=log.num_videos, duplicates="drop"
    )
    if source.test_fraction:
        train, test = pairs.hold_out(source.test_fraction, source.seed)
    else:
        train, test = pairs, Interactions.from_pairs([], [], num_users=log.num_users, num_items=log.num_videos)
    aligned = None if features is None else features.align(log.video_ids)
    return LoadedInteractions(InteractionSplits(name, train, test), log.user_ids, log.video_ids, aligned)
