"""
Relational graph clustering: video embeddings from a watch log
==============================================================

By the end you will be able to

- turn a watch log into a co-watch graph, split it by video, and cluster it;
- draw triplets whose negatives come from neighbouring clusters, and see how hard they are;
- train an encoder with Lightning, and the same encoder in a plain PyTorch loop;
- measure how well the embedding ranks videos that training never saw.

Time to run: under a minute on one CPU core. Everything is generated; no files and no network are
needed.
"""

# %%
# The log
# -------
# In this generated world every user likes a few topics and every video has one. The feature
# vectors of a video are a non-linear function of its topic, mixed with strong nuisance directions
# that are unrelated to the topic. So we know what a good embedding must find, and that the raw
# features hide it.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from lightning import Trainer

from graphvid.clustering import affinity_clustering, plot_sizes
from graphvid.data import Standardizer, SyntheticCoWatch
from graphvid.graphs import co_watch_graph, node_subgraph, split_nodes
from graphvid.losses import SemiHardMiner, TripletLoss
from graphvid.metrics import cold_start
from graphvid.models import RelationalGraphClustering, RGCConfig, embed
from graphvid.nn import VideoEncoder
from graphvid.sampling import TripletSampler, neighbor_table

world = SyntheticCoWatch(num_users=3000, num_videos=1500, seed=0)
log = world.log
print(f"{log.num_interactions:,} watches of {log.num_videos:,} videos by {log.num_users:,} users")
log.to_frame().head()

# %%
# Read your own log with ``WatchLog.read("log.csv")``, with columns ``user_id`` and ``video_id``,
# and features with ``load_features("features.npz")``. Here there are two modalities:
world.features.dims

# %%
# From log to graph
# -----------------
# Two videos share an edge if the same users watched both; the weight is the number of these
# users. Every video keeps its 30 strongest partners (50 by default; this world is small).
graph = co_watch_graph(log, top_k=30)
graph

