"""The rows of the table. FRAME's come last, from `frame_rows`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SIMPLE, _DEEPCTR, _FRAME = (f"benchmarks.peers.{name}" for name in ("_simple", "_deepctr", "_frame"))
_MODELS = {
    "DeepFM": "First order, factorization machine and deep network.",
    "NFM": "Bi-interaction pooling, then a deep network.",
    "AutoInt": "Self-attention over the fields beside a deep network.",
    "DIFM": "Factorization machine with weights of the fields from attention and a deep network.",
    "AFN": "Logarithmic neurons (64), then a deep network.",
}


@dataclass(frozen=True)
class FramePeerRow:
    """A line of the table.

    Parameters
    ----------
    name, description : str
        As shown.
    function : str
        ``module:function``, called as ``function(task, seed=seed, **options)`` in a process of its own; returns an
        `Answer`.
    options : mapping
        What JSON can hold.
    environment : str, optional
        Name of the environment to run in; default: the one of the harness, where graphvid can be imported.
    """

    name: str
    description: str
    function: str
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: str | None = None


def rows(settings: argparse.Namespace) -> list[FramePeerRow]:
    """Return all rows; ``settings`` has ``trials``, ``epochs`` and ``patience``, the budget of every tuned peer."""
    budget = {name: getattr(settings, name) for name in ("trials", "epochs", "patience")}
    table = [
        FramePeerRow("base rate", "Share of completed views.", f"{_SIMPLE}:base_rate"),
        FramePeerRow("user rate", "The user's share of completed views, smoothed.", f"{_SIMPLE}:user_rate"),
        FramePeerRow("popularity", "The video's share of completed views, smoothed.", f"{_SIMPLE}:popularity"),
        FramePeerRow(
            "position prior", "How often viewers leave at each clip, by duration.", f"{_SIMPLE}:position_prior"
        ),
    ]
    for model, about in _MODELS.items():
        options = {"model": model, **budget}
        table.append(FramePeerRow(model, about, f"{_DEEPCTR}:deepctr", options, environment="deepctr"))
    for num_clips in (1, 8):
        about = f"Products with the user's mean positive and negative clip, {num_clips} a video."
        name = f"graph-mean logistic, {num_clips} clip{'s' * (num_clips > 1)}"
        table.append(FramePeerRow(name, about, f"{_SIMPLE}:graph_mean", {"num_clips": num_clips}))
    about = "The same two products explain the skip at each clip that was reached."
    table.append(FramePeerRow("clip-level logistic hazard, 8 clips", about, f"{_SIMPLE}:clip_hazard", {"num_clips": 8}))
    return table + frame_rows(settings)


def frame_rows(settings: argparse.Namespace) -> list[FramePeerRow]:
    """Return the rows of FRAME: presets, and the ablation to one clip."""
    table = []
    for preset in ("survival", "paper"):
        for num_clips in (1, 8):
            name = f"FRAME {preset}, {num_clips} clip{'s' * (num_clips > 1)}"
            about = f"The preset as it is, features averaged to {num_clips} a video."
            table.append(FramePeerRow(name, about, f"{_FRAME}:frame", {"preset": preset, "num_clips": num_clips}))
    return table
