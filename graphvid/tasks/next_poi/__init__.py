"""The task of a user's next place, by periodic interests, a GRU, or counts."""

from .answers import NextPoiRun
from .source import CheckInSource, LoadedCheckIns, load_check_ins
from .task import NextPoi

__all__ = ["CheckInSource", "LoadedCheckIns", "NextPoi", "NextPoiRun", "load_check_ins"]
