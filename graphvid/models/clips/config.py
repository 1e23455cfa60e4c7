"""Options of `ClipContrast`, and the recipes: each published method is a set of defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from graphvid._record import Columns, Count, NotNegative, Positive, Record, Seed, Share, record
from graphvid.losses.edge_contrast import Mining
from graphvid.nn.clip_encoder import Pooling

Inputs = Literal["frames", "differences", "both"]
Negative = Literal["none", "other_segment", "shuffle", "segments", "edits", "reverse"]
Push = Literal["queue", "batch", "reversed"]
Group = Literal["none", "square8", "square8xtime"]
MixSource = Literal["self", "batch"]


@record
class ClipConfig(Record):
    """Options of `ClipContrast`; the defaults are those of MoCo, and each method's class has its own.

    Parameters
    ----------
    clip_length, stride : int
        Frames of a clip, and distance between them in raw frames.
    inputs : {"frames", "differences", "both"}
        Input of the encoder: frames, each frame minus the previous one, or both as channels.
    noise_floor : float
        Differences move towards 0 by this much, in units of the brightness, so that slow scenery and noise vanish.
    width, dim : int
        Channels of the first layer of `graphvid.nn.Tiny3D`, and columns of the vector that losses compare.
    pooling : {"mean", "2x2x2"}
        Pooling of the network's map: its mean; or its means over two halves of time, height and width. The second suits clips
        that are centred on the moving object, so that positions are informative. The vectors of videos are pooled in the
        same way.
    crop_shift : int
        Largest shift of a view in pixels, filled by reflection.
    contrast, brightness : float
        Each clip of a view gets a random factor in 1 +- ``contrast`` and a random shift of up to ``brightness``.
    static_mix : float
        Largest share of a still frame that is mixed into every frame of the query; 0 for none.
    mix_source : {"self", "batch"}
        Source of the still frame: the clip itself, or another clip.
    static_swap : bool
        Replace the static layer of the query, its median over time, by that of another clip.
    warp : float
        Largest shift of the control points of a smooth warp of the query; 0 for none.
    negative : {"none", "other_segment", "shuffle", "segments", "edits", "reverse"}
        A view of the same video as a negative: another segment, or the same segment with its frames in another order.
    negative_weight : float
        Number of queue entries that such a view counts as.
    push : {"queue", "batch", "reversed"}
        Negatives of other videos: earlier keys of a momentum encoder; all of the batch, through one encoder; the negative of
        the video at the same place from the end of the batch.
    queue_size : int
        Keys in the queue.
    mask_same_video : bool
        Exclude the keys of the query's own video from its negatives.
    scene_negatives : bool
        Take as negatives only keys of videos with scenery of the same cluster, so that scenery does not separate them; with
        fewer than 16 such keys, take all. See `graphvid.models.clips.scene_clusters`.
    loss : {"info-nce", "margin"}
        See `graphvid.losses.EdgeInfoNCE` and ``EdgeMargin``.
    both_ways : bool
        Take both views of a pair as queries.
    temperature : float
        Temperature of the loss ``"info-nce"``.
    margin, mining : float, {"all", "hard", "semi-hard"}
        Margin and mining of the loss ``"margin"``.
    contrast_weight : float
        Weight of the contrastive loss, above 0: with consistency alone the maps become constant.
    group : {"none", "square8", "square8xtime"}
        Transforms of the query that its map must follow: the eight of the square, without or with reversed time.
    consistency_weight : float
        Weight of `graphvid.losses.map_consistency`; needs a group.
    flip_weight : float
        Weight of `graphvid.losses.flip_consistency` of the query and its reversal. A pooled vector then loses the direction
        of time.
    momentum : float
        Momentum of the key encoder.
    key_batch_norm : {"train", "eval"}
        See `graphvid.nn.MomentumPair`.
    batch_size, num_epochs : int
        Videos a step, and passes over the videos.
    learning_rate, weight_decay : float
        Options of Adam; the rate falls along a cosine.
    num_clips : int
        The vector of a video is the mean of this many clips, evenly spaced from its start to its end.
    seed : int
        Seed of all random draws.

    Raises
    ------
    ValueError
        Options contradict each other.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"default": {}}  # Any: values of options

    clip_length: Annotated[int, Field(ge=2, le=1024)] = 8
    stride: Count = 1
    inputs: Inputs = "frames"
    noise_floor: NotNegative = 0.0
    width: Columns = 8
    dim: Columns = 64
    pooling: Pooling = "mean"
    crop_shift: Annotated[int, Field(ge=0, le=1024)] = 3
    contrast: Share = 0.4
    brightness: NotNegative = 0.2
    static_mix: Share = 0.0
    mix_source: MixSource = "self"
    static_swap: bool = False
    warp: NotNegative = 0.0
    negative: Negative = "none"
    negative_weight: NotNegative = 1.0
    push: Push = "queue"
    queue_size: Count = 1024
    mask_same_video: bool = True
    scene_negatives: bool = False
    loss: Literal["info-nce", "margin"] = "info-nce"
    both_ways: bool = False
    temperature: Positive = 0.1
    margin: NotNegative = 0.5
    mining: Mining = "all"
    contrast_weight: NotNegative = 1.0
    group: Group = "none"
    consistency_weight: NotNegative = 0.0
    flip_weight: NotNegative = 0.0
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.99
    key_batch_norm: Literal["train", "eval"] = "train"
    batch_size: Annotated[int, Field(ge=2, lt=2**31)] = 64
    num_epochs: Count = 16
    learning_rate: Positive = 3e-3
    weight_decay: NotNegative = 1e-5
    num_clips: Count = 3
    seed: Seed = 0

    def __post_init__(self) -> None:
        if not self.contrast_weight:
            raise ValueError("contrast_weight must be above 0: maps that only agree become constant")
        if (self.group == "none") != (self.consistency_weight == 0):
            raise ValueError(
                f"group and consistency_weight must be given together, got {self.group!r} and {self.consistency_weight}"
            )
        if self.push == "queue" and self.queue_size < self.batch_size:
            raise ValueError(
                f"queue_size must be at least batch_size={self.batch_size}, got {self.queue_size}: a batch would not fit"
            )
        if self.scene_negatives and self.push != "queue":
            raise ValueError(f"scene_negatives needs push='queue', got {self.push!r}")
        if self.push == "reversed" and self.negative == "none":
            raise ValueError("push 'reversed' needs a negative, whose views it takes, got negative='none'")
        if self.both_ways and self.push != "batch":
            raise ValueError(f"both_ways needs push='batch', got {self.push!r}: keys have no gradient")
        if self.loss == "margin" and self.push == "queue":
            raise ValueError("loss 'margin' needs push 'batch' or 'reversed', got 'queue'")
        if self.noise_floor and self.inputs == "frames":
            raise ValueError(f"noise_floor needs inputs 'differences' or 'both', got {self.inputs!r}")


