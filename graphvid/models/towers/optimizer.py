"""Parameter groups of the optimiser with their learning rates, and the schedule of the rates."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import nn

from graphvid.models.towers.config import TwinTowerConfig


def parameter_groups(network: nn.Module, text: nn.Module | None, config: TwinTowerConfig) -> list[dict[str, Any]]:
    """Return every trainable parameter in exactly one group: of the text encoder or not, with decay or without.

    Parameters
    ----------
    network : nn.Module
        All parameters.
    text : nn.Module, optional
        The part of the network with ``text_learning_rate``.
    config : TwinTowerConfig

    Returns
    -------
    list of dict
        With ``name``, ``params``, ``lr`` and ``weight_decay``; groups without a parameter are left out. Biases and
        one-dimensional weights, such as those of norms, do not decay.
    """
    of_text = {id(parameter) for parameter in text.parameters()} if text is not None else set()
    tags = config.stage == "tags"
    rates = {
        True: config.pretrain_text_learning_rate if tags else config.text_learning_rate,
        False: config.pretrain_learning_rate if tags else config.learning_rate,
    }
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            groups.setdefault((id(parameter) in of_text, parameter.dim() > 1), []).append(parameter)
    return [
        {
            "name": f"{'text' if text_part else 'rest'}{'' if decays else ', no decay'}",
            "params": parameters,
            "lr": rates[text_part],
            "weight_decay": config.weight_decay if decays else 0.0,
        }
        for (text_part, decays), parameters in groups.items()
    ]


def rate_factor(num_steps: int, config: TwinTowerConfig) -> Callable[[int], float]:
    """Return the share of the largest rate that a step uses: a linear rise, then a linear or cosine fall to 0."""
    rise = round(config.warm_up * num_steps)

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / (rise + 1)
        progress = (step - rise) / max(num_steps - rise, 1)
        return 1 - progress if config.decay == "linear" else 0.5 * (1 + math.cos(math.pi * progress))

    return factor
