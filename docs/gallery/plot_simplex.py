"""
SimpleX and MF-CCL: a plain model and many negatives
====================================================

By the end you will be able to

- turn a watch log into pairs of users and items, hold some of them out, and make a graph of the rest;
- train vectors with the cosine contrastive loss, in a plain PyTorch loop;
- see what the margin does: which items push, and how many of them should not;
- train `~graphvid.models.SimpleX` and `~graphvid.models.LightGCN` with Lightning and a schedule
  that restores the best weights;
- rank the whole catalogue, and recommend.

Time to run: half a minute on one CPU core. Everything is generated; no files and no network are
needed.
"""

# %%
# Pairs
# -----
# In this generated world a user likes a few of 48 topics and watches videos of these, by
# popularity. One watch in ten is independent of taste. For a recommender only the pairs of users
# and videos matter: it ignores times, and a pair counts once.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from lightning import Trainer
from torch.nn.functional import normalize

from graphvid import metrics
from graphvid.data import Interactions, SyntheticCoWatch
from graphvid.graphs import user_item_graph
from graphvid.losses import CosineContrastiveLoss
from graphvid.models import (
    EdgeBatch,
    LightGCN,
    LightGCNConfig,
    SimpleX,
    SimpleXConfig,
)
from graphvid.models.recommenders import CCL, Shared
from graphvid.runs import ReloadOnPlateau
from graphvid.sampling import ItemNegativeSampler, ShuffledBatches, history_block

world = SyntheticCoWatch(num_users=1500, num_videos=1000, seed=0)
log = world.log
pairs = Interactions.from_pairs(
    log.user, log.video, num_users=log.num_users, num_items=log.num_videos, duplicates="drop"
)
known, test = pairs.hold_out(0.2, seed=0)
train, validation = known.hold_out(0.1, seed=0)
splits = {"training": train, "validation": validation, "test": test}
pd.Series({name: split.num_interactions for name, split in splits.items()}, name="pairs")

# %%
# Read your own log with ``WatchLog.read("log.csv")``, and files in the form of LightGCN's data
# sets with `~graphvid.data.read_interactions`. The graph has the training pairs only, in both
# directions.
graph = user_item_graph(train)
graph

# %%
# Evaluation
# ----------
# The evaluation ranks all items for every user. Training items are not candidates; held-out items
# are relevant. Recall\@20 is the share of these in the first twenty places. The baseline gives
# the same list, by popularity, to all users.


def judge(of_users, of_items, wanted=validation, barred=train):
    """Rank all items for all users by the products of vectors."""
    scorer = metrics.dot_product_scorer(of_users, of_items)
    ranks = metrics.rank_items(
        scorer, (wanted.indptr, wanted.items), exclude=(barred.indptr, barred.items)
    )
    found = metrics.ranking_scores(ranks, wanted.indptr, k=20)
    return {"recall": found.recall, "ndcg": found.ndcg}


popularity = torch.from_numpy(train.item_counts).float()[:, None]
judge(torch.ones(train.num_users, 1), popularity)

