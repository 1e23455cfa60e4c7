"""An optimiser for tables of which a step reads few rows, and learning-rate schedules."""

from graphvid.optim.deferred_adam import DeferredAdam
from graphvid.optim.schedules import constant, cosine, one_cycle, staircase

__all__ = ["DeferredAdam", "constant", "cosine", "one_cycle", "staircase"]
