"""Clips: vectors of videos that are learned from the videos alone, and follow what moves in them."""

from .answers import ClipsRun
from .source import ClipsSource, LoadedClips, load_clips, open_videos
from .task import Clips

__all__ = ["Clips", "ClipsRun", "ClipsSource", "LoadedClips", "load_clips", "open_videos"]
