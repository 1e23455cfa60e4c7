"""Co-watch: vectors of videos from their features and from who watched what, also for videos that nobody has watched."""

from .answers import CoWatchRun
from .source import CoWatchSource, VideoGraph, load_video_graph
from .task import CoWatch

__all__ = ["CoWatch", "CoWatchRun", "CoWatchSource", "VideoGraph", "load_video_graph"]
