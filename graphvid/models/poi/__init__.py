"""Models of the next place: periodic interests over chains of check-ins, and counts of visits."""

from .config import INTERESTS, CountPart, CountsConfig, GRUConfig, PeriodicInterestsConfig
from .counts import COUNT_PARTS, CountMixture, VisitCounts, fit_shares
from .network import InterestNetwork, Interests
from .periodic_interests import PeriodicInterests, PlaceScores
from .places import KnownPlaces

__all__ = [
    "COUNT_PARTS",
    "INTERESTS",
    "CountMixture",
    "CountPart",
    "CountsConfig",
    "GRUConfig",
    "InterestNetwork",
    "Interests",
    "KnownPlaces",
    "PeriodicInterests",
    "PeriodicInterestsConfig",
    "PlaceScores",
    "VisitCounts",
    "fit_shares",
]
