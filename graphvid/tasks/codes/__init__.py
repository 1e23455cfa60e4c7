"""Codes: a few bytes an item, learned from features, for a catalogue that does not fit in memory as vectors."""

from .answers import CodesRun
from .source import CodesSource, LoadedCodes, load_codes
from .task import Codes

__all__ = ["Codes", "CodesRun", "CodesSource", "LoadedCodes", "load_codes"]
