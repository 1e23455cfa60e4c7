"""Options of the models that learn short codes: records that a configuration file can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from graphvid._record import Columns, Count, NotNegative, Positive, Record, Seed, Share, record
from graphvid.losses.codewords import Diversity
from graphvid.losses.debiased_contrastive import Debias
from graphvid.nn.hybrid_pooling import Hybrid
from graphvid.nn.product_quantizer import Estimator

Start = Literal["random", "kmeans", "faiss"]
Detach = Literal["none", "features", "codewords"]
Presets = Mapping[str, Mapping[str, Any]]  # Any: values of options
Number = Annotated[int, Field(ge=0, lt=2**31)]


@record
class QuantizationConfig(Record):
    """Options that all models of short codes share.

    Parameters
    ----------
    num_codebooks, num_codewords : int
        M and K: a code takes M log2(K) bits.
    dim : int
        Columns of the vectors that are quantised, a multiple of M.
    sharpness, top_n, estimator, unit, train_codebooks
        See `graphvid.nn.ProductQuantizer`.
    start : {"random", "kmeans", "faiss"}
        Codebooks at the start: random, or the k-means of the untrained encoder's vectors, in PyTorch or with FAISS.
    reseed_every : int
        Epochs between repairs; 0 for never. A repair moves the codewords that no item of the last epoch used to items of the
        most crowded cells. The last fifth of the training has no repair.
    entropy_weight : float
        Weight of `graphvid.losses.assignment_entropy`.
    diversity_weight : float
    diversity : {"mean_inner", "log_gaussian"}
        Weight and kind of `graphvid.losses.codeword_diversity`.
    batch_size, num_epochs
        Items a step, and epochs; every item comes once an epoch.
    optimizer : {"adam", "sgd"}
        Adam decouples its weight decay; gradient descent has momentum 0.9.
    learning_rate : float
        Largest rate: it rises linearly over ``warmup_epochs``, then falls to 0 along a cosine.
    warmup_epochs : int
    weight_decay : float
        Does not apply to codebooks, which have unit length or no origin.
    seed : int
        Seed of the initial weights, the order of the items, the views and the repairs.

    Raises
    ------
    ValueError
        A number out of its range, an unknown choice, or options that contradict each other.
    """

    num_codebooks: Columns = 2
    num_codewords: Annotated[int, Field(ge=2, le=2**16)] = 256
    dim: Columns = 32
    sharpness: Positive = 10.0
    top_n: Annotated[int | None, Field(ge=1)] = None
    estimator: Estimator = "soft"
    unit: bool = True
    train_codebooks: bool = True
    start: Start = "kmeans"
    reseed_every: Number = 4
    entropy_weight: NotNegative = 0.0
    diversity_weight: NotNegative = 0.5
    diversity: Diversity = "mean_inner"
    batch_size: Annotated[int, Field(ge=2, lt=2**31)] = 256
    num_epochs: Count = 80
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: Positive = 2e-3
    warmup_epochs: Number = 0
    weight_decay: NotNegative = 1e-4
    seed: Seed = 0

    def __post_init__(self) -> None:
        if self.dim % self.num_codebooks:
            raise ValueError(
                f"dim must be a multiple of num_codebooks, got {self.dim} for {self.num_codebooks} codebooks"
            )
        if self.top_n is not None and self.top_n > self.num_codewords:
            raise ValueError(f"top_n must be null or at most num_codewords={self.num_codewords}, got {self.top_n}")
        if self.warmup_epochs >= self.num_epochs:
            raise ValueError(f"warmup_epochs must be below num_epochs={self.num_epochs}, got {self.warmup_epochs}")
        if self.reseed_every and not self.train_codebooks:
            raise ValueError("reseed_every must be 0 where train_codebooks is false: frozen codebooks do not move")


@record
class ContrastiveQuantizationConfig(QuantizationConfig):
    """Options of `ContrastiveQuantization`; see `QuantizationConfig` for the others.

    Presets: ``"default"``, chosen on validation items of the digits; ``"released"``, the method of the released code, with
    its settings for CIFAR-10 at 16 bits: one linear layer, frozen random codebooks, soft reconstructions, a memory of 384
    codes, and the debiased loss of that code. Two things differ: the views are of features and not of pixels, and the
    schedule ends at 0.

    Parameters
    ----------
    hidden : int
        Units of the encoder's hidden layer; 0 for one linear layer.
    standardize : bool
        Whether columns are scaled to deviation 1 over the training items; the mean is always subtracted. Do not scale if
        columns with small values are noise, as in the corners of pictures.
    rotation : bool
        Start the linear layer at the rotation of FAISS's OPQ (extra ``retrieval``); needs ``hidden`` 0 and as many columns
        as the features. With k-means codebooks of free length, training then starts at OPQ.
    temperature, prior, debias, normalize_memory
        See `graphvid.losses.DebiasedContrastiveLoss`.
    memory_size : int
        Codes of earlier batches that are further negatives (`graphvid.losses.CodeMemory`); 0 for none.
    memory_from : int
        Epoch from which the memory is used; it is filled before.
    memory_grad : bool
        Whether codebooks get a gradient from the vectors of the memory.
    memory_kept : int, optional
        Codewords that the memory keeps for each codebook; default: all.
    feature_dropout : float
        Share of an item's columns that a view sets to the mean of the training items.
    modality_dropout : float
        Probability that a view hides a modality completely; one always stays.
    noise : float
        Deviation of normal noise in a view, in deviations of each column.
    frame_share : float
        Share of an item's frames in the mean of a view, for features with frames.
    num_neighbors : int
        Without a given graph, each item gets links to this many others of largest cosine, and views walk on these links;
        0 for no graph.
    walk_length : int
        Steps of a random walk on the graph of items: each view is of the item at the end of its own walk.
    distill_weight, distill_temperature : float
        Weight and temperature of a loss that makes scores order the batch as the cosines of the features do. It increases
        the overlap with an exact search of the features, at which a contrastive loss does not aim.
    contrast_weight : float
        Weight of the contrastive loss.
    """

    presets: ClassVar[Presets] = {
        "default": {},
        "released": {
            "hidden": 0,
            "train_codebooks": False,
            "start": "random",
            "reseed_every": 0,
            "estimator": "soft",
            "entropy_weight": 0.05,
            "temperature": 0.25,
            "debias": "released",
            "normalize_memory": False,
            "memory_size": 384,
            "memory_from": 3,
            "memory_grad": False,
            "num_neighbors": 0,
            "walk_length": 0,
            "optimizer": "sgd",
            "learning_rate": 0.01,
            "warmup_epochs": 1,
            "weight_decay": 1e-3,
            "batch_size": 128,
            "num_epochs": 50,
        },
    }

    estimator: Estimator = "straight_through"
    hidden: Annotated[int, Field(ge=0, le=2**16)] = 256
    standardize: bool = True
    rotation: bool = False
    temperature: Positive = 0.5
    prior: Share = 0.1
    debias: Debias = "counted"
    normalize_memory: bool = True
    memory_size: Number = 512
    memory_from: Number = 5
    memory_grad: bool = True
    memory_kept: Annotated[int | None, Field(ge=1)] = None
    feature_dropout: Share = 0.2
    modality_dropout: Share = 0.0
    noise: NotNegative = 0.0
    frame_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    num_neighbors: Number = 10
    walk_length: Number = 2
    distill_weight: NotNegative = 0.0
    distill_temperature: Positive = 0.05
    contrast_weight: NotNegative = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.memory_kept is not None and self.memory_kept > self.num_codewords:
            raise ValueError(
                f"memory_kept must be null or at most num_codewords={self.num_codewords}, got {self.memory_kept}"
            )
        if self.rotation and self.hidden:
            raise ValueError(f"rotation needs an encoder with hidden 0, got {self.hidden}")
        if not self.contrast_weight and not self.distill_weight:
            raise ValueError("contrast_weight or distill_weight must be above 0, got 0 for both")


@record
class PyramidQuantizationConfig(QuantizationConfig):
    """Options of `PyramidHybridPoolingQuantization`; see `QuantizationConfig` for the others.

    Presets: ``"default"``, the set that the specification recommends, and ``"released"``. No code was released, so this is
    the same set with only the published idea, without repair of dead codewords.

    Parameters
    ----------
    hybrid, level_aligned, norm, hidden
        See `graphvid.nn.PyramidHybridPooling`.
    dropout : float
        Share of the columns of the joined levels that training sets to zero.
    scale, margin : float
        Scale and margin of the cosine classifier on vectors and reconstructions.
    consistency_weight : float
        Weight of the squared distance between vectors, scaled part by part, and reconstructions.
    detach : {"none", "features", "codewords"}
        Side of this distance without a gradient.
    temperature : float
        Temperature of `graphvid.losses.NeighborSoftmaxLoss`, which replaces the classifier if a graph is given instead of
        labels.
    """

    presets: ClassVar[Presets] = {"default": {}, "released": {"reseed_every": 0}}

    top_n: Annotated[int | None, Field(ge=1)] = 8
    entropy_weight: NotNegative = 0.05
    reseed_every: Number = 1
    batch_size: Annotated[int, Field(ge=2, lt=2**31)] = 128
    learning_rate: Positive = 1e-3
    num_epochs: Count = 60
    hybrid: Hybrid = "concat"
    level_aligned: bool = False
    norm: Literal["layer", "batch"] = "layer"
    hidden: Annotated[int, Field(ge=0, le=2**16)] = 0
    dropout: Share = 0.0
    scale: Positive = 16.0
    margin: NotNegative = 0.0
    consistency_weight: NotNegative = 0.1
    detach: Detach = "none"
    temperature: Positive = 0.1
