"""Tables to graphs: the second step, ``WatchLog`` or edge list in, ``DGLGraph`` out."""

from graphvid.graphs.co_watch import co_watch_graph
from graphvid.graphs.relation import relation_graph
from graphvid.graphs.split import NodeSplit, node_subgraph, split_nodes

__all__ = ["NodeSplit", "co_watch_graph", "node_subgraph", "relation_graph", "split_nodes"]
