"""Source of the task linking: mentions with their split, from a data set or from files in the form of deep-ed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid._record import Record, Seed, record
from graphvid.data import AidaCandidates, Mentions, Standardizer, WikiMentions, document_folds, read_deep_ed
from graphvid.models.linking import GROUPS
from graphvid.nn.context_embedding import ContextPool

from .knowledge import AidaKnowledge, Inputs, Knowledge, TextKnowledge, UsedFeatures, WorldKnowledge, used
from .vectors import TextVectors

LinkingDataset = Literal["synthetic", "aida", "wiki-el"]
_FOLDS = 5


@record
class LinkingSource(Record):
    """Mentions to read, and what linkers may know of them.

    Exactly one of ``dataset`` and ``train`` is given.

    Parameters
    ----------
    dataset : str, optional
        ``"synthetic"``, a generated world; ``"aida"``, candidates and links without text; ``"wiki-el"``, text.
    train, development, test : str, optional
        Files in the form of deep-ed. Without ``development``, a tenth of the training documents is held out.
    data_dir : str, optional
        Folder of the data sets. Default: the environment variable GRAPHVID_DATA.
    encoder : str, optional
        Folder with a BERT of transformers and its tokenizer, for contexts and names. Nothing is downloaded.
    pool : {"mean", "mask"}, default "mean"
        State of a context: the mean of its words, or that of [MASK] in the mention's place.
    cache : str, optional
        Folder for the encoder's vectors, so that they are computed once.
    features : tuple of str, default ("prior", "context", "type")
        Groups of features that linkers may know.
    seed : int, default 0
        Of what is generated or held out. Of wiki-el, which has no split, a fifth of the documents is the test: fold
        ``seed % 5`` of a split drawn with ``seed // 5``; another tenth is for development.

    Raises
    ------
    ValueError
        A combination that does not name one source, an unknown data set, no or unknown features.
    """

    files: ClassVar[tuple[str, ...]] = ("data_dir", "train", "development", "test", "encoder", "cache")

    dataset: LinkingDataset | None = None
    train: str | None = None
    development: str | None = None
    test: str | None = None
    data_dir: str | None = None
    encoder: str | None = None
    pool: ContextPool = "mean"
    cache: str | None = None
    features: tuple[str, ...] = GROUPS
    seed: Seed = 0

    def __post_init__(self) -> None:
        given = [name for name in ("dataset", "train") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of dataset and train must be given, got {given or 'none'}")
        if (self.train is None) != (self.test is None):
            raise ValueError("train and test must be given together, got one of them")
        if self.development is not None and self.train is None:
            raise ValueError("development must be given with train and test, got it alone")
        distinct = set(self.features)
        if not distinct or distinct - set(GROUPS) or len(distinct) < len(self.features):
            raise ValueError(f"features must be distinct and among {list(GROUPS)}, got {list(self.features)}")
        if self.encoder is not None and self.dataset == "synthetic":
            raise ValueError("encoder must be left out for the generated world, which has one of its own")
        if self.cache is not None and self.encoder is None:
            raise ValueError("cache must be given with encoder, whose vectors it holds, got it alone")
        if self.pool != "mean" and (self.encoder is None or self.dataset == "aida"):
            raise ValueError(f"pool must be 'mean' without an encoder of contexts, got {self.pool!r}")


@dataclass(frozen=True, eq=False)
class LoadedLinking:
    """Mentions with their split, and the knowledge of their entities.

    Parameters
    ----------
    name : str
    mentions : Mentions
    split : ndarray of object, shape (num_mentions,)
        ``"train"``, ``"dev"`` or ``"test"``, by document.
    knowledge : Knowledge
    groups : tuple of str
        Groups of features in use.
    entity_type : ndarray of object, shape (num_entities,), optional
        Types for the evaluation.
    """

    name: str
    mentions: Mentions
    split: NDArray[np.object_]
    knowledge: Knowledge
    groups: tuple[str, ...]
    entity_type: NDArray[np.object_] | None = None

    def docs(self, split: str) -> Tensor:
        """Return the numbers of the documents of a split."""
        return torch.from_numpy(np.unique(self.mentions.doc[self.split == split]))

    @cached_property
    def inputs(self) -> Inputs:
        """Inputs of a linker for these mentions."""
        return self.knowledge.read(self.mentions, self.split == "train")

    @cached_property
    def used(self) -> UsedFeatures:
        """The features in use, with mean 0 and variance 1 over training candidates.

        Raises
        ------
        ValueError
            None of the groups has a feature for this source.
        """
        kept = used(self.inputs, self.groups)
        if not kept:
            raise ValueError(f"features must name a group that {self.name} has, got {list(self.groups)}")
        rows = np.flatnonzero((self.split == "train")[self.mentions.cand_mention])
        return UsedFeatures(self.groups, Standardizer.fit(self.inputs.features[:, kept], rows))

    def fingerprint(self) -> dict[str, int | str]:
        """Return counts and a checksum: equal for equal data."""
        found, crc = self.mentions, 0
        for text in (found.surface, found.entity_names, found.left, found.right):
            crc = crc if text is None else zlib.crc32("\0".join(text).encode(), crc)
        inputs = self.inputs
        tables = (found.gold, found.cand_indptr, found.cand_entity, found.prior, inputs.features, inputs.entities)
        for table in tables:
            crc = crc if table is None else zlib.crc32(np.ascontiguousarray(table).data, crc)
        counts = {name: len(self.docs(name)) for name in ("train", "dev", "test")}
        sizes = {"num_mentions": found.num_mentions, "num_entities": found.num_entities}
        return {"name": self.name, **sizes, **{f"{name}_docs": n for name, n in counts.items()}, "crc32": crc}


def load_linking(source: LinkingSource) -> LoadedLinking:
    """Read a source and compute the knowledge of its mentions.

    Raises
    ------
    FileNotFoundError
        A file or the encoder is not there.
    ImportError
        An encoder is given, and transformers is not installed.
    ValueError
        Files that cannot be read, or a split without mentions.
    """
    if source.dataset == "synthetic":
        known = WorldKnowledge(source.seed)
        world = known.world
        return LoadedLinking(
            world.name, world.mentions, world.split, known, source.features, world.entity_type.astype(object)
        )
    encoder = None if source.encoder is None else TextVectors.open(source.encoder, source.pool, source.cache)
    if source.dataset == "aida":
        aida = AidaCandidates(source.data_dir)
        split = pd.Series(aida.split).map({"train": "train", "testa": "dev", "testb": "test"}).to_numpy(dtype=object)
        knowledge = AidaKnowledge.of(aida, encoder)
        return LoadedLinking(aida.name, aida.mentions, split, knowledge, source.features, aida.entity_type)
    if source.dataset == "wiki-el":
        wiki = WikiMentions(source.data_dir)
        name, mentions = wiki.name, wiki.mentions
        fold = document_folds(mentions.num_docs, 2 * _FOLDS, source.seed // _FOLDS)
        test = fold // 2 == source.seed % _FOLDS
        dev = fold == 2 * ((source.seed + 1) % _FOLDS)
        split = np.where(test, "test", np.where(dev, "dev", "train")).astype(object)[mentions.doc]
    else:
        name = Path(str(source.train)).name
        mentions, split = _read_files(source)
    absent = [part for part in ("train", "dev", "test") if not (split == part).any()]
    if absent:
        raise ValueError(f"train, dev and test must each have mentions, got none in {absent}")
    return LoadedLinking(name, mentions, split, TextKnowledge.of(mentions, split == "train", encoder), source.features)


def _read_files(source: LinkingSource) -> tuple[Mentions, NDArray[np.object_]]:
    """Return the mentions of all files, with one table of entities, and their split."""
    assert source.train is not None
    assert source.test is not None
    parts = {"train": read_deep_ed(source.train), "test": read_deep_ed(source.test)}
    if source.development is not None:
        parts["dev"] = read_deep_ed(source.development)
    names = {
        int(entity): name
        for part in parts.values()
        for entity, name in zip(part.entity_ids, part.entity_names, strict=True)
    }
    ids = pd.Index(sorted(names))
    docs, columns = [], []
    for name, part in parts.items():
        place = ids.get_indexer(part.entity_ids)
        docs += [f"{name} {part.doc_ids[doc]}" for doc in part.doc]
        gold = np.where(part.gold >= 0, place[part.gold], part.gold)
        columns.append((part, place[part.cand_entity], gold))
    counts = np.concatenate([np.diff(part.cand_indptr) for part, _, _ in columns])
    mentions = Mentions(
        docs,
        np.concatenate([part.surface for part, _, _ in columns]),
        np.concatenate([gold for _, _, gold in columns]),
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate([entity for _, entity, _ in columns]),
        ids,
        [names[entity] for entity in ids],
        prior=np.concatenate([part.prior for part, _, _ in columns]),
        left=np.concatenate([part.left for part, _, _ in columns]),
        right=np.concatenate([part.right for part, _, _ in columns]),
    )
    split = np.repeat(np.array(list(parts), dtype=object), [part.num_mentions for part, _, _ in columns])
    if source.development is None:
        train = np.unique(mentions.doc[split == "train"])
        held = np.random.default_rng(source.seed).permutation(train)[: max(1, len(train) // 10)]
        split[np.isin(mentions.doc, held)] = "dev"
    return mentions, split
