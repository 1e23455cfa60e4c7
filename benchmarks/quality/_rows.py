"""The rows of the relational graph clustering tables: baselines without training, and one configuration each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphvid.data import Standardizer
from graphvid.models import RGCConfig

Embed = Callable[[NDArray[np.float32], NDArray[np.int64], int], NDArray[np.float32]]  # columns, training rows, seed


@dataclass(frozen=True)
class CoWatchRow:
    """One line of a table: an embedding that needs no training, or a configuration that is trained."""

    name: str
    description: str
    model: RGCConfig | None = None
    embed: Embed | None = None
    reference: bool = False  # an oracle, out of competition


def _raw(columns: NDArray[np.float32], train: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    return columns


def _standardised(columns: NDArray[np.float32], train: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    return Standardizer.fit(columns, train).transform(columns)


def _projected(columns: NDArray[np.float32], train: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return columns @ rng.standard_normal((columns.shape[1], 64), dtype=np.float32)


# The first probe of this method on amazon photo: its optimiser, its size, no regularisation.
PROBE = RGCConfig(
    hidden=(512,),
    dim=64,
    dropout=0.0,
    input_dropout=0.0,
    batch_size=2048,
    num_steps=400,
    learning_rate=1e-3,
    schedule="staircase",
    temperature=0.1,
    loss="triplet",
)
LEVELS = {
    "random": (0.0, 0.0, 0.0, 1.0),
    "L0": (1.0, 0.0, 0.0, 0.0),
    "L1": (0.0, 1.0, 0.0, 0.0),
    "L2": (0.0, 0.0, 1.0, 0.0),
}


def rows() -> list[CoWatchRow]:
    """Give all rows, in the order of the table."""
    table = [
        CoWatchRow("raw features", "As they are, modalities side by side, cosine.", embed=_raw),
        CoWatchRow("standardised features", "By mean and deviation of the training videos.", embed=_standardised),
        CoWatchRow("random projection", "Raw features, projected to 64 columns.", embed=_projected),
    ]
    for mining in (False, True):
        for level, probs in LEVELS.items():
            name = f"triplets, {level}" + (", mined" if mining else "")
            about = f"Negatives: {level}" + (
                ", then the hardest semi-hard one of the batch." if mining else ", as drawn."
            )
            table.append(CoWatchRow(name, about, replace(PROBE, level_probs=probs, mining=mining)))
    softmax = replace(PROBE, loss="softmax")
    table.append(
        CoWatchRow("in-batch softmax", "Drawn positive against the other positives, temperature 0.1.", softmax)
    )
    regularised = {"dropout": 0.3, "input_dropout": 0.3}
    for mining, levels in ((False, ("random", "L0")), (True, tuple(LEVELS))):
        for level in levels:
            name = f"triplets, {level}" + (", mined" if mining else "") + ", dropout"
            config = replace(PROBE, level_probs=LEVELS[level], mining=mining, **regularised)
            table.append(CoWatchRow(name, "As above with dropout 0.3 on input and hidden layer.", config))
    config = replace(softmax, **regularised)
    table.append(
        CoWatchRow("in-batch softmax, dropout", "As above with dropout 0.3 on input and hidden layer.", config)
    )
    for level, probs in LEVELS.items():
        about = f"The default preset with {level} negatives in the batch."
        table.append(CoWatchRow(f"neighbour softmax, {level}", about, replace(RGCConfig(), level_probs=probs)))
    return table
