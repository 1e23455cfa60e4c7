"""
Triplets by DGL neighbour sampling
==================================

By the end you will be able to

- draw cluster negatives inside DGL's own data loader;
- train a graph encoder, `~dgl.nn.pytorch.conv.SAGEConv` over co-watch neighbours, on the triplets of
  :doc:`relational graph clustering </methods/relational_graph_clustering>`;
- embed videos that nobody has watched, which have features but no neighbours.

Time to run: a quarter of a minute on one CPU core. Everything is generated; no files and no network are
needed.
"""

# %%
# A co-watch graph and its clusters
# ---------------------------------
# The last 100 of 600 videos are new: they have features, and their watches are the test set.
import warnings

import dgl
import numpy as np
import torch
from torch import nn
from torch.nn.functional import dropout, normalize, relu

from graphvid.clustering import affinity_clustering
from graphvid.data import Standardizer, SyntheticCoWatch
from graphvid.graphs import co_watch_graph, node_subgraph
from graphvid.metrics import cold_start
from graphvid.sampling import ClusterNegatives, neighbor_table

warnings.filterwarnings("ignore", message="Dataloader CPU affinity")
torch.manual_seed(0)
world = SyntheticCoWatch(num_users=1500, num_videos=600, seed=0)
known, new = np.arange(500), np.arange(500, 600)
everything = co_watch_graph(world.log)
graph = node_subgraph(everything, known)
raw = world.features.concatenate()
features = torch.from_numpy(Standardizer.fit(raw, known).transform(raw))
tree = affinity_clustering(graph, num_levels=3)
graph.num_nodes(), graph.num_edges(), [int(labels.max()) + 1 for labels in tree.labels]

# %%
# Negatives that DGL's sampler calls
# ----------------------------------
# DGL calls `~graphvid.sampling.ClusterNegatives` with the graph and the ids of the edges of a
# batch: the source of an edge is the anchor, its destination the positive. It returns a negative
# for every anchor, from a sibling cluster and never one of its neighbours. The probability of an
# edge is proportional to 1 over the degree of its source, so every anchor is equally likely, as
# in `~graphvid.sampling.TripletSampler`.
#
# Seven of ten negatives come from all videos, the others from the widest clusters. The hardest
# negatives, only from the nearest sibling clusters (``level_probs=(1, 0, 0, 0)``, the default),
# are bad for this margin loss: with them the encoder ends below the features here.
negatives = ClusterNegatives(graph, tree, level_probs=(0, 0, 0.3, 0.7))
sampler = dgl.dataloading.as_edge_prediction_sampler(
    dgl.dataloading.NeighborSampler([10]), negative_sampler=negatives
)
source = graph.edges(order="eid")[0]
weight = 1 / graph.out_degrees()[source]


class GraphEncoder(nn.Module):
    """One layer of neighbours over the features of a video, as unit vectors."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inner = nn.Linear(dim, 64)
        self.outer = dgl.nn.SAGEConv(64, 32, "mean")

    def forward(self, block: dgl.DGLGraph, x: torch.Tensor) -> torch.Tensor:
        hidden = dropout(relu(self.inner(x)), 0.5, self.training)
        return normalize(self.outer(block, (hidden, hidden[: block.num_dst_nodes()])), dim=1)


encoder = GraphEncoder(features.shape[1])
optimizer = torch.optim.Adam(encoder.parameters(), lr=5e-3)

# %%
# The loop is the usual one of DGL: blocks of neighbours, a graph of positive pairs and one of
# negative pairs over the same videos. The loss separates the cosines of the two.
for epoch in range(12):
    negatives.epoch = epoch
    drawn = torch.multinomial(weight, 6000, replacement=True)
    losses = []
    for inputs, positive, negative, (block,) in dgl.dataloading.DataLoader(
        graph, drawn, sampler, batch_size=500
    ):
        z = encoder(block, features[inputs])
        cosines = [(z[a] * z[b]).sum(dim=1) for a, b in (positive.edges(), negative.edges())]
        loss = relu(cosines[1] - cosines[0] + 0.5).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch}: loss {np.mean(losses):.3f}")

# %%
# Videos that nobody has watched
# ------------------------------
# A new video has no neighbours yet. Its block has no edges, so the layer reads only its own
# features. Each new video ranks the others by cosine; videos that users later watched with it are
# relevant.
table = neighbor_table(node_subgraph(everything, new))


def judge(vectors: torch.Tensor) -> float:
    return cold_start(vectors, table.indptr, table.indices, k=20).ndcg


alone = dgl.to_block(dgl.graph(([], []), num_nodes=len(new)), torch.arange(len(new)))
encoder.eval()
with torch.no_grad():
    vectors = encoder(alone, features[new])
print(
    f"NDCG@20 of new videos: features {judge(features[new]):.3f}, graph encoder {judge(vectors):.3f}"
)
assert judge(vectors) > judge(
    features[new]
)  # the pages are built with warnings as errors: this must hold
