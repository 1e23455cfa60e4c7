"""The rows of a graph with their weights on the grid of `graphvid.clustering.grid`."""

from __future__ import annotations

import numpy as np

from graphvid.clustering._grid_kernels import is_on_grid, largest_weight, put_on_grid
from graphvid.clustering._kernels import MAX, HalfEdges
from graphvid.clustering.grid import grid_exponent, halves, is_wide
from graphvid.clustering.linkage import LinkageRule


def sums(linkage: LinkageRule) -> bool:
    """Return whether a linkage sums weights; other linkages need no grid."""
    return linkage.code != MAX


def gridded(rows: HalfEdges, *, scaled: bool) -> tuple[HalfEdges, int]:
    """Return the rows with their weights on the grid, and the power of two by which they were multiplied.

    The power is 0 for float64 weights, which keep their scale. Weights that are already on the grid are not copied. With
    more than ``FLOAT_EDGES`` edges the weights become int64, unless node weights will scale them (``scaled``).
    """
    num_edges = int((rows.stops - rows.starts).sum())
    largest = float(largest_weight(rows)) if num_edges else 0.0
    if largest == 0:
        return rows, 0
    exponent = grid_exponent(largest, num_edges)
    up, down = halves(exponent), halves(-exponent)
    if is_wide(num_edges) and not scaled:
        steps = np.empty(len(rows.values), np.int64)
        put_on_grid(rows, up, (1.0, 1.0), steps)
        return rows._replace(values=steps), exponent
    if is_on_grid(rows, up):
        return rows, 0
    values = np.empty(len(rows.values))
    put_on_grid(rows, up, down, values)
    return rows._replace(values=values), 0
