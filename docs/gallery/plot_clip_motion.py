"""
Clips without labels: motion or scenery
=======================================

By the end you will be able to

- write the positives and negatives of a contrastive method as typed edges of a graph;
- train an encoder of clips without labels, from the command or from Python;
- measure whether its vectors depend on the motion or on the background.

Time to run: half a minute on one CPU core. The networks here train for only sixty steps, to build
the page quickly; :doc:`/methods/clips` has the command for full trainings.
"""

# %%
# A world whose background reveals the answer
# -------------------------------------------
# A digit moves in one of four ways over one of four kinds of texture. In nearly all training
# videos the texture is the one of the motion, so a model that reads only the texture is right.
# The shifted part tests this shortcut: there the texture is always that of another motion.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from graphvid.data import SyntheticMotion
from graphvid.graphs import ClipGraph
from graphvid.losses import EdgeInfoNCE
from graphvid.models import TwoTowerConfig
from graphvid.models.clips import DSMConfig, MoCoConfig, MotionContrastConfig, edge_recipe
from graphvid.tasks import load_run, train
from graphvid.tasks.clips import ClipsSource
from graphvid.tasks.recommendation import InteractionSource

world = SyntheticMotion(num_train=160, num_matched=100, num_shifted=50, num_decorrelated=120)
figure, axes = plt.subplots(4, 1, figsize=(6, 4.4), layout="constrained")
for motion, row in enumerate(axes):
    video = int((world.train.motion == motion).argmax())
    frames = world.train.source.clip(video, 0, 8, 2)[..., 0]
    row.imshow(np.concatenate(list(frames), axis=1), cmap="gray", vmin=0, vmax=255)
    row.set_axis_off()
_ = figure.suptitle("translate, rotate, zoom, oscillate")

# %%
# A method is a recipe of edges
# -----------------------------
# DSM pulls a clip and its warped copy together, and pushes the clip away from its own shuffled
# frames and from other videos. In a graph of views these are three types of edges, and the loss
# is a softmax over the edges of an anchor.
recipe = edge_recipe(DSMConfig())
for rule in recipe.rules:
    print(rule.type, rule.views, rule.among)

graph = ClipGraph.from_batch(torch.arange(4), recipe)
z = torch.nn.functional.normalize(
    torch.randn(12, 8, generator=torch.Generator().manual_seed(0)), dim=1
)
print(graph.graph.etypes)
print(float(EdgeInfoNCE(temperature=0.1)(z, graph.pull(), graph.push())))

# %%
# Three trainings
# ---------------
# MoCo on frames, MoCo on frame differences, and the library's own recipe.
source = ClipsSource(dataset="synthetic-motion", num_videos=160)
short = {"num_epochs": 12, "batch_size": 32, "queue_size": 128, "num_clips": 2}
methods = {
    "MoCo": ("moco", MoCoConfig(**short)),
    "MoCo on differences": ("moco", MoCoConfig(**short, inputs="differences")),
    "differences and shuffles": ("motion-contrast", MotionContrastConfig(**short)),
}
quality, folders = {}, {}
for name, (method, config) in methods.items():
    folders[name] = tempfile.mkdtemp()
    metrics = train(method, source, folders[name], config, progress=False)
    quality[name] = next(iter(metrics["quality"].values()))
quality["random weights"] = metrics["quality"]["random weights"]

# %%
# What is in the vectors
# ----------------------
# We fit a linear probe on vectors of videos in which texture and motion are independent. It can
# read the texture from all of them; the question is whether it can read the motion. *Cheating* is
# the share of answers on the shifted videos that follow the texture. Random weights are those of
# the last recipe before training: their input is frame differences, which already contain more of
# the motion. Sixty steps and sixty test videos are few: one standard error is six points.
for name, row in quality.items():
    print(
        f"{name:30} motion {row['motion']:5.1f}  scenery {row['background']:5.1f}  cheating {row['cheating']:5.1f}"
    )

figure, bars = plt.subplots(figsize=(6, 2.6), layout="constrained")
bars.barh(list(quality), [row["motion"] for row in quality.values()], color="#2a6f97")
bars.axvline(25, color="gray", linestyle="--")
_ = bars.set_xlabel("motion read by a probe (%), chance dashed")

# %%
# Vectors for the other methods
# -----------------------------
# A run embeds videos that it has never seen: the vector is the mean of a few clips from start to
# end. Save the vectors as features, and use them in the methods that learn from watches. Here
# forty users watch videos with the motion that they like, and a two-tower model recommends videos
# to them from these vectors.
folder = Path(tempfile.mkdtemp())
run = load_run(folders["MoCo on differences"])
vectors = run.embed(world.matched.source)
vectors.save(folder / "vectors.npz")

rng = np.random.default_rng(0)
likes = np.arange(40)[:, None] % 4 == world.matched.motion
users, videos = np.nonzero(rng.random(likes.shape) < np.where(likes, 0.4, 0.02))
log = pd.DataFrame({"user_id": users, "video_id": vectors.ids[videos]})
log.to_csv(folder / "log.csv", index=False)
watched = InteractionSource(log=str(folder / "log.csv"), features=str(folder / "vectors.npz"))
_ = train(
    "two-tower",
    watched,
    folder / "tower",
    TwoTowerConfig(dim=8, hidden=16, num_epochs=3),
    progress=False,
)
print(load_run(folder / "tower").recommend(0, top_k=3))
