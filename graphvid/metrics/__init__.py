"""How good a ranking is: metrics of ranks, and the cold-start evaluation of embeddings."""

from graphvid.metrics.cold_start import ColdStartScores, cold_start
from graphvid.metrics.neighbor_ranks import rank_neighbors
from graphvid.metrics.ranking import average_precision, hit, ndcg, recall, reciprocal_rank

__all__ = [
    "ColdStartScores",
    "average_precision",
    "cold_start",
    "hit",
    "ndcg",
    "rank_neighbors",
    "recall",
    "reciprocal_rank",
]
