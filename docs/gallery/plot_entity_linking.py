"""
Entity linking: which entity is meant
=====================================

By the end you will be able to

- hold mentions and their candidates, and turn them into a graph;
- score candidates by prior, words around and type, in a plain PyTorch loop;
- pass messages between the mentions of a document;
- measure the accuracy, and how many errors are errors of type.

Time to run: about a minute on one CPU core. Everything is generated; no files and no network are
needed.
"""

# %%
# A world of ambiguous names
# --------------------------
# There are 150 names, each of six entities. Topics distinguish some of these, and the type that
# the nearest words imply distinguishes the others. Candidates are in the order of their entity
# numbers, so their order carries no information.
import numpy as np
import pandas as pd
import torch

from graphvid.data import SyntheticMentions
from graphvid.graphs import assignment_graph, mention_graph
from graphvid.metrics import choose, linking_scores, type_error_share
from graphvid.models.linking import (
    LinkGraph,
    LinkGraphConfig,
    LinkLocal,
    LinkLocalConfig,
    LinkTables,
)

world = SyntheticMentions(num_docs=(200, 30, 60), seed=0)
mentions = world.mentions
first = slice(*mentions.cand_indptr[:2])
pd.DataFrame(
    {
        "candidate": mentions.entity_names[mentions.cand_entity[first]],
        "prior": mentions.prior[first],
        "type": world.entity_type[mentions.cand_entity[first]],
        "topic": world.entity_topic[mentions.cand_entity[first]],
        "meant": mentions.cand_entity[first] == mentions.gold[0],
    }
)

# %%
# The graph has edges from mentions to candidates, words to mentions, and entities to entities.
# Entities of different documents are different nodes.
graph = mention_graph(
    mentions, words=(world.word_indptr, world.words), links=(world.link_src, world.link_dst)
)
graph

# %%
# The relations between choices are a graph too: a node is a mention with one of its candidates,
# and edges join nodes of different mentions whose entities have a link.
assignment_graph(graph)


# %%
# Features
# --------
# There are two features: the logarithm of the prior, and the cosine of the mention's context with
# the mean context of each entity. Vectors of words and entities give a third, inside the model.
def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def standard(x):
    return (x - x.mean()) / x.std()


alike = (
    unit(world.entity_context_vectors)[mentions.cand_entity]
    * world.context_vectors[mentions.cand_mention]
).sum(axis=1)
columns = {"prior": standard(np.log(mentions.prior)), "type": standard(alike)}


def tables(*groups, words=True):
    """Give the features of some groups, with vectors of words if asked for."""
    features = np.stack([columns[group] for group in groups], axis=1).astype(np.float32)
    vectors = torch.from_numpy(world.word_vectors) if words else None
    return LinkTables(
        torch.from_numpy(features), groups, torch.from_numpy(world.entity_vectors), vectors
    )


docs = {
    split: torch.from_numpy(np.unique(mentions.doc[world.split == split]))
    for split in ("train", "test")
}


# %%
# A plain loop
# ------------
# A model computes a score for every candidate of a batch of documents; the loss is the
# cross-entropy of the gold entities.
def train(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for batch in model.train_dataloader():
        loss = model.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def figures(model):
    candidates, scores = model.score(docs["test"])
    whole = np.full(mentions.num_candidates, -np.inf)
    whole[candidates.numpy()] = scores.numpy()
    chosen = mentions.cand_entity[choose(whole, mentions.cand_indptr)]
    test = mentions.take(world.split == "test")
    chosen = chosen[world.split == "test"]
    accuracy = linking_scores(test.gold, chosen, test.cand_indptr, test.cand_entity).accuracy
    return {
        "accuracy": accuracy,
        "type errors": type_error_share(test.gold, chosen, world.entity_type),
    }


config = LinkLocalConfig(num_epochs=5)
models = {
    "prior": LinkLocal(graph, tables("prior", words=False), docs["train"], config),
    "and words": LinkLocal(graph, tables("prior"), docs["train"], config),
    "and type": LinkLocal(graph, tables("prior", "type", words=False), docs["train"], config),
    "all three": LinkLocal(graph, tables("prior", "type"), docs["train"], config),
    "and links": LinkGraph(
        graph, tables("prior", "type"), docs["train"], LinkGraphConfig(num_epochs=5)
    ),
}
pd.DataFrame({name: figures(train(model)) for name, model in models.items()}).T.round(3)

# %%
# Words identify topics, and leave errors of type; contexts identify types. With the links, the
# model decides the mentions of a document together.
#
# On the command line, ``graphvid train link-graph --dataset synthetic --out run`` does the same
# and writes a report with the errors; ``graphvid link`` links new texts.
