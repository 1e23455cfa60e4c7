"""A relational graph as arrays: edges, features and labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphvid.data.features import Features


@dataclass(frozen=True, eq=False)
class RelationalData:
    """Edges between videos, or other things with features, and what is known of the nodes.

    Parameters
    ----------
    name : str
        Name of the data set.
    src, dst : ndarray of int64, shape (num_edges,)
        Ends of every edge; each undirected edge is there once, without self loops.
    features : Features
        Row i belongs to node i.
    weight : ndarray of float32, shape (num_edges,), optional
        Similarity, larger is better. None where edges have no weight.
    labels : ndarray of int64, shape (num_nodes,), optional
        Class of every node, -1 where it is unknown. None where there are none.
    """

    name: str
    src: NDArray[np.int64]
    dst: NDArray[np.int64]
    features: Features
    weight: NDArray[np.float32] | None = None
    labels: NDArray[np.int64] | None = None

    @property
    def num_nodes(self) -> int:
        """Number of nodes, isolated ones included."""
        return self.features.num_videos

    @property
    def num_edges(self) -> int:
        """Number of undirected edges."""
        return len(self.src)
