"""The task recommendation: vectors of users and items from interactions; their products rank the items for a user."""

from .answers import RecommendationRun
from .figures import judge_recommender, score_recommender
from .source import InteractionSource, LoadedInteractions, load_interactions
from .task import Recommendation, make_recommender

__all__ = [
    "InteractionSource",
    "LoadedInteractions",
    "Recommendation",
    "RecommendationRun",
    "judge_recommender",
    "load_interactions",
    "make_recommender",
    "score_recommender",
]
