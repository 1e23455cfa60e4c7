"""
Message passing on a watch log
==============================

By the end you will be able to

- turn watches and skips of users into two relations, and pass features along both;
- weight edges by attention;
- train graph layers in a plain PyTorch loop;
- choose the backend that passes the messages, and see that the result stays the same;
- sample the neighbours of a batch, and measure the cost in accuracy.

Time to run: some seconds on one CPU core, after Numba has compiled. On a GPU, change only
``device``.
"""

# %%
# A log
# -----
# Each user likes two of five topics. A feed shows them clips, popular ones more often. They watch
# a clip of a topic that they like four times in five, any other clip one time in ten, and skip
# the rest. The features of a clip contain little information about its topic; users have no
# features.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch import nn

from graphvid import ops
from graphvid.nn import GraphConv, HeteroConv
from graphvid.sampling import NeighborSampler

device = "cpu"
num_users, num_clips, num_topics, dim = 3_000, 1_500, 5, 16
rng = np.random.default_rng(0)

topic = rng.integers(num_topics, size=num_clips)
likes = rng.permuted(np.tile(np.arange(num_topics), (num_users, 1)), axis=1)[:, :2]
features = rng.normal(size=(num_topics, dim))[topic] + rng.normal(0, 4, size=(num_clips, dim))

user = np.repeat(np.arange(num_users), 30)
clip = (num_clips * rng.random(len(user)) ** 1.7).astype(int)  # small ids are shown more often
liked = (likes[user] == topic[clip][:, None]).any(axis=1)
watches = rng.random(len(user)) < np.where(liked, 0.8, 0.1)

x = torch.tensor(features, dtype=torch.float32, device=device)
user, clip, y = (torch.tensor(ids, device=device) for ids in (user, clip, topic))
watches = torch.tensor(watches, device=device)
print(f"{int(watches.sum()):,} watched, {int((~watches).sum()):,} skipped")

# %%
# Two relations
# -------------
# An `~graphvid.ops.Adjacency` holds edges from sources to destinations, and ``norm="right"``
# divides the sum at a destination by the number of its in-edges: a mean.
# `~graphvid.ops.Adjacency.from_dgl` makes the same from a relation of a ``DGLGraph``.


def relation(src, dst, num_src, num_dst):
    """Make the relation of which the messages that meet are averaged."""
    return ops.Adjacency.from_coo(src, dst, num_src=num_src, num_dst=num_dst, norm="right")


def there_and_back(edges):
    """Make the relations from clips to users and from users to clips of some edges of the log."""
    c, u = clip[edges], user[edges]
    return relation(c, u, num_clips, num_users), relation(u, c, num_users, num_clips)


watched, watched_by = there_and_back(watches)
skipped, skipped_by = there_and_back(~watches)
print(watched)
print("watchers of the most watched clip:", int(watched_by.degrees().max()))

# %%
# The first hop gives a user the mean of the watched clips minus the mean of the skipped ones; the
# second gives a clip the same of its users. `~graphvid.ops.Relations` computes both relations at
# once.
x = x - x.mean(dim=0)
profile = ops.Relations([watched, skipped]).spmm([x, -x])  # (num_users, dim)
two_hops = ops.Relations([watched_by, skipped_by]).spmm([profile, -profile])  # (num_clips, dim)


def show(points, panel, title):
    """Show unit rows in the plane of their two largest principal components, by topic."""
    points = nn.functional.normalize((points - points.mean(dim=0)).cpu())
    _, _, axes = torch.linalg.svd(points, full_matrices=False)
    panel.scatter(*(points @ axes[:2].T).T, c=topic, cmap="Dark2", s=6, linewidths=0)
    panel.set(title=title, xticks=[], yticks=[], aspect="equal")


figure, panels = plt.subplots(1, 2, figsize=(9, 4.6), layout="constrained")
show(x, panels[0], "features of the clips")
show(two_hops, panels[1], "after two hops, nothing trained")

# %%
# Attention
# ---------
# About one watch in six is an accident: a clip of a topic that the user does not like. Attention
# can detect these. ``sddmm`` gives every edge the product of its two ends, here the clip's vector
# after two hops and the mean vector of the user's watched clips. ``edge_softmax`` makes the
# weights of each user's in-edges sum to 1. Use such weights in ``spmm(x, attention)``, on a
# relation without a norm.
places = nn.functional.normalize(two_hops)
means = watched.spmm(places)
attention = watched.edge_softmax(8 * watched.sddmm(places, means))  # (num_edges,)

accident = torch.tensor(~liked, device=device)[watches]
print(f"accidents: {accident.float().mean():.3f} of the edges", end=", ")
print(f"{attention[accident].sum() / attention.sum():.3f} of the attention")

# %%
# Layers
# ------
# Now with trained weights: `~graphvid.nn.HeteroConv` runs one `~graphvid.nn.GraphConv` on each
# relation and adds the results per node type. The labels of one clip in ten are known; the loop
# is plain PyTorch.
there = {("clip", "watched", "user"): watched, ("clip", "skipped", "user"): skipped}
back = {("user", "watched", "clip"): watched_by, ("user", "skipped", "clip"): skipped_by}


