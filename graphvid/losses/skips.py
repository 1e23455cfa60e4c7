"""Losses on the clips of a view: on its end, on every clip that was seen, and on the order of passed and left clips."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from graphvid._checks import check_ids, check_integer, check_number, check_tensor
from graphvid._precision import at_least_float32


def completion_loss(log_complete: Tensor, log_skip: Tensor, complete: Tensor) -> Tensor:
    """Return the mean cross-entropy of complete views and skips.

    Parameters
    ----------
    log_complete, log_skip : Tensor, shape (num_views,)
        Logarithms of the predicted probabilities of the two; see `graphvid.nn.CompletionHead`.
    complete : Tensor of bool, shape (num_views,)
        Whether the view was complete.

    Returns
    -------
    Tensor, shape ()
        0 for no view.

    Examples
    --------
    >>> half = torch.tensor([0.5, 0.5]).log()
    >>> completion_loss(half, half, torch.tensor([True, False]))
    tensor(0.6931)
    """
    for name, values in (("log_complete", log_complete), ("log_skip", log_skip)):
        check_tensor(name, values, floating=True)
    check_tensor("complete", complete)
    if complete.dtype != torch.bool:
        raise TypeError(f"complete must be bool, got dtype {complete.dtype}")
    if complete.dim() != 1 or log_complete.shape != complete.shape or log_skip.shape != complete.shape:
        shapes = ", ".join(str(tuple(x.shape)) for x in (log_complete, log_skip, complete))
        raise ValueError(f"log_complete, log_skip and complete must have one shape (batch,), got {shapes}")
    log_complete, log_skip = at_least_float32(log_complete), at_least_float32(log_skip)
    return -torch.where(complete, log_complete, log_skip).sum() / max(len(complete), 1)


def observed_clip_loss(scores: Tensor, stop: Tensor, *, positive_weight: float = 0.3) -> Tensor:
    r"""Return the point-wise loss of the released code, in which every clip that was seen has a label.

    The clips before a skip are positive, the clip of the skip is negative, all clips of a complete view are positive.

    .. math::
        \frac{1}{|\mathrm{seen}|} \Bigl(\sum_{+} \lambda\, w_v\, \mathrm{softplus}(-z) + \sum_{-} \mathrm{softplus}(z)\Bigr)

    Parameters
    ----------
    scores : Tensor, shape (num_views, num_clips)
        Logits :math:`z`; a large one means that the user stays.
    stop : Tensor of int64, shape (num_views,)
        Clip of the skip, or ``num_clips`` for a complete view.
    positive_weight : float, default 0.3
        :math:`\lambda`; default: as in the released code. :math:`w_v` is the share of the clips that were passed.

    Returns
    -------
    Tensor, shape ()
        0 for no view.

    Examples
    --------
    >>> observed_clip_loss(torch.zeros(1, 2), torch.tensor([1])).item() / 0.6931471806  # (0.3 / 2 + 1) / 2
    0.575...
    """
    scores = _check_views(scores, stop)
    positive_weight = check_number("positive_weight", positive_weight, "a finite float >= 0", least=0)
    num_clips = scores.shape[1]
    clip = torch.arange(num_clips, device=scores.device)
    passed, left = clip < stop[:, None], clip == stop[:, None]
    weight = passed * (positive_weight / num_clips * stop[:, None]) + left.to(scores.dtype)
    loss = binary_cross_entropy_with_logits(scores, passed.to(scores.dtype), weight=weight, reduction="sum")
    return loss / max(int((passed | left).sum()), 1)


def clip_order_loss(scores: Tensor, stop: Tensor) -> Tensor:
    """Return the pair-wise loss inside a view: each passed clip should score above the clip of the skip.

    It is the mean of ``softplus(-(z_passed - z_left))`` over all such pairs.

    Parameters
    ----------
    scores, stop
        See `observed_clip_loss`.

    Returns
    -------
    Tensor, shape ()
        0 without such a pair: complete views and skips in the first clip have none.

    Examples
    --------
    >>> clip_order_loss(torch.tensor([[5.0, 5.0, 9.0]]), torch.tensor([1]))
    tensor(0.6931)
    """
    scores = _check_views(scores, stop)
    num_clips = scores.shape[1]
    clip = torch.arange(num_clips, device=scores.device)
    passed = (clip < stop[:, None]) & (stop < num_clips)[:, None]
    left = scores.gather(1, stop.clamp(max=num_clips - 1)[:, None])
    return (-logsigmoid(scores - left) * passed).sum() / max(int(passed.sum()), 1)


def cross_view_loss(scores: Tensor, stop: Tensor, *, limit: int = 200) -> Tensor:
    """Return the pair-wise loss of the released code: positive above negative clips, across all views of the batch.

    It is the mean of ``softplus(-(sigmoid(z_+) - sigmoid(z_-)))`` over the first ``limit`` positive and the first
    ``limit`` negative clips in the order of the batch.

    Parameters
    ----------
    scores, stop
        See `observed_clip_loss`, which also defines positive and negative clips.
    limit : int, default 200
        Default: as in the released code.

    Returns
    -------
    Tensor, shape ()
        0 without a positive or without a negative clip.

    Examples
    --------
    >>> cross_view_loss(torch.zeros(2, 2), torch.tensor([2, 0]))
    tensor(0.6931)
    """
    scores = _check_views(scores, stop)
    check_integer("limit", limit, 1)
    clip = torch.arange(scores.shape[1], device=scores.device)
    probability = torch.sigmoid(scores)
    positive = probability[clip < stop[:, None]][:limit]
    negative = probability[clip == stop[:, None]][:limit]
    return -logsigmoid(positive[:, None] - negative).sum() / max(len(positive) * len(negative), 1)


def _check_views(scores: Tensor, stop: Tensor) -> Tensor:
    """Return the scores in at least float32; raise unless each row has a clip in [0, num_clips] at which it stopped."""
    check_tensor("scores", scores, floating=True)
    if scores.dim() != 2 or not scores.shape[1]:
        raise ValueError(f"scores must have shape (batch, num_clips) with a clip at least, got {tuple(scores.shape)}")
    check_ids("stop", stop, scores.shape[1] + 1)
    if stop.shape != scores.shape[:1]:
        raise ValueError(f"stop must have shape ({len(scores)},), one value a row of scores, got {tuple(stop.shape)}")
    return at_least_float32(scores)
