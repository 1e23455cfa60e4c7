"""Builders of graphs, the second step: a ``WatchLog`` or another table becomes a ``DGLGraph``."""

from graphvid.graphs.alignment import carry_ids, check_alignment
from graphvid.graphs.check_ins import check_in_graph
from graphvid.graphs.clip_labels import ClipLabels, label_clips
from graphvid.graphs.clip_views import ClipEdges, ClipGraph
from graphvid.graphs.co_watch import co_watch_graph
from graphvid.graphs.edge_recipe import EdgeRecipe, EdgeRule
from graphvid.graphs.mentions import assignment_graph, linked_pairs, mention_graph
from graphvid.graphs.norms import EdgeNorms, edge_norms
from graphvid.graphs.relation import relation_graph
from graphvid.graphs.split import NodeSplit, node_subgraph, split_nodes
from graphvid.graphs.user_clip import user_clip_graph
from graphvid.graphs.user_item import user_item_graph
from graphvid.graphs.video_pairs import content_graph, pair_subgraph, video_pair_graph

__all__ = [
    "ClipEdges",
    "ClipGraph",
    "ClipLabels",
    "EdgeNorms",
    "EdgeRecipe",
    "EdgeRule",
    "NodeSplit",
    "assignment_graph",
    "carry_ids",
    "check_alignment",
    "check_in_graph",
    "co_watch_graph",
    "content_graph",
    "edge_norms",
    "label_clips",
    "linked_pairs",
    "mention_graph",
    "node_subgraph",
    "pair_subgraph",
    "relation_graph",
    "split_nodes",
    "user_clip_graph",
    "user_item_graph",
    "video_pair_graph",
]
