"""
MeCoQ: from features to a 4-byte index
======================================

By the end you will be able to

- learn codes of 4 bytes from features and watches, without labels;
- search a catalogue by its codes, with and without FAISS, and add the videos of a new day;
- measure the quality per byte, and how many codewords are in use;
- train the same parts in a plain PyTorch loop.

Time to run: about a minute on one CPU core.
"""

# %%
# A catalogue
# -----------
# The generated world has 3,000 videos of 48 topics, and 128 columns of features in two
# modalities. The features hide the topic under large nuisances. The model does not see the
# topics; they only evaluate the search.
import matplotlib.pyplot as plt
import numpy as np
import torch

from graphvid.data import SyntheticCoWatch
from graphvid.graphs import co_watch_graph, node_subgraph
from graphvid.losses import DebiasedContrastiveLoss, codeword_diversity
from graphvid.metrics import code_usage, mean_average_precision
from graphvid.models.quantizers import walk
from graphvid.nn import ProductQuantizer
from graphvid.retrieval import CodeIndex
from graphvid.sampling import neighbor_table

world = SyntheticCoWatch(seed=0)
features = world.features.concatenate()
features = (features - features.mean(axis=0)) / features.std(axis=0)
order = np.random.default_rng(0).permutation(len(features))
queries, database = order[:300], order[300:]
topic = world.topics


def quality(scores):
    """Mean average precision of the topics, over the whole database."""
    ranking = np.argsort(-scores, axis=1, kind="stable")
    relevant = topic[queries][:, None] == topic[database][ranking]
    return mean_average_precision(relevant, relevant.sum(axis=1)).value


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


exact = quality(unit(features[queries]) @ unit(features[database]).T)
print(f"features, {4 * features.shape[1]} bytes: mAP {exact:.3f}")

# %%
# Codes of the features as they are
# ---------------------------------
# `~graphvid.nn.ProductQuantizer` splits a vector into four parts and replaces each by one of 64
# codewords. With a k-means start it is plain product quantisation.
# `~graphvid.retrieval.CodeIndex` searches the codes; queries stay vectors.
plain = ProductQuantizer(
    features.shape[1], num_codebooks=4, num_codewords=64, train_codebooks=False
)
plain.start_from(torch.from_numpy(features[database].astype(np.float32)))
codes = plain.encode(torch.from_numpy(features[database].astype(np.float32)))
index = CodeIndex(codes, plain.codebooks.detach())
kmeans = quality(index.scores(features[queries].astype(np.float32)))
print(f"k-means codes, 4 bytes: mAP {kmeans:.3f}")

# %%
# Views on a graph of items
# -------------------------
# Two videos that the same people watch are often similar. A view of a video is one of its
# neighbours in the co-watch graph, so both views come from its neighbourhood. The graph does not
# contain the queries, as if nobody had watched them. Without a log,
# `~graphvid.models.quantizers.nearest_items` links the nearest videos by features; here these
# share their nuisances, not their topic.
x = torch.from_numpy(features[database].astype(np.float32))
watched = co_watch_graph(world.log, top_k=20)
graph = neighbor_table(node_subgraph(watched, torch.from_numpy(database)))
ends = walk(graph, torch.arange(len(x)).repeat(20), 1).numpy()
share = (topic[database][ends] == np.tile(topic[database], 20)).mean()
print(f"{share:.0%} of the views have the topic of their video")

# %%
# The plain loop
# --------------
# An encoder and codebooks learn together: reconstructions of two views of an item should be near
# each other, and far from those of the rest of the batch. Every four epochs the loop moves unused
# codewords; without this most codewords stay unused.
torch.manual_seed(0)
encoder = torch.nn.Sequential(
    torch.nn.Linear(x.shape[1], 128),
    torch.nn.BatchNorm1d(128),
    torch.nn.ReLU(),
    torch.nn.Linear(128, 32),
)
quantizer = ProductQuantizer(32, num_codebooks=4, num_codewords=64, estimator="straight_through")
loss_of = DebiasedContrastiveLoss(temperature=0.5, prior=0.02)
optimizer = torch.optim.Adam([*encoder.parameters(), *quantizer.parameters()], lr=2e-3)
num_epochs, batch = 12, 256
losses = []
for epoch in range(num_epochs):
    if epoch % 4 == 0:
        with torch.no_grad():
            vectors = encoder.eval()(x)
        if epoch == 0:
            quantizer.start_from(vectors)
        else:
            print(
                f"epoch {epoch}: {quantizer.reseed(vectors, quantizer.usage(vectors))} codewords moved"
            )
        encoder.train()
    for items in torch.randperm(len(x)).split(batch):
        quantizer.rescale()
        views = x[walk(graph, items.repeat(2), 1)]
        views = torch.where(
            torch.rand_like(views) < 0.2, 0.0, views
        )  # a fifth of the columns at the mean
        first, second = quantizer(encoder(views)).vectors.chunk(2)
        loss = loss_of(first, second, items) + 0.5 * codeword_diversity(quantizer.codebooks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
quantizer.rescale()
encoder.eval()

# %%
# Search quality
# --------------
# The codes have the same four bytes, but of the learned vectors; a query is the vector of a
# video, 32 numbers of the encoder.
with torch.no_grad():
    vectors = encoder(torch.from_numpy(features.astype(np.float32))).numpy()
codes = quantizer.encode(torch.from_numpy(vectors[database]))
index = CodeIndex(codes, quantizer.codebooks.detach(), world.features.ids[database])
learned = quality(CodeIndex(codes, quantizer.codebooks.detach()).scores(vectors[queries]))
usage = code_usage(codes, 64)
print(f"learned codes, 4 bytes: mAP {learned:.3f}")
print("codewords, as if evenly used:", usage.perplexity.round().astype(int), "of 64")

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
names = [f"features\n{4 * features.shape[1]} bytes", "k-means\n4 bytes", "learned\n4 bytes"]
left.bar(names, [exact, kmeans, learned], color=["0.8", "0.8", "C0"])
left.set(ylabel="mAP of the topics")
right.plot(losses)
right.set(xlabel="step", ylabel="loss")
plt.show()

# %%
# A catalogue that changes daily
# ------------------------------
# New videos need no training: the encoder and the nearest codewords code them. Remove old videos
# by their ids.
new = vectors[queries[:5]]
index.add(new, [1_000_000 + i for i in range(5)])
index.remove([1_000_000])
found = index.search(new[1:2], top_k=3)
print(found.ids[0], found.scores[0].round(2))
print(f"{index.num_items:,} items, {index.num_bytes:,} bytes of codes")

# %%
# The command makes a run with the memory of codes, a report that compares with FAISS, and an
# index for ``graphvid search``::
#
#     graphvid train mecoq --features features.npz --set num_codebooks=4 --out codes  # or --from-run run --graph
#     graphvid search --index codes/codes.safetensors --run codes --video 7
