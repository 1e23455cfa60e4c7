from lightning import Trainer

from graphvid.data import SyntheticCoWatch
from graphvid.graphs import co_watch_graph, node_subgraph, split_nodes
from graphvid.metrics import cold_start
from graphvid.models import RelationalGraphClustering, RGCConfig
from graphvid.sampling import neighbor_table

world = SyntheticCoWatch(num_users=2000, num_videos=1500)  # or WatchLog.read("log.csv") and load_features("features.npz")
graph = co_watch_graph(world.log)  # DGLGraph with edges (video, co_watch, video)
split = split_nodes(graph.num_nodes())  # 70 % of the videos to train on, 30 % that training never sees
features = {name: x[split.train] for name, x in world.features.modalities.items()}

model = RelationalGraphClustering(node_subgraph(graph, split.train), features, RGCConfig(num_steps=100))
Trainer(max_steps=100, logger=False, enable_checkpointing=False, enable_progress_bar=False).fit(model)

embedding = model.embed(world.features.modalities)  # all videos, from their features alone
unseen = neighbor_table(node_subgraph(graph, split.test))
for name, vectors in {"raw features": world.features.concatenate(), "trained": embedding}.items():
    print(f"NDCG@60 on unseen videos, {name}: {cold_start(vectors[split.test], *unseen, k=60).ndcg:.3f}")
