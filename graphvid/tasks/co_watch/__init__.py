"""The task co-watch: vectors of videos from features and a watch log, also for videos that nobody has watched."""

from .answers import CoWatchRun
from .source import CoWatchSource, VideoGraph, load_video_graph
from .task import CoWatch

__all__ = ["CoWatch", "CoWatchRun", "CoWatchSource", "VideoGraph", "load_video_graph"]