@record
class MoCoConfig(ClipConfig):
    """Options of momentum contrast: another crop of the same clip, against a queue; see `ClipConfig`.

    Presets: ``"default"``, and ``"differences"``, which sees frame differences.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"default": {}, "differences": {"inputs": "differences"}}


@record
class SimCLRConfig(ClipConfig):
    """Options of contrast inside a batch, through one encoder; see `ClipConfig`."""

    push: Push = "batch"
    both_ways: bool = True


@record
class TripletConfig(ClipConfig):
    """Options of triplets with semi-hard negatives of the batch; see `ClipConfig`."""

    push: Push = "batch"
    loss: Literal["info-nce", "margin"] = "margin"
    mining: Mining = "semi-hard"


@record
class BEConfig(ClipConfig):
    """Options of background erasing: a still frame of the clip is mixed into the query; see `ClipConfig`.

    Presets: ``"default"``; ``"batch"`` takes the frame of another clip, up to 0.9; ``"swap"`` exchanges the static layer;
    ``"flip"``, of the first version, adds the agreement with the reversed clip; ``"margin"`` is the triplet form.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "default": {},
        "batch": {"mix_source": "batch", "static_mix": 0.9},
        "swap": {"static_mix": 0.0, "static_swap": True},
        "flip": {"flip_weight": 1.0},
        "margin": {"loss": "margin", "push": "reversed", "negative": "other_segment"},
    }

    static_mix: Share = 0.3


@record
class BEReleasedConfig(BEConfig):
    """Options of background erasing as in its released code: another segment of the video is a negative too.

    Presets: ``"default"``, and ``"published"`` with the temperature, momentum and unmasked queue of that code.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "default": {},
        "published": {"temperature": 0.07, "momentum": 0.999, "mask_same_video": False, "dim": 128, "queue_size": 3569},
    }

    negative: Negative = "other_segment"


@record
class DSMConfig(ClipConfig):
    """Options of decoupled scene and motion: the query is warped, and a clip with shuffled frames is a negative.

    Presets: ``"default"``; ``"released"`` takes another segment as the negative, as its code does; ``"margin"`` is the
    triplet form.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "default": {},
        "released": {"negative": "other_segment", "temperature": 0.07, "momentum": 0.999, "mask_same_video": False},
        "margin": {"loss": "margin", "push": "reversed"},
    }

    warp: NotNegative = 0.1
    negative: Negative = "shuffle"


@record
class VTDLConfig(ClipConfig):
    """Options of temporal discrimination: the query has a small share of a still frame, and another segment is a negative.

    Presets: ``"default"``, and ``"published"`` with the temperature, momentum and unmasked queue of its code.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "default": {},
        "published": {"temperature": 0.07, "momentum": 0.999, "mask_same_video": False, "dim": 128, "queue_size": 5000},
    }

    static_mix: Share = 0.1
    negative: Negative = "other_segment"


@record
class STCRConfig(ClipConfig):
    """Options of consistency: the map of a transformed, mixed clip must be the transformed map of the clip.

    Presets: ``"default"`` uses rotations, reflections and reversed time; ``"square"`` keeps the direction of time.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"default": {}, "square": {"group": "square8"}}

    static_mix: Share = 0.3
    group: Group = "square8xtime"
    consistency_weight: NotNegative = 1.0


@record
class MotionContrastConfig(ClipConfig):
    """Options of the library's own recipe: frame differences, and a clip with shuffled frames as a negative.

    Presets: ``"default"``; ``"both"`` also reads frames, with exchanged static layers.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "default": {},
        "both": {"inputs": "both", "static_swap": True},
    }

    inputs: Inputs = "differences"
    negative: Negative = "shuffle"


RECIPES: Mapping[str, type[ClipConfig]] = {
    "moco": MoCoConfig,
    "simclr": SimCLRConfig,
    "triplet": TripletConfig,
    "be": BEConfig,
    "be-released": BEReleasedConfig,
    "dsm": DSMConfig,
    "vtdl": VTDLConfig,
    "stcr": STCRConfig,
    "motion-contrast": MotionContrastConfig,
}
