"""
Twin tower: videos from frames and titles
=========================================

By the end you will be able to

- generate a contest of videos whose similarity lies in some of their frames and in words of their titles;
- see the best possible results, from vectors that know the hidden truth;
- pretrain a twin tower on tags in a plain PyTorch loop, and train it on scored pairs with Lightning;
- evaluate it by Spearman's correlation on videos that training never saw;
- join two models by a singular value decomposition, and see why their mean is worse.

Time to run: about a minute on one CPU core. Everything is generated; no files and no network are
needed. The towers here are small and their training is very short; the results page has longer
runs.
"""

# %%
# A contest
# ---------
# A video has frames of its *main* tags in one style, frames of other tags in another style, and
# distractors. The title has one more tag, and the main style: this word shows which frames count.
# Pairs have scores in [0, 1] that depend on the hidden meaning.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from lightning import Trainer

from graphvid.data import SyntheticVideoPairs, TagVocabulary, TitleTokenizer
from graphvid.graphs import pair_subgraph, video_pair_graph
from graphvid.metrics import spearman
from graphvid.models import TwinTower, TwinTowerConfig, VideoInputs
from graphvid.models.towers import build_text_encoder, pair_cosines
from graphvid.retrieval import SVDEnsemble, mean_ensemble
from graphvid.sampling import local_pair_order

world = SyntheticVideoPairs(
    num_pointwise=1500, num_videos=800, num_pairs=2500, num_test_videos=400, num_test_pairs=1500
)
pd.DataFrame({"title": world.test.videos.title[:4], "frames": world.test.videos.frames.counts[:4]})

# %%
# The best possible results
# -------------------------
# These vectors need no training; all except the first use the hidden truth.
pairs = world.test.pairs
oracles = {}
for name, vectors in world.oracle_vectors(world.test).items():
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    oracles[name] = spearman(pairs.score, pair_cosines(unit, pairs))
pd.Series(oracles, name="test Spearman").round(3)

# %%
# Stage 1: tags
# -------------
# A tower reads frames by NeXtVLAD and titles by a small BERT with random weights, with the words
# of the training titles as vocabulary. It first learns the tags of single videos, in a plain
# loop:
config = TwinTowerConfig.from_dict(
    {**TwinTowerConfig.presets["small"], "pretrain_epochs": 3, "num_epochs": 2}
)
tokenizer = TitleTokenizer.of_words(world.pointwise.videos.title)
tags = TagVocabulary.most_frequent(world.pointwise.videos.tag_id)


def inputs_of(contest):
    return VideoInputs(contest.videos, config, tokenizer, tags)


def pretrained(seed):
    torch.manual_seed(seed)
    text = build_text_encoder(config, tokenizer.num_pieces)
    model = TwinTower(inputs_of(world.pointwise), config.pretraining(), text=text)
    optimizer = torch.optim.Adam(model.tower.parameters(), lr=3e-3)
    losses = []
    for batch in model.train_dataloader():
        rows = batch.row.numpy()
        loss = model.tag_loss(model.tower.tags(model.encode(rows)), model.inputs.labels(rows))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses


first, losses = pretrained(0)
figure, axes = plt.subplots(figsize=(5, 2.6), layout="constrained")
axes.plot(losses)
axes.set(xlabel="step", ylabel="loss of tags")

# %%
# Stage 2: pairs
# --------------
# Pairs are edges of a graph. A batch is a subgraph: each of its videos is encoded once, even if
# it is in many pairs. Batches that grow over the graph have even fewer videos.
graph = video_pair_graph(world.train.pairs, world.train.videos.num_videos)
orders = {
    "random": np.random.default_rng(0).permutation(graph.num_edges()),
    "local": local_pair_order(world.train.pairs.query, world.train.pairs.candidate, 64),
}
pd.Series(
    {
        name: pair_subgraph(graph, torch.from_numpy(order[:64])).num_nodes()
        for name, order in orders.items()
    },
    name="videos in a batch of 64 pairs",
)

# %%
# `~graphvid.models.TwinTower` takes the pairs and trains with Lightning, from the weights of the first stage.


def finetuned(start, seed):
    torch.manual_seed(seed)
    text = build_text_encoder(config, tokenizer.num_pieces)
    model = TwinTower(inputs_of(world.train), config, pairs=world.train.pairs, text=text)
    model.tower.load_state_dict(start.tower.state_dict())
    steps = len(model.train_dataloader())
    Trainer(
        max_steps=steps,
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(model)
    return model


def judge(vectors):
    return spearman(pairs.score, pair_cosines(vectors, pairs))


test = inputs_of(world.test)
second, _ = pretrained(1)
members = [finetuned(first, 0).embed(test), finetuned(second, 1).embed(test)]
found = {
    "after tags only": judge(first.embed(test)),
    "after pairs": judge(members[0]),
    "another seed": judge(members[1]),
}
pd.Series(found, name="test Spearman").round(3)

# %%
# Joining two models
# ------------------
# The axes of separately trained models are rotated against each other. This makes the mean of
# both worse, but not a singular value decomposition of both side by side.


def unit_rows(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


found["SVD of both"] = judge(unit_rows(SVDEnsemble(64).fit_transform(members)))
found["mean of both"] = judge(unit_rows(mean_ensemble(members)))
pd.Series(found, name="test Spearman").round(3)

# %%
# The same on the command line, with a report:
#
# .. code-block:: bash
#
#    graphvid train twin-tower --dataset synthetic-video-pairs --preset small --out one
#    graphvid train twin-tower --dataset synthetic-video-pairs --preset small --seed 1 --out two
#    graphvid ensemble one two --out both
