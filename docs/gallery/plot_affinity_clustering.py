"""
Affinity clustering: clusters, and negatives from them
======================================================

By the end you will be able to

- cluster a weighted graph into a hierarchy and look at it;
- explain why ties decide the form of the clusters of an unweighted graph;
- choose negatives by level, and know how near they are.

Time to run: some seconds on one CPU core, after Numba has compiled. If the folder of the
environment variable ``GRAPHVID_DATA`` has the data set Amazon Computers, this uses its
co-purchase graph, otherwise a generated one.
"""

# %%
# A graph
# -------
# Both graphs have labels, which clustering does not see: the product category, or the generated
# community of a node.
import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import sparse

from graphvid.clustering import UndirectedGraph, affinity_clustering, plot_dendrogram, plot_sizes
from graphvid.data import AmazonCoPurchase
from graphvid.graphs import relation_graph
from graphvid.sampling import TripletSampler

rng = np.random.default_rng(0)


def distinct_pairs(u, v, n):
    """Keep every pair once, and none of a node with itself."""
    keys = np.unique(np.minimum(u, v) * n + np.maximum(u, v))
    return keys[keys // n != keys % n] // n, keys[keys // n != keys % n] % n


def communities(n, size, degree, inside):
    """Generate about ``degree`` edges a node, the share ``inside`` of them within communities."""
    label = rng.permutation(n) // size
    by_label = np.argsort(label, kind="stable")
    u = np.repeat(np.arange(n), degree // 2)
    near = by_label[label[u] * size + rng.integers(size, size=len(u))]
    v = np.where(rng.random(len(u)) < inside, near, rng.integers(n, size=len(u)))
    return *distinct_pairs(u, v, n), label


if os.environ.get("GRAPHVID_DATA"):
    data = AmazonCoPurchase("computers")
    name, src, dst, label = "amazon computers", data.src, data.dst, data.labels
else:
    name = "generated communities"
    src, dst, label = communities(12_000, size=40, degree=16, inside=0.8)
graph = relation_graph(src, dst, num_nodes=len(label))
print(f"{name}: {graph.num_nodes():,} nodes, {len(src):,} edges, {label.max() + 1} labels")

# %%
# The hierarchy
# -------------
# In each level every cluster joins the neighbour with the largest weight, and chains become one
# cluster. All edges of this graph have weight 1; from the second level on, the weight between two
# clusters is the average over all pairs of their nodes.
tree = affinity_clustering(graph, num_levels=3)


def describe(tree):
    """Give the number of clusters and their sizes, a row a level."""
    rows = {
        f"level {level}": [
            tree.num_clusters(level),
            tree.sizes[level].mean(),
            tree.sizes[level].max(),
        ]
        for level in range(1, tree.num_levels + 1)
    }
    return pd.DataFrame(rows, ["clusters", "mean size", "largest"]).T.round(1)


describe(tree)

# %%
axes = plot_sizes(tree)
axes.set_title(name)

# %%
# One cluster of the second level with all clusters below it:
sizes = tree.sizes[2]
cluster = int(np.flatnonzero(sizes == sizes[sizes <= 40].max())[0])
figure, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
plot_dendrogram(tree, level=2, cluster=cluster, ax=axes)
axes.set_title(f"Cluster {cluster} of level 2")

# %%
# Every cluster of every level is one slice of ``tree.order``, so finding the members of a
# cluster, or those of its parent that are not its own, needs no search:
node = int(tree.members(2, cluster)[0])
print("own cluster of level 1:", tree.members(1, tree.labels[1][node]))
print("its siblings in level 2:", tree.siblings(node, level=1))

# %%
# Do the clusters agree with the labels? The table has the share of pairs with the same label,
# among pairs in one cluster and among all pairs:


def same_label(tree, level):
    """Say which share of the pairs of nodes in one cluster share their label."""
    size = tree.sizes[level].astype(float)
    table = sparse.coo_array((np.ones(len(label)), (tree.labels[level], label))).tocsr()
    return (table.multiply(table).sum() - len(label)) / (size * (size - 1)).sum()


shares = np.bincount(label) / len(label)
agreement = {f"level {level}": same_label(tree, level) for level in range(1, 4)}
pd.Series(
    {**agreement, "all pairs": (shares**2).sum()}, name="share of pairs with one label"
).round(3).to_frame()

# %%
# Why ties matter
# ---------------
# All edges here have equal weights, so only the rule for ties decides which one is "the best".
# ``tie_break="hash"`` orders edges by a hash of both ends. ``tie_break="index"`` takes the
# smallest pair of ids, so all nodes of a region take the same neighbour. The table has the mean
# and the largest size of a cluster after one level, for four kinds of graphs, and, for
# comparison, with distinct random weights, without ties:
n, side = 20_000, 141
grid = np.arange(side * side).reshape(side, side)
graphs = {
    "path": (np.arange(n - 1), np.arange(1, n), n),
    "grid": (
        np.concatenate([grid[:, :-1].ravel(), grid[:-1].ravel()]),
        np.concatenate([grid[:, 1:].ravel(), grid[1:].ravel()]),
        grid.size,
    ),
    "random, degree 20": (*distinct_pairs(*rng.integers(n, size=(2, 10 * n)), n), n),
    "communities of 40": (*communities(n, size=40, degree=16, inside=0.9)[:2], n),
}
rows = {}
for kind, (u, v, num_nodes) in graphs.items():
    cells = []
    for tie_break, weight in (("index", None), ("hash", None), ("hash", rng.random(len(u)))):
        one = UndirectedGraph.from_coo(u, v, weight, num_nodes=num_nodes)
        size = affinity_clustering(one, num_levels=1, tie_break=tie_break).sizes[1]
        cells.append(f"{size.mean():,.1f} / {size.max():,}")
    rows[kind] = cells
pd.DataFrame(rows, ["ties by index", "ties by hash", "distinct weights"]).T

# %%
# On the graph of this page:
by_index = affinity_clustering(graph, num_levels=3, tie_break="index")
figure, panels = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
for panel, tie_break, hierarchy in zip(panels, ("hash", "index"), (tree, by_index), strict=True):
    plot_sizes(hierarchy, panel)
    panel.set(title=f"ties by {tie_break}", xlim=(1, 2 * graph.num_nodes()))
panels[1].set_ylabel("")

# %%
# How the levels change negatives
# -------------------------------
# A negative for node :math:`a` at level L0, L1 or L2 is a node of a sibling cluster, further up
# for a higher level, and never a neighbour of :math:`a`. Two quantities that the sampler does not
# use show how near such nodes are: the label, and the number of common neighbours.
ones = np.ones(len(src), dtype=np.float32)
adjacency = sparse.coo_array((ones, (src, dst)), shape=(len(label), len(label))).tocsr()
adjacency = adjacency + adjacency.T


def nearness(level_probs, pool):
    """Say how near the negatives of one level are, and how often its pool was empty."""
    sampler = TripletSampler(
        graph, tree, batch_size=20_000, level_probs=level_probs, pool=pool, seed=0
    )
    anchor, _, negative = (ids.numpy() for ids in next(sampler))
    common = adjacency[anchor].multiply(adjacency[negative]).sum(axis=1)
    empty = sampler.counters["climbed"] / sampler.counters["triplets"]
    return (label[anchor] == label[negative]).mean(), (common > 0).mean(), common.mean(), empty


levels = {"L0": (1, 0, 0, 0), "L1": (0, 1, 0, 0), "L2": (0, 0, 1, 0), "random": (0, 0, 0, 1)}
columns = ["same label", "any common neighbour", "common neighbours", "pool empty"]
rows = [nearness(probs, "sibling") for probs in levels.values()]
siblings = pd.DataFrame(rows, index=list(levels), columns=columns)
siblings.round(3)

# %%
# ``pool="inclusive"`` draws from the anchor's own cluster instead. Its level 0 has the nodes that
# the best edges join to the anchor; the last column says how often no node is left without the
# anchor's neighbours:
rows = [nearness(probs, "inclusive") for probs in levels.values()]
inclusive = pd.DataFrame(rows, index=list(levels), columns=columns)
inclusive.round(3)

# %%
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
place = np.arange(len(siblings))
axes.bar(place - 0.2, siblings["common neighbours"], width=0.4, label='pool="sibling"')
axes.bar(place + 0.2, inclusive["common neighbours"], width=0.4, label='pool="inclusive"')
axes.set_xticks(place, siblings.index)
axes.set_ylabel("common neighbours with the anchor")
axes.legend()

# %%
# :doc:`/methods/affinity_clustering` has the definitions and all options,
# :doc:`/methods/relational_graph_clustering` what these negatives are for.
