"""One file a paper: the parts of the other rooms wired into models that Lightning trains."""

from .config import RGCConfig
from .relational_graph_clustering import RelationalGraphClustering, build_encoder, embed

__all__ = ["RGCConfig", "RelationalGraphClustering", "build_encoder", "embed"]