class TwoHops(nn.Module):
    """Send clips to users and back, along both relations, each with its own weights."""

    def __init__(self, width):
        super().__init__()
        self.there = HeteroConv({name: GraphConv(dim, width) for name in there})
        self.back = HeteroConv({name: GraphConv(width, width) for name in back})
        self.head = nn.Linear(width, num_topics)

    def encode(self, x):
        no_features = x.new_empty(num_users, 0)
        users = self.there(there, {"clip": x, "user": no_features})["user"].relu()
        return self.back(back, {"user": users, "clip": x})["clip"].relu()

    def forward(self, x):
        return self.head(self.encode(x))


known = torch.tensor(rng.random(num_clips) < 0.1, device=device)


def train(model, inputs, steps=100):
    """Fit to the known labels; return the share of the other clips that is right, by step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-3)
    right = []
    for _ in range(steps):
        logits = model(inputs)
        loss = nn.functional.cross_entropy(logits[known], y[known])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right.append(float((logits.argmax(1) == y)[~known].float().mean()))
    return right


torch.manual_seed(0)
mlp = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, num_topics)).to(device)
linear, convolutions = nn.Linear(dim, num_topics).to(device), TwoHops(32).to(device)
curves = {
    "HeteroConv there and back": train(convolutions, x),
    "linear map of the two hops above": train(linear, nn.functional.normalize(two_hops)),
    "features alone": train(mlp, x),
}
figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for name, right in curves.items():
    panels[0].plot(right, label=f"{name}: {right[-1]:.2f}")
panels[0].axhline(1 / num_topics, color="grey", linestyle=":", label="guessing")
panels[0].set(xlabel="step", ylabel="share of held-out clips right", ylim=(0, 1))
panels[0].legend(loc="center right", fontsize="small")
show(convolutions.encode(x).detach(), panels[1], "clips in the last layer, all of them")

# %%
# Averaging over users gives most of the gain: on this log a linear map of the two hops is nearly
# as good.

# %%
# The same numbers from every backend
# -----------------------------------
# graphvid chooses the backend that passes the messages; ``use_backend`` sets it. The table has
# one mean and its gradient on every backend of the device: the largest difference from the first
# backend, as a share of the largest value. The backends add in different orders, in float32.


def mean_and_gradient():
    """Return a mean over in-edges and the gradient of the sum of its squares."""
    inputs = x.clone().requires_grad_()
    result = watched.spmm(inputs)
    return result.detach(), torch.autograd.grad((result**2).sum(), inputs)[0]


expected = mean_and_gradient()
rows = {}
for name in ops.available_backends(device):
    with ops.use_backend(name):
        found = mean_and_gradient()
    pairs = zip(found, expected, strict=True)
    rows[name] = [float((a - b).abs().max() / b.abs().max()) for a, b in pairs]
pd.DataFrame(rows, ["mean", "gradient"]).T.map("{:.0e}".format)

# %%
# Sampled neighbours
# ------------------
# A large graph does not fit into a step of training. `~graphvid.sampling.NeighborSampler` samples
# some in-edges of a batch, hop by hop, and returns a renumbered block for each hop: the first
# reads the features of ``src_ids``, the last ends in the batch. Users and clips are one node type
# here, so that several hops are possible.
clip_node = clip[watches] + num_users
graph = ops.Adjacency.from_coo(
    torch.cat([user[watches], clip_node]),
    torch.cat([clip_node, user[watches]]),
    num_src=num_users + num_clips,
    num_dst=num_users + num_clips,
    norm="right",
)
inputs = torch.cat([x.new_zeros(num_users, dim), x])
full = graph.spmm(graph.spmm(inputs))
batch = num_users + torch.arange(0, num_clips, 30, device=device)


def sampled(fanout):
    """Return the mean of means over two hops of ``fanout`` picks, and how many rows it reads."""
    sampler = NeighborSampler(graph, [fanout, fanout], include_dst_in_src=False, seed=0)
    first, last = sampler(batch)
    result = last.adjacency.spmm(first.adjacency.spmm(inputs[first.src_ids]))
    return result, len(first.src_ids)


rows = {}
for fanout in (2, 5, 10, 20, -1):
    result, num_read = sampled(fanout)
    error = (result - full[batch]).norm(dim=1).mean() / full[batch].norm(dim=1).mean()
    rows["all (-1)" if fanout == -1 else fanout] = [f"{num_read:,}", f"{error:.2g}"]
table = pd.DataFrame(rows, ["rows of features read", "relative error"]).T
table.rename_axis("fanout")

# %%
# With all in-edges (-1) the blocks give the result of the full graph. A small fanout is
# inaccurate here: most of a clip's features is noise, which must average out.
#
# :doc:`/methods/message_passing` has the equations, the needs and guarantees of each backend, and
# how the kernels work.
