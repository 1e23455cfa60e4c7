"""Options of a `TwinTower`: one flat record, saved with its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from graphvid._record import Columns, Count, NotNegative, Positive, Record, Seed, Share, record
from graphvid.data.video_pairs import FoldBy
from graphvid.losses.pair_regression import Target
from graphvid.nn.text_encoder import Pooling

Stage = Literal["pairs", "tags"]
Frames = Literal["next-vlad", "mean", "none"]
PairOrder = Literal["random", "local"]
Fusion = Literal["se", "cross-modal", "one-stream", "none"]

_SMALL: Mapping[str, Any] = {  # Any: values of options
    "dim": 64,
    "frame_dim": 48,
    "num_groups": 4,
    "num_clusters": 16,
    "text_dim": 48,
    "text_layers": 1,
    "text_heads": 4,
    "text_hidden": 96,
    "num_frame_layers": 1,
    "num_cross_layers": 1,
    "num_heads": 4,
    "hidden": 96,
    "transformer_dropout": 0.0,
    "mse_weight": 10.0,
    "mae_weight": 10.0,
    "pretrain_batch_size": 64,
    "pretrain_epochs": 12,
    "num_epochs": 8,
    "weight_decay": 0.01,
    "learning_rate": 1.5e-3,
    "text_learning_rate": 1.5e-3,
    "pretrain_learning_rate": 1.5e-3,
    "pretrain_text_learning_rate": 1.5e-3,
}
_TRANSFORMER: Mapping[str, Any] = {
    "learning_rate": 1e-4,
    "pretrain_learning_rate": 1e-4,
    "batch_size": 256,
    "pretrain_batch_size": 256,
}


@record
class TwinTowerConfig(Record):
    """Options of `TwinTower`; the defaults are the preset ``"model-1"``.

    Presets of the rank-11 team: ``"model-1"`` is NeXtVLAD of the frames and the title's vector, fused with squeeze and
    excitation; ``"model-2"`` adds a NeXtVLAD of frame differences; in ``"model-3"`` frames and words attend to each other.
    ``"one-stream"``, of the rank-1 team, runs one BERT over both. ``"small"`` is model 1 in the size of the generated
    contest, for minutes on a CPU.

    Parameters
    ----------
    stage : {"pairs", "tags"}
        ``"pairs"`` learns from scored pairs, after a pretraining of ``pretrain_epochs``; ``"tags"`` is only such a
        pretraining.
    fusion : {"se", "cross-modal", "one-stream", "none"}
        See `graphvid.nn.SEFusion`, `graphvid.nn.CrossModalTransformer` and `graphvid.nn.OneStreamTransformer`.
        ``"none"``: the vector of the title itself, of the text encoder's columns; needs ``frames="none"``.
    frames : {"next-vlad", "mean", "none"}
        Pooling of the frames to one vector for the fusion ``"se"``; ``"mean"`` is the mean and two linear maps. ``"none"``:
        frames are not read. The transformers read frames without pooling.
    differences : bool
        A second NeXtVLAD over the differences of neighbouring frames.
    title : bool
        Whether titles are read.
    asr : bool
        Append the speech recognised by a machine (ASR) to the title.
    dim : int
        Columns of a video's vector; without fusion the number is that of the text encoder. The contest allows 256.
    frame_dim : int
        Columns of the pooled vector of the frames.
    expansion, num_groups, num_clusters, batch_norm
        See `graphvid.nn.NeXtVLAD`.
    dropout : float
        Dropout in NeXtVLAD and before the fusion.
    max_frames, max_tokens : int
        Largest numbers of frames and word pieces of a video.
    text_encoder : str, optional
        Folder with a model and a tokenizer of transformers; the library downloads nothing. Default: a BERT of the size below
        with random weights, and a vocabulary of the words of the training titles.
    text_dim, text_layers, text_heads, text_hidden : int
        Size of the BERT with random weights.
    max_words : int
        Largest number of words in its vocabulary.
    pooling : {"pooler", "mean", "cls"}
        See `graphvid.nn.TextEncoder`.
    freeze_text : bool
        Do not train the text encoder's weights.
    num_frame_layers, num_cross_layers, num_heads, hidden, share_cross
        See `graphvid.nn.CrossModalTransformer`; its columns are those of the text encoder.
    transformer_dropout : float
        Dropout in the cross-modal transformer and in a BERT with random weights.
    frame_positions : bool
        Learned positions of frames in the transformers.
    num_tags : int
        Number of tags to learn, the most frequent ones.
    tag_loss : {"bce", "asymmetric"}
        See `graphvid.losses.TagBCELoss` and `graphvid.losses.AsymmetricTagLoss`.
    tag_weight : float
        Weight of the tags of both ends in stage ``"pairs"``.
    mse_weight, mae_weight, kl_weight, target, alpha
        See `graphvid.losses.PairRegressionLoss`.
    batch_size, num_epochs : int
        Pairs a step, and passes over the pairs.
    learning_rate, text_learning_rate : float
        Largest learning rates: of the text encoder's weights (``text_learning_rate``) and of all others.
    pretrain_batch_size, pretrain_epochs, pretrain_learning_rate, pretrain_text_learning_rate
        The same for the pretraining, on videos; 0 epochs: no pretraining.
    warm_up : float
        Share of the steps in which the rate rises from 0, in [0, 1).
    decay : {"linear", "cosine"}
        Form of the fall to 0 afterwards.
    weight_decay : float
        Decoupled, for all weights except biases and those of norms.
    pair_order : {"random", "local"}
        ``"local"``: the pairs of a batch share videos, and each video is encoded once; see
        `graphvid.sampling.local_pair_order`.
    patch_size : int
        Neighbouring pairs in a patch with ``"local"``; a batch consists of random patches. A patch as large as the batch
        saves most time, but all pairs of a batch then come from one region of the graph, which costs accuracy.
    keep : {"last", "best"}
        Weights at the end: those of the last epoch, or of the best epoch on the validation pairs.
    fold : int, optional
        The fold of the pairs for validation. Default: none, all pairs train.
    num_folds, fold_by
        See `graphvid.data.split_pairs`.
    seed : int
        Seed of the initial weights, the order of videos and pairs, and dropout.

    Raises
    ------
    ValueError
        An unknown choice, a number of another type or out of its range, or options that contradict each other.

    Examples
    --------
    >>> TwinTowerConfig.preset("model-2").differences
    True
    >>> TwinTowerConfig(num_epochs=4).pretraining().stage
    'tags'
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "model-1": {},
        "model-2": {"differences": True},
        "model-3": {**_TRANSFORMER, "fusion": "cross-modal", "frames": "none", "mae_weight": 0.2, "mse_weight": 0.0},
        "small": _SMALL,
        "one-stream": {
            **_TRANSFORMER,
            "fusion": "one-stream",
            "frames": "none",
            "decay": "cosine",
            "weight_decay": 0.01,
        },
    }

    stage: Stage = "pairs"
    fusion: Fusion = "se"
    frames: Frames = "next-vlad"
    differences: bool = False
    title: bool = True
    asr: bool = False
    dim: Columns = 256
    frame_dim: Columns = 1024
    expansion: Count = 2
    num_groups: Count = 8
    num_clusters: Count = 64
    batch_norm: bool = True
    dropout: Share = 0.2
    max_frames: Count = 32
    max_tokens: Annotated[int, Field(ge=2)] = 32
    text_encoder: str | None = None
    text_dim: Columns = 192
    text_layers: Count = 2
    text_heads: Count = 4
    text_hidden: Columns = 768
    max_words: Count = 30_000
    pooling: Pooling = "pooler"
    freeze_text: bool = False
    num_frame_layers: Annotated[int, Field(ge=0)] = 4
    num_cross_layers: Annotated[int, Field(ge=0)] = 6
    num_heads: Count = 12
    hidden: Columns = 3072
    share_cross: bool = False
    transformer_dropout: Share = 0.1
    frame_positions: bool = False
    num_tags: Count = 10_000
    tag_loss: Literal["bce", "asymmetric"] = "bce"
    tag_weight: NotNegative = 1.0
    mse_weight: NotNegative = 1.0
    mae_weight: NotNegative = 0.0
    kl_weight: NotNegative = 0.0
    target: Target = "sigmoid"
    alpha: Positive = 3.0
    batch_size: Count = 64
    num_epochs: Count = 10
    learning_rate: Positive = 5e-4
    text_learning_rate: Positive = 3e-5
    pretrain_batch_size: Count = 128
    pretrain_epochs: Annotated[int, Field(ge=0)] = 20
    pretrain_learning_rate: Positive = 5e-4
    pretrain_text_learning_rate: Positive = 3e-5
    warm_up: Share = 0.06
    decay: Literal["linear", "cosine"] = "linear"
    weight_decay: NotNegative = 0.0
    pair_order: PairOrder = "random"
    patch_size: Count = 8
    keep: Literal["last", "best"] = "last"
    fold: Annotated[int | None, Field(ge=0)] = None
    num_folds: Annotated[int, Field(ge=2)] = 5
    fold_by: FoldBy = "video"
    seed: Seed = 0

    def __post_init__(self) -> None:
        transformer = self.fusion in ("cross-modal", "one-stream")
        if transformer and not self.title:
            raise ValueError(f"title must be true with fusion {self.fusion!r}, which reads it")
        if self.fusion != "se" and (self.frames != "none" or self.differences):
            raise ValueError(
                f"frames must be 'none' and differences false with fusion {self.fusion!r}, got {self.frames!r} and "
                f"{str(self.differences).lower()}"
            )
        if self.fusion == "none" and not self.title:
            raise ValueError("title must be true without fusion, whose vector is the title's")
        if self.fusion == "se" and self.frames == "none" and not self.differences and not self.title:
            raise ValueError("one of frames, differences and title must be read, got none")
        if not (self.mse_weight or self.mae_weight or self.kl_weight):
            raise ValueError("one of mse_weight, mae_weight and kl_weight must be above 0, got 0 for all")
        if self.stage == "tags" and not self.pretrain_epochs:
            raise ValueError("pretrain_epochs must be above 0 with stage 'tags', got 0")
        if self.fold is not None and self.fold >= self.num_folds:
            raise ValueError(f"fold must be below num_folds={self.num_folds}, got {self.fold}")

    @property
    def reads_frames(self) -> bool:
        """Whether the frames of videos are read."""
        return self.fusion in ("cross-modal", "one-stream") or self.frames != "none" or self.differences

    def pretraining(self) -> TwinTowerConfig:
        """Return the options of the first stage; options of only the second stage are at their defaults."""
        of_pairs = (
            "tag_weight",
            "mse_weight",
            "mae_weight",
            "kl_weight",
            "target",
            "alpha",
            "batch_size",
            "num_epochs",
            "learning_rate",
            "text_learning_rate",
            "pair_order",
            "patch_size",
            "keep",
            "fold",
            "num_folds",
            "fold_by",
        )
        defaults = {name: getattr(TwinTowerConfig, name) for name in of_pairs}
        return replace(self, stage="tags", **defaults)
