"""Next place of a user: periodic interests, a GRU, and counts."""

from .answers import NextPoiRun
from .source import CHECK_IN_DATASETS, CheckInSource, LoadedCheckIns, load_check_ins
from .task import NextPoi

__all__ = ["CHECK_IN_DATASETS", "CheckInSource", "LoadedCheckIns", "NextPoi", "NextPoiRun", "load_check_ins"]
