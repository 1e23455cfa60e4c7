"""Losses on the agreement of feature maps: of a clip and its transform, and of a clip and its reversal."""

from __future__ import annotations

from torch import Tensor

from graphvid._checks import check_number, check_tensor
from graphvid._precision import at_least_float32


def map_consistency(
    first: Tensor, second: Tensor, *, channel_weight: float = 1.0, spatial_weight: float = 10.0
) -> Tensor:
    r"""Return the difference of two sets of feature maps: of their values, their channel maxima and their channel means.

    .. math:: L = \operatorname{mean} (A - B)^2
        + \alpha \operatorname{mean}_C (\max_{thw} A - \max_{thw} B)^2
        + \beta \operatorname{mean}_{thw} (\operatorname{mean}_C A - \operatorname{mean}_C B)^2

    with :math:`\alpha, \beta` = ``channel_weight``, ``spatial_weight``. A is the map of a clip with the transform applied
    to the map, B the map of the transformed clip.

    Parameters
    ----------
    first, second : Tensor, shape (batch, channels, time, height, width)
        Maps that should agree, A and B.
    channel_weight, spatial_weight : float
        Weights of the second and third term, >= 0.

    Returns
    -------
    Tensor
        A scalar, the mean over the batch. A constant map minimises it, so use it together with a contrastive loss.

    Raises
    ------
    TypeError, ValueError
        Shapes differ, or a weight is negative.

    References
    ----------
    Wang et al., "Self-supervised learning using consistency regularization of spatio-temporal data augmentation for
    action recognition", arXiv 2008.02086.

    Examples
    --------
    >>> import torch
    >>> a = torch.zeros(1, 2, 1, 2, 2)
    >>> map_consistency(a, a + 1.0)
    tensor(12.)
    """
    first, second = _check_maps(first, second)
    channel = check_number("channel_weight", channel_weight, "a finite float >= 0", least=0)
    spatial = check_number("spatial_weight", spatial_weight, "a finite float >= 0", least=0)
    difference = first - second
    loss = difference.square().mean()
    if channel:
        loss = loss + channel * (first.amax(dim=(2, 3, 4)) - second.amax(dim=(2, 3, 4))).square().mean()
    if spatial:
        loss = loss + spatial * difference.mean(dim=1).square().mean()
    return loss


def flip_consistency(forward: Tensor, reversed_: Tensor) -> Tensor:
    """Return the mean squared difference over time between the map of a clip and the re-reversed map of its reversal.

    Parameters
    ----------
    forward, reversed_ : Tensor, shape (batch, channels, time, height, width)
        Maps of clips, and of the same clips with their frames in reverse.

    Returns
    -------
    Tensor
        A scalar. Both maps are averaged over height and width, and the second is flipped along time. If it is 0, a pooled
        vector does not depend on the direction of time.

    Raises
    ------
    TypeError, ValueError
        Shapes differ.

    References
    ----------
    Wang et al., "Removing the Background by Adding the Background", arXiv 2009.05769, first version.

    Examples
    --------
    >>> import torch
    >>> rising = torch.arange(3.0).reshape(1, 1, 3, 1, 1)
    >>> flip_consistency(rising, rising.flip(2)), flip_consistency(rising, rising)
    (tensor(0.), tensor(2.6667))
    """
    forward, reversed_ = _check_maps(forward, reversed_, names=("forward", "reversed_"))
    return (forward.mean(dim=(3, 4)) - reversed_.mean(dim=(3, 4)).flip(2)).square().mean()


def _check_maps(first: Tensor, second: Tensor, names: tuple[str, str] = ("first", "second")) -> tuple[Tensor, Tensor]:
    for name, maps in zip(names, (first, second), strict=True):
        check_tensor(name, maps, floating=True)
    if first.dim() != 5 or first.shape != second.shape:
        raise ValueError(
            f"{names[0]} and {names[1]} must have one shape (batch, channels, time, height, width), got "
            f"{tuple(first.shape)} and {tuple(second.shape)}"
        )
    return at_least_float32(first), at_least_float32(second)
