"""The task codes: short codes of items, learned from features, for catalogues whose vectors do not fit in memory."""

from .answers import CodesRun
from .source import CodesSource, LoadedCodes, load_codes
from .task import Codes

__all__ = ["Codes", "CodesRun", "CodesSource", "LoadedCodes", "load_codes"]
