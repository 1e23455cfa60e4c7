"""Plots of a cluster tree; each imports Matplotlib on the first call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from graphvid.clustering.tree import ClusterTree

_MAX_LEAVES = 2000


def plot_sizes(tree: ClusterTree, ax: Axes | None = None) -> Axes:
    """Draw, per level, the share of nodes in clusters of at least each size; return the axes.

    The line of a level with many small clusters falls early. With one giant cluster the line stays high to the right.

    Parameters
    ----------
    tree : ClusterTree
    ax : matplotlib Axes, optional
        Default: new axes of a new figure.
    """
    axes = _axes(ax)
    for level in range(1, tree.num_levels + 1):
        sizes = np.sort(tree.sizes[level])[::-1].astype(np.int64)
        share = np.cumsum(sizes) / max(tree.num_nodes, 1)
        sizes, share = np.r_[sizes[:1], sizes], np.r_[np.zeros(len(sizes[:1])), share]  # down to 0 at the largest
        count = tree.num_clusters(level)
        label = f"level {level}: {count:,} clusters, mean {tree.num_nodes / max(count, 1):.1f}"
        axes.plot(sizes, share, drawstyle="steps-pre", marker=".", markersize=3, label=label)
    axes.set(xscale="log", xlabel="cluster size (nodes)", ylabel="share of nodes in clusters at least as large")
    axes.set_ylim(0, 1.05)
    if tree.num_levels:
        axes.legend(loc="lower left", fontsize="small")
    return axes


def plot_dendrogram(tree: ClusterTree, level: int, cluster: int, ax: Axes | None = None) -> Axes:
    """Draw the clusters and nodes below one cluster, one height per level; return the axes.

    Parameters
    ----------
    tree : ClusterTree
    level, cluster : int
        A cluster of at most 2,000 nodes.
    ax : matplotlib Axes, optional
        Default: new axes of a new figure.
    """
    start, stop = tree.slice(level, cluster)
    if stop - start > _MAX_LEAVES:
        raise ValueError(f"cluster must have at most {_MAX_LEAVES} nodes to be drawn, got {stop - start}")
    axes = _axes(ax)
    leaves = tree.order[start:stop]
    middle = np.arange(len(leaves), dtype=np.float64)  # of the cluster that holds each leaf
    for height in range(level):
        outer = tree.labels[height + 1][leaves]
        bounds = np.flatnonzero(np.diff(outer)) + 1
        for group in np.split(middle, bounds):
            axes.vlines(np.unique(group), height, height + 1, color="0.3", linewidth=0.8)
            axes.hlines(height + 1, group[0], group[-1], color="0.3", linewidth=0.8)
        middle = np.concatenate([np.full(len(g), (g[0] + g[-1]) / 2) for g in np.split(middle, bounds)])
    axes.set_xticks(np.arange(len(leaves)) if len(leaves) <= 60 else [])
    if len(leaves) <= 60:
        axes.set_xticklabels([str(v) for v in leaves], rotation=90)
    axes.set(xlabel="node", ylabel="level", yticks=range(level + 1))
    return axes


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots()[1]
