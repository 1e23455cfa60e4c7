"""The task similarity: pretrain on tags, train on scored pairs, and compare cosines with human scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._files import atomic_path
from graphvid._random import seeded
from graphvid.data import ScoredPairs, TagVocabulary, TitleTokenizer
from graphvid.metrics import spearman
from graphvid.models.towers import (
    TwinTower,
    TwinTowerConfig,
    VideoInputs,
    build_text_encoder,
    embed_videos,
    pair_cosines,
    texts_of,
)
from graphvid.runs import (
    Json,
    KeepBest,
    Method,
    Part,
    Parts,
    Report,
    RunDirectory,
    Task,
    Training,
    Verdict,
    read_tensors,
    storable,
    write_tensors,
    write_vectors,
)

from .answers import TAG_LIST, TOKENIZER, TOWER, SimilarityRun
from .ensemble import ensemble_command
from .figures import compare, cosines_of_unseen, judge, number
from .report import PREDICTIONS, report
from .source import SimilarityData, VideoPairSource, held_out, load_similarity

PRETRAIN = "pretrain"
_TEXT_STREAM = 3  # of config.seed; the model has those before it
_LOG_ROWS = 100


class Similarity(Task[VideoPairSource, SimilarityData]):
    """Vectors of videos from frames and titles, so that cosines follow human similarity scores.

    A run adds the files ``tower.safetensors`` (weights), ``tokenizer/`` and ``text_encoder.json`` (if titles are read),
    ``tag_list.txt`` (if tags are learned), ``embeddings.npz`` (vectors of all videos with pairs and of all test videos, or of
    the videos pretrained on where there are no others), ``predictions.npz`` (one row for each pair outside training, if
    there are any) and, unless it starts from another run, the folder ``pretrain``, a run of its own.
    """

    source = VideoPairSource
    methods: ClassVar[Mapping[str, Method]] = {"twin-tower": Method("twin tower", TwinTowerConfig)}
    answers = SimilarityRun
    commands: ClassVar[Mapping[str, Callable[..., None]]] = {"ensemble": ensemble_command}

    def check(self, source: VideoPairSource, method: str, config: TwinTowerConfig) -> None:
        """Raise for a pretraining that starts from another run, and for pairs with only a pretraining."""
        if source.from_ is not None and config.stage == "tags":
            raise ValueError("from must be left out with stage 'tags': a pretraining starts from nothing")
        if config.stage == "pairs" and source.dataset is None and source.pairs is None:
            raise ValueError("pairs must be given with stage 'pairs'; to pretrain alone, set stage=tags")

    def load(self, source: VideoPairSource, *, progress: bool) -> SimilarityData:
        """Read the videos and the pairs."""
        return load_similarity(source)

    def parts(
        self, source: VideoPairSource, data: SimilarityData, method: str, config: TwinTowerConfig
    ) -> Mapping[str, Part]:
        """Return the pretraining, if there are videos for it and no other run is the start."""
        if config.stage == "tags" or not config.pretrain_epochs or data.start is not None or data.pointwise is None:
            return {}
        return {PRETRAIN: Part(method, source, config.pretraining())}

    def prepare(
        self, run: RunDirectory, method: str, data: SimilarityData, config: TwinTowerConfig, *, progress: bool
    ) -> Training:
        """Make the vocabularies of words and tags, hold out a fold of the pairs, and build the tower."""
        learnt = data.pointwise if config.stage == "tags" else data.videos
        if learnt is None:
            raise ValueError("pointwise must be given with stage 'tags', got none")
        pairs, validation, dropped = held_out(data, config)
        tokenizer, vocabulary = _vocabularies(data, config)
        with seeded(config.seed, _TEXT_STREAM):
            text = build_text_encoder(config, 0 if tokenizer is None else tokenizer.num_pieces)
        inputs = VideoInputs(learnt, config, tokenizer, vocabulary)
        model = TwinTower(inputs, config, pairs=pairs, text=text)
        if data.start is not None:
            _load_start(model, RunDirectory(data.start))

        def judge_epoch(trained: TwinTower) -> float | None:
            assert validation is not None
            return number(spearman(validation.score, pair_cosines(trained.embed(), validation)))

        epochs = KeepBest(judge_epoch, "spearman", keep=config.keep)

        def begin(parts: Parts) -> None:
            if tokenizer is not None and model.tower.text is not None:
                tokenizer.save(run.path / TOKENIZER)
                model.tower.text.model.config.to_json_file(str(run.path / "text_encoder.json"), use_diff=False)
            if vocabulary is not None:
                vocabulary.write(run.path / TAG_LIST)
            if PRETRAIN in parts:
                _load_start(model, parts[PRETRAIN])

        def finish(parts: Parts) -> Json:
            write_tensors(run.path / TOWER, model.tower.state_dict())
            vectors = {
                name: embed_videos(model.tower, VideoInputs(table, config, tokenizer, vocabulary))
                for name, table in (("test", data.test), ("videos", data.videos))
                if table is not None
            } or {"pointwise": embed_videos(model.tower, inputs)}
            write_vectors(run, embedding=_every(data, vectors))
            figures = _judge(run, data, vectors, validation)
            return {
                **figures,
                "pairs": {
                    "training": 0 if pairs is None else pairs.num_pairs,
                    "validation": 0 if validation is None else validation.num_pairs,
                    "dropped": dropped,
                    "test": 0 if data.test_pairs is None else data.test_pairs.num_pairs,
                },
                "tags": 0 if vocabulary is None else vocabulary.num_tags,
                "epochs": epochs.epochs,
                "best_epoch": epochs.best_epoch,
                "kept": config.keep,
                "pretrained": {name: part.read_metrics()["methods"] for name, part in parts.items()},
            }

        return Training(
            finish,
            model,
            begin,
            [epochs] if validation is not None and config.stage == "pairs" else (),
            log_every=max(1, len(model.train_dataloader()) // _LOG_ROWS),
            checkpoint_every=model.steps_per_epoch,
        )

    def report(self, run: RunDirectory) -> Report:
        """Describe a finished run."""
        return report(run)


def _vocabularies(data: SimilarityData, config: TwinTowerConfig) -> tuple[TitleTokenizer | None, TagVocabulary | None]:
    """Return the words and tags of the run to start from, or of the training videos."""
    learnt = [table for table in (data.pointwise, data.videos) if table is not None]
    tokenizer = None
    if config.title:
        if data.start is not None:
            tokenizer = TitleTokenizer.open(Path(data.start) / TOKENIZER, max_tokens=config.max_tokens)
        elif config.text_encoder is not None:
            tokenizer = TitleTokenizer.open(config.text_encoder, max_tokens=config.max_tokens)
        else:
            texts = [text for table in learnt for text in texts_of(table, asr=config.asr)]
            tokenizer = TitleTokenizer.of_words(texts, max_words=config.max_words, max_tokens=config.max_tokens)
    if data.start is not None and (Path(data.start) / TAG_LIST).exists():
        return tokenizer, TagVocabulary.read(Path(data.start) / TAG_LIST)
    if data.tags is not None:
        return tokenizer, data.tags
    tags = learnt[0].tag_id
    assert tags is not None
    if not len(tags.values):
        if config.stage == "tags" or config.tag_weight:
            raise ValueError("videos must have tags where tags are learnt, got none; or set tag_weight=0")
        return tokenizer, None
    return tokenizer, TagVocabulary.most_frequent(tags, config.num_tags)


def _load_start(model: TwinTower, run: RunDirectory) -> None:
    """Load the weights of a finished run into the tower."""
    path = run.require(run.path / TOWER)
    weights, _ = read_tensors(path)
    try:
        model.tower.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise ValueError(f"{path} holds the weights of another tower than the options describe ({reason})") from error


def _every(data: SimilarityData, vectors: Mapping[str, NDArray[np.float32]]) -> tuple[pd.Index, NDArray[np.float32]]:
    """Return ids and vectors of all embedded tables, the test first; a video of both tables appears once."""
    ids = pd.Index([value for name in vectors for value in getattr(data, name).ids])
    stacked = np.concatenate(list(vectors.values()))
    first = ~ids.duplicated()
    return ids[first], stacked[first]


def _judge(
    run: RunDirectory, data: SimilarityData, vectors: Mapping[str, NDArray[np.float32]], validation: ScoredPairs | None
) -> dict[str, Any]:
    """Write a row for each pair outside training, and return the figures of the trained tower and of baselines."""
    methods: dict[str, dict[str, Any]] = {"twin tower": {}}
    columns: dict[str, list[Any]] = {}
    verdict: Verdict | None = None  # of the last split that there is, test before validation
    for split, table, pairs, cosines in cosines_of_unseen(data, vectors, validation):
        cosine = cosines["twin tower"]
        for method, of_method in cosines.items():
            methods.setdefault(method, {})[split] = judge(of_method, pairs)
        verdict = compare(cosines, "twin tower", pairs)
        row = {
            "query_id": storable(table.ids[pairs.query]),
            "candidate_id": storable(table.ids[pairs.candidate]),
            "score": pairs.score,
            "cosine": cosine,
            "split": np.full(len(cosine), split),
        }
        for key, values in row.items():
            columns.setdefault(key, []).append(values)
    if columns:
        joined: dict[str, Any] = {key: np.concatenate(values) for key, values in columns.items()}  # Any: columns
        with atomic_path(run.path / PREDICTIONS) as temporary:
            np.savez_compressed(temporary, **joined)
    return {"methods": methods, "verdict": None if verdict is None else verdict.to_dict()}
