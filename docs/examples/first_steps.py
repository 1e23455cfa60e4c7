from lightning import Trainer

from graphvid.data import SyntheticCoWatch
from graphvid.graphs import co_watch_graph, node_subgraph, split_nodes
from graphvid.metrics import cold_start
from graphvid.models import RelationalGraphClustering, RGCConfig
from graphvid.sampling import neighbor_table

world = SyntheticCoWatch(num_users=2000, num_videos=1000)  # or read_log_and_features(...)
graph = co_watch_graph(world.log)  # DGLGraph: (video, co_watch, video), edata["weight"]
train, test = split_nodes(graph.num_nodes())  # 70 % and 30 % of the videos; training never sees the 30 %

model = RelationalGraphClustering(node_subgraph(graph, train), world.features.take(train), RGCConfig(num_steps=100))
trainer = Trainer(
    max_steps=100, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False
)
trainer.fit(model)

embedding = model.embed(world.features)  # all videos, from their features alone
unseen = neighbor_table(node_subgraph(graph, test))
for name, vectors in {"raw features": world.features.concatenate(), "embedding": embedding}.items():
    print(f"NDCG@60 on unseen videos, {name}: {cold_start(vectors[test], *unseen, k=60).ndcg:.3f}")
