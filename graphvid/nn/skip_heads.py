"""Heads that turn scores of clips into the probability that the user watches the video to its end."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from graphvid._checks import check_choice, check_ids, check_room, check_tensor
from graphvid._precision import at_least_float32
from graphvid.nn._shapes import check_width

Aggregate = Literal["mean_prob", "sigmoid_mean_logit", "official_sum_logit"]
_CLAMP = 1e-6


class CompletionHead(nn.Module):
    r"""The probability to complete a video from the scores of its clips, which all have the same weight.

    ========================== ============================================================================
    ``aggregate``              :math:`\hat y_{uv}`
    ========================== ============================================================================
    ``"mean_prob"``            :math:`\frac1{N_c} \sum_i \mathrm{sigmoid}(z_{uc_i})`, the paper's
    ``"sigmoid_mean_logit"``   :math:`\mathrm{sigmoid}(\frac1{N_c} \sum_i z_{uc_i})`
    ``"official_sum_logit"``   :math:`\mathrm{sigmoid}(\sum_i z_{uc_i})`, the released code's
    ========================== ============================================================================

    Parameters
    ----------
    aggregate : {"mean_prob", "sigmoid_mean_logit", "official_sum_logit"}, default "mean_prob"

    Raises
    ------
    ValueError
        Another choice.

    Examples
    --------
    >>> scores = torch.tensor([[0.0, 100.0]])
    >>> [round(CompletionHead(name).log_probability(scores).exp().item(), 2) for name in get_args(Aggregate)]
    [0.75, 1.0, 1.0]
    """

    def __init__(self, aggregate: Aggregate = "mean_prob") -> None:
        super().__init__()
        check_choice("aggregate", aggregate, get_args(Aggregate))
        self.aggregate = aggregate

    def forward(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logarithms of the probabilities to complete and to skip.

        Parameters
        ----------
        scores : Tensor, shape (num_pairs, num_clips)
            Logits :math:`z`.

        Returns
        -------
        log_complete, log_skip : Tensor, shape (num_pairs,)
            With ``"mean_prob"`` in [log 1e-6, log (1 - 1e-6)], so that the loss of a saturated mean stays finite.
        """
        scores = _float_scores(scores)
        if self.aggregate == "mean_prob":
            mean = torch.sigmoid(scores).mean(1).clamp(_CLAMP, 1 - _CLAMP)
            return mean.log(), torch.log1p(-mean)
        logit = scores.mean(1) if self.aggregate == "sigmoid_mean_logit" else scores.sum(1)
        return logsigmoid(logit), logsigmoid(-logit)

    def log_probability(self, scores: Tensor) -> Tensor:
        """Return the logarithm of the probability to complete, shape (num_pairs,)."""
        log_complete: Tensor = self(scores)[0]
        return log_complete


