"""The task similarity: vectors of videos from frames and titles, whose cosines follow human similarity scores."""

from .answers import SimilarityRun
from .ensemble import EnsembleConfig, Ensembles, EnsembleSource
from .source import SimilarityData, VideoPairSource, load_similarity
from .task import Similarity

__all__ = [
    "EnsembleConfig",
    "EnsembleSource",
    "Ensembles",
    "Similarity",
    "SimilarityData",
    "SimilarityRun",
    "VideoPairSource",
    "load_similarity",
]
