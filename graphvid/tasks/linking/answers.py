"""Answers of a linking run, from the files of its directory: entities of mentions in new texts, with reasons."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from graphvid._files import atomic_folder, atomic_path, read_npz, reading
from graphvid._transformers import need_transformers
from graphvid.data import Mentions, Standardizer
from graphvid.metrics import choose
from graphvid.models.linking import GROUPS, Linker, probabilities
from graphvid.nn import TextEncoder
from graphvid.runs import Json, Run, RunDirectory, storable, write_tensors

from .figures import score_linking, spread
from .knowledge import AidaKnowledge, Inputs, Knowledge, TextKnowledge, UsedFeatures, WorldKnowledge
from .source import LinkingSource, LoadedLinking
from .texts import Span, Surfaces, read_candidates, read_spans, to_mentions
from .vectors import TextVectors

WEIGHTS, KNOWLEDGE, ENCODER, ENCODER_WEIGHTS = "model.safetensors", "knowledge.npz", "encoder", "encoder.safetensors"
_ENTITIES, _SCALE = ("entity_ids", "entity_names", "has_prior"), ("feature_mean", "feature_scale")
REASONS = (*GROUPS, "coherence")
COLUMNS = ["id", "start", "end", "mention", "entity", "name", "probability", "reason"]


def write_knowledge(run: RunDirectory, data: LoadedLinking) -> None:
    """Write the knowledge of entities, the scale of the features, and the encoder of new texts if there is one."""
    known, scale = data.knowledge, data.used.scale
    with atomic_path(run.path / KNOWLEDGE) as temporary:
        np.savez_compressed(
            temporary,
            entity_ids=storable(known.entity_ids),
            entity_names=known.entity_names.astype(np.str_),
            has_prior=np.array([known.has_prior]),
            feature_mean=scale.mean,
            feature_scale=scale.scale,
            **known.arrays,  # type: ignore[arg-type] # no array is called allow_pickle
        )
    if known.encoder is not None:
        write_tensors(run.path / ENCODER_WEIGHTS, known.encoder.encoder.model.state_dict())
        if not (run.path / ENCODER).exists():
            with atomic_folder(run.path / ENCODER) as folder:
                known.encoder.encoder.model.config.save_pretrained(folder)
                known.encoder.tokenizer.save_pretrained(folder)


class LinkingRun(Run):
    """A run of the task linking: it finds the entities that the mentions of texts mean."""

    def model(self, mentions: Mentions | None = None) -> Linker:
        """Return the trained model, in evaluation mode, for some documents.

        Parameters
        ----------
        mentions : Mentions, optional
            Mentions of the entities of the run. Default: none, for only the weights.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        ValueError
            Its files are damaged, or of another model.
        """
        knowledge, used = self._knowledge()
        if mentions is None:
            mentions = to_mentions([], Surfaces((), {}, {}), knowledge)
        return self._linker(knowledge.read(mentions), used)

    def link(self, text: str | os.PathLike[str], candidates: str | os.PathLike[str]) -> pd.DataFrame:
        """Return the entity of each mention in texts.

        Parameters
        ----------
        text : path-like
            CSV with the columns ``id`` and ``text``, and perhaps ``start`` and ``end``, offsets of a mention in
            characters, a row for each mention. Rows of one id are mentions of one document and must have one text. Of a text
            without offsets, the longest surfaces of ``candidates`` in it are the mentions, from left to right; this is no
            detector of mentions.
        candidates : path-like
            CSV with the columns ``surface``, ``entity`` (an id of the run's entities) and, for runs that know priors,
            ``prior``: the candidates of each surface. Surfaces are compared without case.

        Returns
        -------
        DataFrame
            A row for each mention, in the order of the texts: ``id``, ``start``, ``end``, ``mention``, ``entity``, ``name``,
            ``probability``, and ``reason``: the most important of prior, context, type and coherence for the choice. A
            mention without candidates has no entity, and the reason "no candidate".

        Raises
        ------
        FileNotFoundError
            A file is not there, or the run is unfinished.
        ImportError
            The run has an encoder, and transformers is not installed.
        ValueError
            Files of another form, offsets outside the text, unknown entities, or a damaged run.
        """
        knowledge, used = self._knowledge()
        listed = read_candidates(Path(candidates), knowledge)
        spans = read_spans(Path(text), listed)
        mentions = to_mentions(spans, listed, knowledge)
        linker = self._linker(knowledge.read(mentions), used)
        scores = spread(linker, mentions)
        return _table(spans, mentions, scores, _reasons(linker, mentions, scores))

    def evaluate(self, *, progress: bool = True) -> Json:
        """Read the source again, and link the mentions of its test documents with the saved model.

        Parameters
        ----------
        progress : bool, default True
            Show a bar while the source is read.

        Returns
        -------
        dict
            One entry, as in ``metrics.json`` under ``"test"``.

        Raises
        ------
        FileNotFoundError, ValueError
            As those of `graphvid.runs.Run.read_source`, and an unfinished run.
        """
        _, used = self._knowledge()
        data: LoadedLinking = self.read_source(progress=progress)
        title = self.config["title"]
        return {title: score_linking(self._linker(data.inputs, used), data, title)}

    def _knowledge(self) -> tuple[Knowledge, UsedFeatures]:
        """Read the run's knowledge of entities, and the features in use."""
        source = self.source
        assert isinstance(source, LinkingSource)
        kinds: dict[str, type[Knowledge]] = {"synthetic": WorldKnowledge, "aida": AidaKnowledge}
        kind = kinds.get(str(source.dataset), TextKnowledge)
        with_encoder = kind is TextKnowledge and source.encoder is not None
        path = self.directory.require(self.directory.path / KNOWLEDGE)
        kept = kind.kept if kind is not TextKnowledge or with_encoder else ()
        stored = read_npz(path, (*_ENTITIES, *_SCALE, *kept))
        used = UsedFeatures(source.features, Standardizer(*(stored[name] for name in _SCALE)))
        if kind is WorldKnowledge:
            world = WorldKnowledge(source.seed)
            if not all(np.allclose(world.arrays[name], stored[name], atol=1e-5) for name in kept):
                raise ValueError(f"{path} is of another generated world than seed {source.seed} gives now")
            return world, used
        known = kind(
            pd.Index(stored["entity_ids"]),
            stored["entity_names"].astype(object),
            {name: stored[name] for name in kept},
            has_prior=bool(stored["has_prior"][0]),
            encoder=self._encoder(source) if with_encoder else None,
        )
        return known, used

    def _encoder(self, source: LinkingSource) -> TextVectors:
        folder = self.directory.require(self.directory.path / ENCODER)
        need_transformers()
        from transformers import AutoConfig, AutoTokenizer

        with reading(folder, "a folder with the configuration and the tokenizer of a text encoder"):
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        with torch.random.fork_rng([]):  # random weights, replaced by the loaded ones
            encoder = TextEncoder(config, pooling="mean")
        self.load_weights(encoder.model, ENCODER_WEIGHTS)
        return TextVectors(encoder, tokenizer, source.pool)

    def _linker(self, inputs: Inputs, used: UsedFeatures) -> Linker:
        build, options = self._task.methods[self.method].build, self.options
        assert build is not None
        linker: Linker = build(inputs.graph, used.tables(inputs), None, options)
        self.load_weights(linker, WEIGHTS)
        return linker


def _reasons(linker: Linker, mentions: Mentions, scores: NDArray[np.float64]) -> list[str]:
    """Return, for each mention, the reason whose removal reduces the lead of its choice most."""
    lead = _lead(mentions, scores, scores)
    falls = [lead - _lead(mentions, scores, spread(linker, mentions, without=reason)) for reason in REASONS]
    most = np.stack(falls).argmax(axis=0)
    counts = np.diff(mentions.cand_indptr)
    return [
        "no candidate" if n == 0 else "only candidate" if n == 1 else REASONS[at]
        for n, at in zip(counts.tolist(), most.tolist(), strict=True)
    ]


def _lead(mentions: Mentions, scores: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lead, in ``other``, of the best candidates by ``scores`` over the best other candidate; 0 without others."""
    lead = np.zeros(mentions.num_mentions)
    for m, (start, end) in enumerate(pairwise(mentions.cand_indptr.tolist())):
        if end - start > 1:
            best = int(scores[start:end].argmax())
            lead[m] = other[start + best] - np.delete(other[start:end], best).max()
    return lead


def _table(spans: list[Span], mentions: Mentions, scores: NDArray[np.float64], reasons: list[str]) -> pd.DataFrame:
    prob = probabilities(torch.from_numpy(scores), torch.from_numpy(mentions.cand_indptr)).numpy()
    rows = []
    for span, best, reason in zip(spans, choose(scores, mentions.cand_indptr).tolist(), reasons, strict=True):
        row: list[Any] = [span.document, span.start, span.end, span.surface]
        if best < 0:
            rows.append([*row, None, "", None, reason])
        else:
            entity = mentions.cand_entity[best]
            rows.append([*row, mentions.entity_ids[entity], mentions.entity_names[entity], float(prob[best]), reason])
    return pd.DataFrame(rows, columns=COLUMNS)
