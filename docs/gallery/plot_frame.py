"""
FRAME: which clip made the viewer leave
=======================================

By the end you will be able to

- turn a log with watch times into clips that were finished, left, or never reached, and into a
  graph of users and clips;
- train `~graphvid.models.FRAME` on it, in a plain PyTorch loop and with Lightning;
- evaluate it: against the truth, against a model that sees whole videos, and by its
  probabilities;
- say at which clip a user will leave a video, also one that nobody has watched yet.

Time to run: under a minute on one CPU core. Everything is generated; no files and no network are
needed.
"""

# %%
# The log
# -------
# In this generated world a video has eight clips of one second, in runs that each have one topic.
# A user likes five of 16 topics and dislikes four. At every clip that they reach, they leave with
# probability 0.01 if they like its topic, 0.45 if they dislike it, and 0.04 otherwise. So one
# clip causes a skip; the log says which one, but not why.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from lightning import Trainer
from matplotlib.colors import ListedColormap

from graphvid import metrics
from graphvid.data import ClipFeatures, SyntheticSkip, check_no_leak
from graphvid.graphs import label_clips, user_clip_graph
from graphvid.models import FRAME, FRAMEConfig

world = SyntheticSkip(num_users=150, num_videos=600, seed=0)
world.log.to_frame().head()

# %%
# Read your own log with ``WatchLog.read("log.csv")``, with the columns ``user_id``, ``video_id``,
# ``watch_time``, ``duration`` and ``timestamp``, and its clips with
# ``ClipFeatures.open("clips.npz")``, an array of shape (videos, clips, columns).
#
# Each user's last 20 of 80 rows are the test set. The training rows do not contain the last 60
# videos: these represent the videos of tomorrow.
early = np.union1d(world.windows.graph, world.windows.supervision)
new_from = world.log.num_videos - 60
log = world.log.select(early[world.log.video[early] < new_from])
test = world.log.select(world.windows.test)
check_no_leak(log, test)
print(f"{log.num_interactions:,} training rows, {test.num_interactions:,} test rows")

# %%
# From rows to clips
# ------------------
# ``stop`` is the clip at which the viewer left, or 8 for a finished video. A viewer who stops
# exactly on the boundary of two clips has finished the first; the arithmetic is in whole
# milliseconds.
labels = label_clips(log, num_clips=8)
rows = pd.DataFrame({"watch_time": log.watch_time, "stop": labels.stop})
rows.groupby("stop")["watch_time"].agg(["count", "min", "max"])

# %%
# A finished video gives an edge ``pos`` from the user to each of its clips; a skip gives one edge
# ``neg`` to the clip of the skip. The clips before it, which were seen, and those after it, which
# were not, get no edge.
graph = user_clip_graph(labels, num_users=log.num_users, num_videos=log.num_videos)
{name: graph.num_edges(name) for name in ("pos", "neg")}

# %%
# Left: half of the rows of one user. Right: the truth that the model never sees, whether the user
# likes the topic of each clip. Most skips are on a disliked clip, and most finished videos have
# none.
person = 0
mine = np.flatnonzero(labels.user == person)
mine = mine[np.argsort(-labels.stop[mine])][::2]
edges = np.where(labels.complete[mine, None], 0, np.where(np.eye(9)[labels.stop[mine], :8], 2, 1))
tastes = world.tastes[person, world.clip_topics[labels.video[mine]]]
colors = ListedColormap(["tab:green", "0.88", "tab:red"])
figure, panels = plt.subplots(1, 2, figsize=(7, 4.2), sharey=True, layout="constrained")
panels[0].pcolormesh(edges, cmap=colors, edgecolors="white", linewidth=0.3)
panels[0].set(title="edges: pos (green), neg (red)", xlabel="clip", ylabel="row of the log")
panels[1].pcolormesh(tastes, cmap=colors, edgecolors="white", linewidth=0.3)
panels[1].set(title="truth: liked (green), disliked (red)", xlabel="clip")

