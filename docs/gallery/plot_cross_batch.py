"""
Two towers: a memory of negatives
=================================

By the end you will be able to

- train a tower of users and a tower of items' features with a softmax over the batch, corrected for
  popular items, in a plain PyTorch loop;
- measure how fast item vectors drift, and so how long you may keep them;
- add a memory of recent batches as negatives, and choose its size and its warm-up;
- do the same with `~graphvid.models.TwoTower` and Lightning;
- recommend videos that nobody has watched.

Time to run: half a minute on one CPU core. Everything is generated; no files and no network are
needed.
"""

# %%
# Pairs, features, and new videos
# -------------------------------
# In this generated world users like a few of 48 topics. A video's features hide its topic under
# unrelated directions, such as lighting and loudness. Training does not see the last 100 of 1,000
# videos; these represent the videos of tomorrow.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from lightning import Trainer
from torch import nn
from torch.nn.functional import normalize

from graphvid import metrics
from graphvid.data import Interactions, SyntheticCoWatch
from graphvid.graphs import user_item_graph
from graphvid.losses import CrossBatchNegatives, SampledSoftmaxLoss, own_item_mask
from graphvid.models import EdgeBatch, TwoTower, TwoTowerConfig
from graphvid.models.recommenders import CrossBatch
from graphvid.runs import ReloadOnPlateau
from graphvid.sampling import ShuffledBatches

world = SyntheticCoWatch(num_users=1500, num_videos=1000, seed=0)
log = world.log
NEW_FROM = 900


def pairs_of(rows, num_items=log.num_videos, first=0):
    """Return the distinct pairs of some rows of the log, items counted from ``first``."""
    user, video = log.user[rows], log.video[rows] - first
    return Interactions.from_pairs(
        user, video, num_users=log.num_users, num_items=num_items, duplicates="drop"
    )


known, test = pairs_of(log.video < NEW_FROM).hold_out(0.2, seed=0)
train, validation = known.hold_out(0.1, seed=0)
new = pairs_of(log.video >= NEW_FROM, num_items=100, first=NEW_FROM)
features = world.features.modalities
{name: table.shape for name, table in features.items()}

# %%
# Evaluation
# ----------
# There are two tests, both by Recall\@20. *Known videos*: rank all of them for every user,
# without those of training; held-out pairs are relevant. *New videos*: rank only the hundred new
# ones.


def judge(of_users, of_items):
    """Rank known and new videos for all users."""
    scorer = metrics.dot_product_scorer(of_users, of_items)
    wanted = validation.indptr, validation.items
    ranks = metrics.rank_items(scorer, wanted, exclude=(train.indptr, train.items))
    among_new = metrics.dot_product_scorer(of_users, of_items[NEW_FROM:])
    new_ranks = metrics.rank_items(among_new, (new.indptr, new.items))
    return {
        "known videos": metrics.ranking_scores(ranks, validation.indptr, k=20).recall,
        "new videos": metrics.ranking_scores(new_ranks, new.indptr, k=20).recall,
    }


count = torch.from_numpy(train.item_counts).float()[:, None]
judge(torch.ones(log.num_users, 1), count)["known videos"]  # by popularity