# %%
# A plain PyTorch loop
# --------------------
# Each user and each item has a vector. A step takes a batch of training pairs and pulls each pair
# to cosine 1. It also draws 400 items and pushes down those above the margin. The whole batch
# shares the draws, so all scores are one matrix product. The initial length of a vector is
# similar to a step of the optimiser: a longer vector turns slowly, and a much shorter one changes
# direction wildly at first.
BATCH, RATE = 1024, 2e-3
edges = EdgeBatch(torch.from_numpy(train.users), torch.from_numpy(train.items))
per_epoch = -(-len(edges.user) // BATCH)


def train_mf(margin, num_epochs):
    """Train vectors of users and items; return them, and two figures for each epoch."""
    start = torch.Generator().manual_seed(0)
    users = (4e-3 * torch.randn(train.num_users, 64, generator=start)).requires_grad_()
    items = (4e-3 * torch.randn(train.num_items, 64, generator=start)).requires_grad_()
    optimizer = torch.optim.Adam([users, items], lr=RATE)
    sampler = ItemNegativeSampler(train, num_negatives=400, shared=True, seed=0)
    loss_of = CosineContrastiveLoss(margin, negative_weight=5.0)
    recalls, pushing = [], []
    for step, batch in enumerate(ShuffledBatches(edges, BATCH, num_epochs, seed=0), start=1):
        drawn = sampler.sample(batch.user).items  # (400,)
        of_users, of_items = normalize(users[batch.user]), normalize(items)
        positive = (of_users * of_items[batch.item]).sum(dim=1)  # (batch,)
        negative = of_users @ of_items[drawn].T  # (batch, 400)
        loss = loss_of(positive, negative)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        pushing.append((negative > margin).float().mean().item())
        if step % per_epoch == 0:
            vectors = normalize(users.detach()), normalize(items.detach())
            recalls.append(judge(*vectors)["recall"])
    return vectors, recalls, np.reshape(pushing, (num_epochs, -1)).mean(axis=1)


mf, plain, _ = train_mf(margin=0.4, num_epochs=12)
judge(*mf)

# %%
# Which items push
# ----------------
# A negative at or below the margin has no gradient. Here are the cosines of all users with the
# items that they watched, with the held-out items, and with all others. Most of the others are
# below the margin, where the loss ignores them. Held-out items are drawn as negatives like the
# others, but score higher, since users with the same taste pull them up.


def mask_of(*parts):
    """Mark the pairs of some splits in a table of users and items."""
    mask = torch.zeros(train.num_users, train.num_items, dtype=torch.bool)
    for part in parts:
        mask[torch.from_numpy(part.users), torch.from_numpy(part.items)] = True
    return mask


scores = mf[0] @ mf[1].T
kinds = {
    "training pairs": mask_of(train),
    "held out": mask_of(validation, test),
    "others": ~mask_of(train, validation, test),
}
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for name, mask in kinds.items():
    axes.hist(scores[mask], bins=np.linspace(-0.25, 1, 51), density=True, alpha=0.5, label=name)
axes.axvline(0.4, color="k", linestyle=":")
axes.set(xlabel="cosine of user and item", ylabel="density")
axes.set_title("pushed if drawn: right of the margin", fontsize=10)
axes.legend()

# %%
# The margin
# ----------
# The margin decides which items have a gradient. Left: the share of drawn items that push.
# Vectors settle around the margin, so at the end the shares differ less than at the start.
# Middle: the share of held-out items among the items above the margin at the end, without
# training items. These are false negatives. They are more frequent than by chance, because the
# highest scores are those of items that the user will watch. Right: the validation recall.
margins = (-0.4, 0.0, 0.4, 0.8)
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
false_shares = []
for number, margin in enumerate(margins):
    vectors, recalls, pushing = train_mf(margin, num_epochs=8)
    above = (vectors[0] @ vectors[1].T > margin) & ~kinds["training pairs"]
    false_shares.append((above & kinds["held out"]).sum() / above.sum())
    epochs = np.arange(1, len(recalls) + 1)
    left.plot(epochs, pushing, label=f"{margin:.1f}", color=f"C{number}")
    right.plot(epochs, recalls, color=f"C{number}")
left.set(xlabel="epoch", ylabel="share of drawn items that push", yscale="log")
left.legend(title="margin", fontsize="small")
middle.bar([f"{margin:.1f}" for margin in margins], false_shares, color=["C0", "C1", "C2", "C3"])
chance = (kinds["held out"].sum() / (~kinds["training pairs"]).sum()).item()
middle.axhline(chance, color="k", linestyle=":", label="of all items")
middle.set(xlabel="margin", ylabel="held out, of those that push")
middle.legend(fontsize="small")
right.set(xlabel="epoch", ylabel="Recall@20, validation")

# %%
# A user's history
# ----------------
# SimpleX mixes the user's vector with the mean vector of the items that they watched: a hop over
# the graph. A row that predicts an item reads the history without it. Here is the size of a
# user's history for two of their training rows, and for prediction:
model = SimpleX(graph, SimpleXConfig(dim=8))
print("watched:", train.items[train.indptr[3] : train.indptr[4]])
user, item = torch.tensor([3, 3]), torch.from_numpy(train.items[train.indptr[3] :][:2])
print("without the row's item:", history_block(model.histories, user, item).adjacency.degrees())
print("for use:               ", history_block(model.histories, user).adjacency.degrees())

# %%
# With Lightning
# --------------
# The models are Lightning modules. The callback evaluates them after every epoch. If the figure
# does not rise, it reloads the best weights and divides the learning rate by ten; after three
# such epochs in a row training stops. `~graphvid.models.LightGCN` averages vectors over three
# hops of the graph; here it has the same loss as the others.


def fit(model):
    """Train a model by its own options; return the records of its epochs."""
    schedule = ReloadOnPlateau(lambda m: judge(*m.embed()), "recall", patience=3)
    Trainer(
        max_steps=len(model.train_dataloader()),
        max_epochs=1,  # the batches of all config.num_epochs passes come from one loader
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[schedule],
    ).fit(model)
    return pd.DataFrame(schedule.epochs).set_index("epoch")


settings = {
    "loss": CCL(margin=0.4, negative_weight=5.0),
    "negatives": Shared(num_negatives=400),
    "batch_size": BATCH,
    "init_std": 4e-3,
    "num_epochs": 12,
    "dropout": 0.0,
}
simplex = SimpleX(graph, SimpleXConfig(**settings, learning_rate=RATE, gate=0.5))
lightgcn_config = LightGCNConfig(
    **settings,
    learning_rate=2 * RATE,
    similarity="cosine",
    batch_l2=0.0,
    patience=3,
)
lightgcn = LightGCN(graph, lightgcn_config)
epochs = {"SimpleX": fit(simplex), "LightGCN": fit(lightgcn)}
epochs["LightGCN"][["learning_rate", "loss", "recall", "ndcg"]].tail(5)

# %%
# Recall by epoch. A ring marks a fall of the learning rate:
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(np.arange(1, 13), plain, label="MF-CCL, the plain loop")
for name, table in epochs.items():
    (line,) = axes.plot(table.index, table["recall"], label=f"{name}, CCL")
    fell = table.index[table["learning_rate"].diff() < 0] - 1
    axes.plot(fell, table["recall"][fell], "o", mfc="none", color=line.get_color(), markersize=9)
axes.set(xlabel="epoch", ylabel="Recall@20, validation", ylim=(0, None))
axes.legend()

# %%
# The test pairs are used once, at the end. Items of training *and* validation are not candidates
# now.
vectors = {"MF-CCL": mf, "SimpleX": simplex.embed(), "LightGCN": lightgcn.embed()}
found = {name: judge(*found, wanted=test, barred=known) for name, found in vectors.items()}
pd.DataFrame(found).T.round(3)

# %%
# What to show to whom
# --------------------
# `~graphvid.metrics.top_items` gives the items with the highest scores that a user has not
# watched. Training never saw topics. Here are the topics that a user watches, with the number of
# videos, and the topics of the recommended videos:
people = torch.tensor([3, 30, 300])
scorer = metrics.dot_product_scorer(*lightgcn.embed())
best = metrics.top_items(scorer, people, 8, exclude=(known.indptr, known.items))
for person, items in zip(people.tolist(), best.items.numpy(), strict=True):
    watched = world.topics[known.items[known.indptr[person] : known.indptr[person + 1]]]
    most = pd.Series(watched).value_counts().head(4).to_dict()
    print(f"user {person}: watched {most}, recommended {world.topics[items].tolist()}")

# %%
# As a command
# ------------
# The same from a file, with checkpoints, figures at three cut-offs and a report:
#
# .. code-block:: bash
#
#    graphvid train simplex --log log.csv --set loss.margin=0.4 --set loss.negative_weight=5 --out run
#    graphvid recommend USER_ID --run run
#
# Where to go from here
# ---------------------
# :doc:`/methods/simplex` has the equations, the presets of the published runs, the optimiser for
# large tables, and the results: real data, three seeds, other libraries. :doc:`plot_cross_batch`
# is for items that nobody watched yet.
