"""Optimisers for tables of which a step reads a few rows."""

from graphvid.optim.deferred_adam import DeferredAdam

__all__ = ["DeferredAdam"]