class SurvivalHead(nn.Module):
    r"""A hazard for every clip: the probability to leave at it, given that the user reaches it.

    .. math:: h_i = \mathrm{sigmoid}(-z_{uc_i} - b_{k,i}), \qquad S_i = \prod_{j<i} (1 - h_j)

    with a learned baseline :math:`b` for every position :math:`i` and duration bucket :math:`k`. A skip at clip
    :math:`k` has the likelihood :math:`S_k h_k`. A complete view has :math:`S_{N_c}`: it is censored, because the time at
    which the viewer would have left is unknown. Clips after a skip are unknown and give no term.

    Parameters
    ----------
    num_clips : int
        :math:`N_c`.
    num_buckets : int, default 1
        Duration buckets.

    Attributes
    ----------
    baseline : Parameter, shape (num_buckets, num_clips)
        :math:`b`, zeros at the start.

    Notes
    -----
    The computation uses sums of logarithms, not products of small numbers.

    Examples
    --------
    >>> head = SurvivalHead(2)
    >>> even = torch.zeros(3, 2)  # every clip loses half of those who reach it
    >>> head.log_likelihood(even, torch.tensor([0, 1, 2])).exp()
    tensor([0.5000, 0.2500, 0.2500], grad_fn=<ExpBackward0>)
    >>> head.drop_off(even[:1]).tolist(), head.expected_watch_ratio(even[:1]).tolist()
    ([[1.0, 0.5, 0.25]], [0.5625])
    """

    def __init__(self, num_clips: int, *, num_buckets: int = 1) -> None:
        super().__init__()
        check_width("num_clips", num_clips)
        check_room("num_buckets * num_clips", check_width("num_buckets", num_buckets), num_clips)
        self.baseline = nn.Parameter(torch.zeros(num_buckets, num_clips))

    def log_stay(self, scores: Tensor, bucket: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return :math:`\\log(1 - h_i)` and :math:`\\log h_i`, each of shape (num_pairs, num_clips).

        Parameters
        ----------
        scores : Tensor, shape (num_pairs, num_clips)
        bucket : Tensor of int64, shape (num_pairs,), optional
            Default: bucket 0.
        """
        scores = _float_scores(scores)
        num_buckets, num_clips = self.baseline.shape
        if scores.shape[1] != num_clips:
            raise ValueError(f"scores must have shape (num_pairs, {num_clips}), got {tuple(scores.shape)}")
        if bucket is not None:
            check_ids("bucket", bucket, num_buckets)
            if bucket.shape != scores.shape[:1]:
                raise ValueError(f"bucket must have shape ({len(scores)},), got {tuple(bucket.shape)}")
        logits = scores + (self.baseline[:1] if bucket is None else self.baseline.index_select(0, bucket))
        return logsigmoid(logits), logsigmoid(-logits)

    def log_likelihood(self, scores: Tensor, stop: Tensor, bucket: Tensor | None = None) -> Tensor:
        """Return the logarithm of the likelihood of each row, shape (num_pairs,).

        Parameters
        ----------
        scores, bucket
            See `log_stay`.
        stop : Tensor of int64, shape (num_pairs,)
            Clip of the skip, or ``num_clips`` for a complete view.
        """
        stay, leave = self.log_stay(scores, bucket)
        check_ids("stop", stop, scores.shape[1] + 1)
        if stop.shape != scores.shape[:1]:
            raise ValueError(f"stop must have shape ({len(scores)},), got {tuple(stop.shape)}")
        clip = torch.arange(scores.shape[1], device=scores.device)
        passed, left = clip < stop[:, None], clip == stop[:, None]
        return torch.where(passed, stay, torch.where(left, leave, 0.0)).sum(1)

    def log_probability(self, scores: Tensor, bucket: Tensor | None = None) -> Tensor:
        """Return :math:`\\log S_{N_c}`, the logarithm of the probability to complete, shape (num_pairs,)."""
        return self.log_stay(scores, bucket)[0].sum(1)

    def hazards(self, scores: Tensor, bucket: Tensor | None = None) -> Tensor:
        """Return :math:`h_i`, shape (num_pairs, num_clips)."""
        return self.log_stay(scores, bucket)[1].exp()

    def drop_off(self, scores: Tensor, bucket: Tensor | None = None) -> Tensor:
        """Return :math:`S_0 = 1, ..., S_{N_c}`, the probability to watch at the start of each clip and at the end.

        Shape (num_pairs, num_clips + 1), descending.
        """
        stay, _ = self.log_stay(scores, bucket)
        return torch.cat([torch.zeros_like(stay[:, :1]), stay.cumsum(1)], dim=1).exp()

    def expected_watch_ratio(self, scores: Tensor, bucket: Tensor | None = None) -> Tensor:
        """Return the expected watched share of the video, shape (num_pairs,), in (0, 1].

        :math:`\\sum_i S_i h_i (i + \\frac12) / N_c + S_{N_c}`: a user who leaves at a clip has watched half of it.
        """
        alive = self.drop_off(scores, bucket)
        num_clips = scores.shape[1]
        middle = (torch.arange(num_clips, device=scores.device) + 0.5) / num_clips
        return ((alive[:, :-1] - alive[:, 1:]) * middle).sum(1) + alive[:, -1]


def _float_scores(scores: Tensor) -> Tensor:
    """Return (num_pairs, num_clips) scores; half precision becomes float32, because its probabilities may round to 0."""
    check_tensor("scores", scores, floating=True)
    if scores.dim() != 2 or not scores.shape[1]:
        raise ValueError(
            f"scores must have shape (num_pairs, num_clips) with a clip at least, got {tuple(scores.shape)}"
        )
    return at_least_float32(scores)
