"""Graph-native video representation learning and recommendation from what people watch.

A watch log becomes a graph, a sampler draws edges from the graph, an encoder turns nodes into vectors, a loss pulls or
pushes the ends of edges, and the vectors go into an index. The subpackages are these steps, in this order; they load on
first use, so that ``import graphvid`` costs little more than ``import torch``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphvid.tasks import load_run

__version__ = "0.1.0"

_SUBPACKAGES = (
    "data",
    "graphs",
    "clustering",
    "sampling",
    "ops",
    "nn",
    "losses",
    "metrics",
    "retrieval",
    "models",
    "runs",
    "tasks",
    "sql",
    "duckdb",
    "spark",
)

__all__ = ["__version__", "load_run", *_SUBPACKAGES]


def __getattr__(name: str) -> Any:
    if name == "load_run":
        return importlib.import_module("graphvid.tasks").load_run
    if name in _SUBPACKAGES:
        return importlib.import_module(f"graphvid.{name}")
    raise AttributeError(f"module 'graphvid' has no attribute {name!r}; subpackages are {list(_SUBPACKAGES)}")


def __dir__() -> list[str]:
    return sorted(__all__)