# %%
# A plain PyTorch loop
# --------------------
# `~graphvid.models.FRAME` holds the graph, the network and the batches. A step scores all clips
# of the batch's videos for its users. It leaves the batch's own edges out of the graph, because
# they are the answer. The loss is the negative log-likelihood of the place where each view ended.
# Batches are smaller than the default, since this world is small.
config = FRAMEConfig(batch_size=256, seed=0)
model = FRAME(log, world.clips, config)
batches = model.train_dataloader()
optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
schedule = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, config.learning_rate, total_steps=len(batches)
)

losses = []
for step, batch in enumerate(batches):  # ids of users and videos, and the clips where they stopped
    scores = model.scores(batch.user, batch.video, step=step)  # (rows, clips), large: stays
    loss = model.network.loss(scores, batch.stop, torch.zeros_like(batch.user))  # one duration
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    losses.append(loss.item())

figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
axes.plot(losses)
axes.set(xlabel="step", ylabel="negative log-likelihood of a view")

# %%
# The same with Lightning
# -----------------------
# The model is a Lightning module. Here it trains the most important baseline: the same model on
# the same videos with one clip each, whose feature is the mean of the eight.
trainer = Trainer(
    max_epochs=1,  # the batches of all config.num_epochs passes come from one loader
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
coarse = FRAME(log, world.clips.pool(1), config)
trainer.fit(coarse)

# %%
# Who finishes what?
# ------------------
# GAUC is the AUC inside each user's test rows, weighted by their number. The oracle knows all
# tastes; the rest is chance. A logloss above that of the base rate would mean that a constant
# predicts better.
finished = test.watch_time >= test.duration
prediction = model.predict(test.user, test.video)
base_rate = np.full(len(finished), (log.watch_time >= log.duration).mean())
answers = {
    "base rate": base_rate,
    "FRAME, 1 clip": coarse.predict(test.user, test.video).complete,
    "FRAME, 8 clips": prediction.complete,
    "oracle": world.oracle[world.windows.test],
}


def judge(answer):
    """Give the figures of one answer."""
    return {
        "GAUC": metrics.gauc(finished, answer, test.user).value,
        "logloss": metrics.log_loss(finished, answer),
        "calibration error": metrics.expected_calibration_error(finished, answer),
    }


pd.DataFrame({name: judge(answer) for name, answer in answers.items()}).T.round(3)

# %%
# With 200 rows per bin, chance alone causes a calibration error as large as the oracle's.
#
# Could the difference of the two GAUCs come from the choice of users? A bootstrap draws the users
# 2,000 times and evaluates both models on each draw:
fine, one = answers["FRAME, 8 clips"], answers["FRAME, 1 clip"]
gain = metrics.bootstrap_gauc(finished, fine, one, test.user)
print(f"{gain.difference:.3f}, 95 % interval {gain.lower:.3f} to {gain.upper:.3f}")

# %%
# Are the probabilities right?
# ----------------------------
# Left: the share of viewers still there at the start of each clip and at the end, over all test
# rows, and for the thirds of the rows with the lowest and the highest predicted probability to
# finish. Right: test rows in 15 bins by this probability.
stop = label_clips(test, num_clips=8).stop
still_there = stop[:, None] >= np.arange(9)
order = np.argsort(prediction.complete)
thirds = np.array_split(order, 3)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
groups = {"all rows": (order, "k"), "lowest third": (thirds[0], "C3"), "highest": (thirds[2], "C2")}
for name, (part, color) in groups.items():
    left.plot(prediction.drop_off[part].mean(axis=0), color=color, label=f"{name}, predicted")
    left.plot(still_there[part].mean(axis=0), "o", color=color, label="observed")
left.set(xlabel="clip", ylabel="share still there", ylim=(0, 1.03))
left.legend(fontsize="small")
curve = metrics.calibration_curve(finished, prediction.complete)
right.plot([0, 1], [0, 1], color="0.7")
right.plot(curve.predicted, curve.observed, "o-")
right.set(xlabel="predicted probability to finish", ylabel="share that finished")

# %%
# The clip that caused the skip
# -----------------------------
# A hazard is the probability that the user leaves at a clip, given that they reach it. Below are
# three videos for one user, with the topics of the clips and the true hazards, which training
# never saw.
names = {0: "liked", 1: "", 2: "disliked"}
shown = np.flatnonzero(test.user == person)
shown = shown[np.argsort(-world.hazards[world.windows.test[shown]].sum(axis=1))][[1, 8, 18]]
figure, panels = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
for panel, row in zip(panels, shown, strict=True):
    topics = world.clip_topics[test.video[row]]
    panel.bar(np.arange(8), 1 - prediction.stay[row], label="predicted hazard")
    panel.plot(world.hazards[world.windows.test[row]], "k_", markersize=18, label="true hazard")
    ticks = [f"{topic}\n{names[world.tastes[person, topic]]}" for topic in topics]
    panel.set_xticks(np.arange(8), ticks, fontsize=6)
    panel.set_title(f"chance to finish {prediction.complete[row]:.2f}", fontsize=10)
panels[0].set(ylabel="probability to leave", ylim=(0, 1))
panels[2].legend(fontsize="small")
figure.supxlabel("topic of the clip", fontsize=10)

# %%
# The accuracy is the share of skips whose clip is the most likely one for the model, given that
# the user skips the video. The position prior has the same hazards for all users and videos:
# those of the training log.
reached = (labels.stop[:, None] >= np.arange(8)).sum(axis=0)
prior = np.tile(np.bincount(labels.stop, minlength=9)[:8] / reached, (len(stop), 1))
hazards = {
    "position prior": prior,
    "FRAME": 1 - prediction.stay,
    "oracle": world.hazards[world.windows.test],
}
found = {name: metrics.skip_clip_scores(hazard, stop) for name, hazard in hazards.items()}
table = pd.DataFrame(found.values(), index=list(found))
table[["accuracy", "log_likelihood"]].round(3)

# %%
# Videos nobody has watched
# -------------------------
# For the 60 videos that training never saw, the model predicts from the features of their clips:
truth = answers["oracle"]
is_new = test.video >= new_from
kinds = {"videos of the training log": ~is_new, "new videos": is_new}
columns = {
    name: {
        "rows": kind.sum(),
        "AUC": metrics.auc(finished[kind], prediction.complete[kind]),
        "AUC of the oracle": metrics.auc(finished[kind], truth[kind]),
    }
    for name, kind in kinds.items()
}
pd.DataFrame(columns).T.astype({"rows": int}).round(3)

# %%
# For a video that is not in the log, give its clips. This one has four clips of a topic that our
# user likes and four of one that they dislike. We predict it also for a user who likes both.
liked, disliked = (int(np.flatnonzero(world.tastes[person] == level)[0]) for level in (0, 2))
other = int(np.flatnonzero((world.tastes[:, [liked, disliked]] == 0).all(axis=1))[0])
clip_of = [
    world.clips.array[world.clip_topics == topic].mean(axis=0) for topic in (liked, disliked)
]
made = ClipFeatures(["made"], np.repeat(clip_of, 4, axis=0)[None])
viewers = {"dislikes the second half": person, "likes both": other}
views = model.predict(list(viewers.values()), [0, 0], clips=made)
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
for name, curve in zip(viewers, views.drop_off, strict=True):
    axes.plot(curve, "o-", label=f"{name}: {curve[-1]:.2f} finish")
axes.set(xlabel="clip", ylabel="probability to be still there", ylim=(0, 1.03))
axes.legend(loc="lower left", fontsize="small")
print("most likely to leave at clip", views.offending_clip, "and least at", views.best_clip)

# %%
# Unknown users
# -------------
# A user without rows is -1; then the prediction depends only on the video. Every user of this log
# has about fifty rows. To predict for users without rows, the model needs the tenth of its
# training rows that it sees without their user (``cold_user_share``). The mean probability to
# finish, and the share of finished test rows:
nobody = model.predict(np.full(len(finished), -1), test.video)
print(f"{nobody.complete.mean():.2f} predicted, {finished.mean():.2f} observed")

# %%
# Where to go from here
# ---------------------
# :doc:`/methods/frame` has the equations, the protection against leaks, the presets, and the
# tables: five seeds, settings in which clips must not help, and other models.