# %%
# There are few distinct weights, so ties matter in clustering; see
# :doc:`plot_affinity_clustering`.
common, edges = np.unique(graph.edata["weight"].numpy(), return_counts=True)
pd.DataFrame({"common users": common.astype(int), "edges": edges // 2}).head(6)

# %%
# Training sees 70 % of the videos and the edges among them. The other videos, and all their
# edges, are the test set: they represent the videos of tomorrow.
split = split_nodes(graph.num_nodes(), train_fraction=0.7, seed=0)
training_graph = node_subgraph(graph, split.train)
training_features = {name: x[split.train] for name, x in world.features.modalities.items()}
unseen = neighbor_table(node_subgraph(graph, split.test))

# %%
# Clusters
# --------
# We make three levels of affinity clustering. In each, every cluster joins the neighbour with the
# largest edge weight.
tree = affinity_clustering(training_graph, num_levels=3)
axes = plot_sizes(tree)
axes.set_title("Clusters of the training graph")

# %%
# Triplets
# --------
# A triplet has an anchor, a neighbour of it, and a negative: a video of a sibling cluster at some
# level, never a neighbour. Level 0 is nearest. In a real log nobody knows how hard these
# negatives are. Here we can measure how often they have the same topic, or at least the same
# group of topics, as the anchor:
topics, groups = world.topics[split.train], world.supertopics[split.train]


def share_alike(level_probs):
    """Say how often a negative shares topic and group of topics with its anchor."""
    sampler = TripletSampler(
        training_graph, tree, batch_size=20_000, level_probs=level_probs, seed=0
    )
    anchor, _, negative = (ids.numpy() for ids in next(sampler))
    return (topics[anchor] == topics[negative]).mean(), (groups[anchor] == groups[negative]).mean()


levels = {"L0": (1, 0, 0, 0), "L1": (0, 1, 0, 0), "L2": (0, 0, 1, 0), "random": (0, 0, 0, 1)}
rows = [share_alike(probs) for probs in levels.values()]
pd.DataFrame(rows, index=list(levels), columns=["same topic", "same group"]).round(3)

# %%
# Training with Lightning
# -----------------------
# `~graphvid.models.RelationalGraphClustering` is a Lightning module. By default it compares all
# videos of a batch with each other and treats every edge among them as a positive pair; see
# :doc:`/methods/relational_graph_clustering`. The options here are for this small world; the
# defaults train longer, on more videos.
config = RGCConfig(hidden=(256,), temperature=0.1, batch_size=256, num_steps=200)
model = RelationalGraphClustering(training_graph, training_features, config, tree=tree)
trainer = Trainer(
    max_steps=config.num_steps,
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(model)
trained = model.embed(world.features.modalities)  # every video, from its features alone
trained.shape

# %%
# A plain PyTorch loop
# --------------------
# The parts do not need Lightning. This is the triplet loss of the paper: negatives come from
# sibling clusters, and mining replaces them by harder ones of the batch if there are any.
encoder = VideoEncoder(
    world.features.dims, fusion="early_concat", hidden=(256,), dim=64, dropout=0.3, seed=0
)
tensors = {name: torch.from_numpy(x) for name, x in training_features.items()}
for name, x in tensors.items():  # the encoder keeps how to standardise, from training videos only
    encoder.standardize[name].set(x.mean(dim=0), x.std(dim=0))
sampler = TripletSampler(training_graph, tree, batch_size=256, level_probs=(1, 0, 0, 0), seed=0)
miner, loss = SemiHardMiner(margin=0.5), TripletLoss(margin=0.5)
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
neighbors = neighbor_table(training_graph)

torch.manual_seed(0)  # of dropout
losses, retention = [], []
for _ in range(200):
    batch = next(sampler)  # ids of anchors, positives and negatives
    anchor, positive, negative = (
        encoder({name: x[ids] for name, x in tensors.items()}) for ids in batch
    )
    mined = miner(anchor, positive, negative, *batch, neighbors)
    value = loss(anchor, positive, miner.bank(anchor, positive, negative), mined.triplets)
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    losses.append(value.item())
    retention.append(mined.statistics()["mined_retention_position"])

# %%
# The right plot shows how often mining keeps the drawn negative. It would keep a random one in 1
# of 256 cases.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
left.plot(losses)
left.set(xlabel="step", ylabel="triplet loss")
right.plot(retention)
right.axhline(1 / 256, linestyle="--", color="gray", label="random negatives")
right.legend(loc="upper left")
right.set(xlabel="step", ylabel="negative retention", ylim=(0, None))

# %%
# Ranking quality
# ---------------
# Each unseen video with a neighbour is a query. It ranks all other unseen videos by cosine, and
# its neighbours in the graph are relevant. The oracle knows the topic of every video and the
# tastes of all users.
plain = embed(encoder.eval(), world.features.modalities)
columns = world.features.concatenate()
raw = Standardizer.fit(columns, split.train).transform(columns)
embeddings = {
    "random vectors": np.random.default_rng(0).standard_normal((len(raw), 64), dtype=np.float32),
    "raw features": raw,
    "plain loop, triplets": plain,
    "Lightning, neighbour softmax": trained,
    "oracle": world.oracle,
}
scores = {name: cold_start(x[split.test], *unseen, k=60) for name, x in embeddings.items()}
table = pd.DataFrame(scores.values(), index=list(scores))[["ndcg", "map", "mrr"]]
table.round(4)

# %%
figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
bars = axes.barh(list(table.index), table["ndcg"], color=["0.7", "0.7", "C0", "C0", "0.7"])
axes.bar_label(bars, fmt="%.3f", padding=4)
axes.set(xlabel="NDCG@60 on videos never seen in training", xlim=(0, table["ndcg"].max() * 1.15))

# %%
# Neighbours of one video
# -----------------------
# The first line is the topic of one unseen video, the others are the topics of the eight unseen
# videos nearest to it. The same users like the topics of one group, such as 0 to 5.
query = 0


def nearest(embedding, k=8):
    """Give the topics of the unseen videos nearest to the query."""
    unit = embedding[split.test] / np.linalg.norm(embedding[split.test], axis=1, keepdims=True)
    similarity = unit @ unit[query]
    similarity[query] = -np.inf
    return world.topics[split.test[np.argsort(-similarity, kind="stable")[:k]]]


print("topic of the video:", world.topics[split.test[query]])
print("raw features:      ", nearest(raw))
print("trained:           ", nearest(trained))

# %%
# A plot of the vectors
# ---------------------
# Unseen videos on the first two principal axes, one colour per group of topics.
figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for panel, title, x in zip(panels, ("raw features", "trained"), (raw, trained), strict=True):
    centred = x[split.test] - x[split.test].mean(axis=0)
    plane = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    panel.scatter(*plane.T, c=world.supertopics[split.test], cmap="tab10", vmin=0, vmax=9, s=10)
    panel.set(title=title, xticks=[], yticks=[])

# %%
# Where to go from here
# ---------------------
# ``graphvid train rgc --log log.csv --features features.npz --out run`` does all of this on your
# data and writes a report; :doc:`/methods/relational_graph_clustering` says which options help
# when.
