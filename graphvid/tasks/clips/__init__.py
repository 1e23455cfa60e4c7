"""The task clips: vectors of videos, learned without labels from the pixels, that represent motion."""

from .answers import ClipsRun
from .source import ClipsSource, LoadedClips, load_clips, open_videos
from .task import Clips

__all__ = ["Clips", "ClipsRun", "ClipsSource", "LoadedClips", "load_clips", "open_videos"]
