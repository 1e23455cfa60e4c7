"""The task skips: it predicts who finishes a video, and at which clip the others leave."""

from .answers import SkipRun
from .source import Views, ViewSource, load_views
from .task import Skips

__all__ = ["SkipRun", "Skips", "ViewSource", "Views", "load_views"]
