"""Checks, weights and reduction for the losses on the scores of a positive and its negatives."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from graphvid._checks import check_choice, check_number, check_tensor
from graphvid._precision import at_least_float32

Reduction = Literal["mean", "sum", "none"]


def check_reduction(reduction: Reduction) -> Reduction:
    """Return ``reduction``; raise for an unknown one."""
    check_choice("reduction", reduction, get_args(Reduction))
    return reduction


def check_negative_weight(weight: float | None) -> float | None:
    """Return ``weight``; raise unless it is None or a finite number >= 0. 0 stays 0 and is not None."""
    return None if weight is None else check_number("negative_weight", weight, "None or a finite float >= 0", least=0)


def negative_scale(weight: float | None, num_negatives: int) -> float:
    """Return the factor of each negative: ``weight / num_negatives``, or 1 for a weight of None."""
    return 1.0 if weight is None else weight / num_negatives


def check_scores(positive_scores: Tensor, negative_scores: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the scores in float32 or float64; raise unless shapes and types fit together."""
    check_tensor("positive_scores", positive_scores)
    check_tensor("negative_scores", negative_scores)
    if positive_scores.dim() != 1 or negative_scores.dim() != 2 or len(positive_scores) != len(negative_scores):
        raise ValueError(
            "positive_scores and negative_scores must have shapes (batch,) and (batch, num_negatives), got "
            f"{tuple(positive_scores.shape)} and {tuple(negative_scores.shape)}"
        )
    if not negative_scores.shape[1]:
        raise ValueError("negative_scores must have at least one negative a row, got none")
    for name, scores in (("positive_scores", positive_scores), ("negative_scores", negative_scores)):
        if not scores.is_floating_point():
            raise TypeError(f"{name} must be floating point, got dtype {scores.dtype}")
    if mask is not None:
        check_tensor("mask", mask)
        if mask.dtype != torch.bool:
            raise TypeError(f"mask must be bool, True for the negatives that count, got dtype {mask.dtype}")
        if mask.shape != negative_scores.shape:
            raise ValueError(
                f"mask must have the shape of negative_scores, {tuple(negative_scores.shape)}, got {tuple(mask.shape)}"
            )
    return at_least_float32(positive_scores), at_least_float32(negative_scores)


def reduce(losses: Tensor, reduction: Reduction) -> Tensor:
    """Return the mean, the sum or all of the losses of the rows; mean and sum are 0 without a row."""
    if reduction == "none":
        return losses
    total = losses.sum()
    return total / max(len(losses), 1) if reduction == "mean" else total