# %%
# A plain PyTorch loop
# --------------------
# The user tower is one vector per user, the item tower a network. A step takes 64 pairs; for each
# row, the items of the other rows are the negatives. A popular item is in more batches than
# others. The loss corrects this: it subtracts the logarithm of the item's share of the pairs. A
# row's own item may be among the negatives, in another row or in the memory; ``own_item_mask``
# finds all copies.
#
# The memory holds the item vectors of earlier batches. A step reads it before it adds the batch,
# so a batch is not its own negative. The entries push users but do not move themselves.
BATCH, DIM, NUM_EPOCHS = 64, 64, 4
inputs = torch.from_numpy(np.concatenate(list(features.values()), axis=1))
inputs = (inputs - inputs[:NEW_FROM].mean(dim=0)) / inputs[:NEW_FROM].std(dim=0)
share = torch.from_numpy(train.item_counts / train.num_interactions).float()
edges = EdgeBatch(torch.from_numpy(train.users), torch.from_numpy(train.items))
per_epoch = -(-len(edges.user) // BATCH)


def train_towers(capacity=0, warmup_steps=0, keep=None):
    """Train two towers; return the figures of each epoch. ``keep`` gets 200 item vectors a step."""
    torch.manual_seed(0)
    user_tower = nn.Embedding(log.num_users, DIM)
    nn.init.normal_(user_tower.weight, std=0.01)
    item_tower = nn.Sequential(nn.Linear(inputs.shape[1], 256), nn.ReLU(), nn.Linear(256, DIM))
    weights = [*user_tower.parameters(), *item_tower.parameters()]
    optimizer = torch.optim.Adam(weights, lr=1e-3)
    loss_of = SampledSoftmaxLoss(temperature=0.1)
    memory = CrossBatchNegatives(capacity, DIM, warmup_steps=warmup_steps)
    figures = []
    for step, batch in enumerate(ShuffledBatches(edges, BATCH, NUM_EPOCHS, seed=0), start=1):
        if keep is not None:
            keep.append(normalize(item_tower(inputs[::5])).detach())
        u, v = normalize(user_tower(batch.user)), normalize(item_tower(inputs[batch.item]))
        log_q = share[batch.item].log()
        old = memory.read()
        ids, log_qs = torch.cat([batch.item, old.ids]), torch.cat([log_q, old.log_q])
        loss = loss_of.of_batch(
            u, v, old.vectors, mask=~own_item_mask(batch.item, ids), log_q=log_qs
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        memory.push(batch.item, v, log_q)
        if step % per_epoch == 0:
            with torch.no_grad():
                vectors = normalize(user_tower.weight), normalize(item_tower(inputs))
            figures.append(judge(*vectors))
    return pd.DataFrame(figures, index=np.arange(1, NUM_EPOCHS + 1))


kept = []
in_batch = train_towers(keep=kept)
in_batch.round(3)

# %%
# Drift
# -----
# Drift measures how wrong an old vector is: the mean distance that items have moved since, as a
# share of their length. A memory of M entries holds vectors of up to M / 64 steps ago: 4,096
# entries are 64 steps. Drift is largest at the very start. The learning rate is constant, so
# drift does not vanish, and it rises at the start of an epoch, when all pairs come again.
lags = (1, 4, 16, 64)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for lag in lags:
    steps = np.arange(lag, len(kept), 20)
    drift = [metrics.feature_drift(kept[t], kept[t - lag]).relative for t in steps]
    left.plot(steps, drift, label=f"{lag}")
left.set(xlabel="step", ylabel="relative drift", yscale="log")
left.legend(title="steps ago", fontsize="small")
for step in (100, 400, 1200):
    drift = [metrics.feature_drift(kept[step], kept[step - lag]).relative for lag in range(1, 65)]
    right.plot(np.arange(1, 65), drift, label=f"step {step}")
right.set(xlabel="age of a vector in steps", ylabel="relative drift")
right.legend(fontsize="small")

# %%
# The size of the memory
# ----------------------
# In the first epoch a memory hurts, and a large one hurts more; afterwards it helps. A memory
# that starts in the second epoch (``warmup_steps``) never hurts.
results = {
    "none": in_batch,
    "1,024": train_towers(1024),
    "4,096": train_towers(4096),
    "4,096, after an epoch": train_towers(4096, warmup_steps=per_epoch),
}

figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for panel, column in zip(panels, in_batch.columns, strict=True):
    for name, table in results.items():
        panel.plot(table.index, table[column], "--" if "after" in name else "-", label=name)
    panel.set(xlabel="epoch", ylabel="Recall@20", title=column, xticks=table.index)
panels[0].legend(title="memory", fontsize="small")

# %%
# After the last epoch:
pd.DataFrame({name: table.iloc[-1] for name, table in results.items()}).T.round(3)

# %%
# With Lightning
# --------------
# `~graphvid.models.TwoTower` is this loop, with an evaluation after every epoch, the best weights
# at the end, and checkpoints that contain the memory. ``negatives`` is ``"in_batch"``,
# ``"mixed"`` (uniform items and those of the batch), ``"cross_batch"``, or a record with its own
# options.
config = TwoTowerConfig(
    negatives=CrossBatch(memory_size=1024),
    batch_size=BATCH,
    num_epochs=2,
)
model = TwoTower(user_item_graph(train), features, config)
schedule = ReloadOnPlateau(lambda m: judge(*m.embed()), "known videos", patience=3)
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
pd.DataFrame(schedule.epochs).set_index("epoch")[["loss", "known videos", "new videos"]].round(3)

# %%
# This is its memory now; a checkpoint contains it, and a resumed run continues with it:
entries = model.candidates.memory.read()
{
    "entries": len(entries.ids),
    "different videos": len(entries.ids.unique()),
    "age of the oldest, in steps": entries.ages[:1].tolist(),
}

# %%
# Videos nobody has watched
# -------------------------
# A new video has a vector like any other. For three users, here are the topics that the user
# watches and the topics of the best five new videos; training saw no topics.
of_users, of_items = model.embed()
scorer = metrics.dot_product_scorer(of_users, of_items[NEW_FROM:])
people = [3, 30, 300]
best = metrics.top_items(scorer, people, 5).items.numpy() + NEW_FROM
for person, items in zip(people, best, strict=True):
    watched = world.topics[known.items[known.indptr[person] : known.indptr[person + 1]]]
    most = pd.Series(watched).value_counts().head(4).to_dict()
    print(f"user {person}: watched {most}, new videos {world.topics[items].tolist()}")

# %%
# As a command
# ------------
# The same from files, with checkpoints, figures at three cut-offs and a report:
#
# .. code-block:: bash
#
#    graphvid train two-tower --log log.csv --features features.npz --set negatives.memory_size=1024 --out run
#    graphvid recommend USER_ID --run run
#
# Where to go from here
# ---------------------
# :doc:`/methods/cross_batch_negatives` has the equations, the warm-up, the cost of each kind of
# negatives, and results on real data. :doc:`plot_simplex` is for items that have only ids.
