"""A relational graph as arrays: edges, features and labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import node_ids
from graphvid.data.features import Features


@dataclass(frozen=True, eq=False)
class RelationalData:
    """Edges between videos, or other things with features, and the features and labels of the nodes.

    Parameters
    ----------
    name : str
        Name of the data set.
    src, dst : ndarray of int64, shape (num_edges,)
        Ends of every edge; each undirected edge once, without self loops.
    features : Features
        Row i belongs to node i.
    weight : ndarray of float32, shape (num_edges,), optional
        Similarity, larger is better. None if edges have no weight.
    labels : ndarray of int64, shape (num_nodes,), optional
        Class of every node, -1 if unknown. None without labels.

    Raises
    ------
    TypeError
        Ends or labels that are not integers, weights that are not real numbers.
    ValueError
        Arrays of other shapes, an end out of range, a weight that is not finite.
    """

    name: str
    src: NDArray[np.int64]
    dst: NDArray[np.int64]
    features: Features
    weight: NDArray[np.float32] | None = None
    labels: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.features, Features):
            raise TypeError(f"features must be a Features, got {type(self.features).__name__}")
        for name in ("src", "dst"):
            object.__setattr__(self, name, node_ids(name, getattr(self, name), self.num_nodes, "(num_edges,)"))
        if len(self.src) != len(self.dst):
            raise ValueError(f"src and dst must have equal lengths, got {len(self.src)} and {len(self.dst)}")
        for name, array, size, kinds in (
            ("weight", self.weight, self.num_edges, "iuf"),
            ("labels", self.labels, self.num_nodes, "iu"),
        ):
            if array is not None and array.shape != (size,):
                raise ValueError(f"{name} must have shape ({size},), got {array.shape}")
            if array is not None and array.dtype.kind not in kinds:
                raise TypeError(
                    f"{name} must hold {'integers' if kinds == 'iu' else 'real numbers'}, got {array.dtype}"
                )
        if self.weight is not None and not np.isfinite(self.weight).all():
            raise ValueError(f"weight must be finite, got {self.weight[~np.isfinite(self.weight)][0]}")

    @property
    def num_nodes(self) -> int:
        """Number of nodes, isolated ones included."""
        return self.features.num_videos

    @property
    def num_edges(self) -> int:
        """Number of undirected edges."""
        return len(self.src)
