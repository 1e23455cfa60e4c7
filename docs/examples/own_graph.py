"""A graph of one's own: clusters, triplets, message passing and an encoder from a DGLGraph made by hand."""

import dgl
import numpy as np
import torch
from lightning import Trainer

from graphvid.clustering import affinity_clustering
from graphvid.data import Features
from graphvid.graphs import carry_ids
from graphvid.models import RelationalGraphClustering, RGCConfig
from graphvid.ops import Adjacency
from graphvid.sampling import TripletSampler

rng = np.random.default_rng(0)
topic = np.repeat(np.arange(5), 40)  # 200 videos of 5 topics; about one pair of a topic in four is linked
pairs = np.argwhere(np.triu((topic[:, None] == topic) & (rng.random((200, 200)) < 0.25), k=1))
src, dst = torch.from_numpy(pairs.T.copy())

edges = torch.cat([src, dst]), torch.cat([dst, src])  # both directions
graph = dgl.heterograph({("video", "co_watch", "video"): edges}, num_nodes_dict={"video": 200})
graph.edata["weight"] = torch.rand(len(src)).repeat(2)  # the same both ways
looks = rng.normal(size=(5, 16))[topic] + rng.normal(size=(200, 16))
features = Features([f"v{i}" for i in range(200)], {"visual": looks.astype(np.float32)})
carry_ids(graph, features.ids)

tree = affinity_clustering(graph, num_levels=3)
batch = next(iter(TripletSampler(graph, tree, batch_size=32)))
print("anchors, positives, negatives:", [tuple(ids.shape) for ids in batch])

sums = Adjacency.from_dgl(graph).spmm(torch.from_numpy(looks))
print("sums over neighbours:", tuple(sums.shape))

model = RelationalGraphClustering(graph, features, RGCConfig(batch_size=32, num_steps=20), tree=tree)
trainer = Trainer(
    max_steps=20, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False
)
trainer.fit(model)
print("vectors:", model.embed(features).shape)
