"""A standardisation layer, so that an encoder stores the statistics of its training features with its weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphvid._checks import check_tensor
from graphvid.nn._shapes import check_width


class Standardize(nn.Module):
    r"""Shift and scale every column: :math:`(x - \mu) / \sigma`.

    The statistics are buffers: they are saved and moved with the weights, and no optimiser changes them. They start as
    the identity (mean 0, scale 1); `graphvid.data.Standardizer` fits them on training rows.

    Parameters
    ----------
    dim : int
        Number of columns.

    Examples
    --------
    >>> layer = Standardize(2).set(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    >>> layer(torch.tensor([[2.0, 6.0]]))
    tensor([[1., 1.]])
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        dim = check_width("dim", dim)
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

    def set(self, mean: Tensor, scale: Tensor) -> Standardize:
        """Set the statistics of the training rows.

        Parameters
        ----------
        mean, scale : Tensor
            Shape ``(dim,)``; ``scale`` must be positive.

        Raises
        ------
        ValueError
            Another shape, or a scale that is not a positive finite number.
        """
        for name, value in (("mean", mean), ("scale", scale)):
            check_tensor(name, value, floating=True)
            if value.shape != self.mean.shape:
                raise ValueError(f"{name} must have shape {tuple(self.mean.shape)}, got {tuple(value.shape)}")
        if not bool(torch.isfinite(mean).all()):
            raise ValueError(f"mean must be finite, got {mean.min().item()} to {mean.max().item()}")
        if not bool(((scale > 0) & torch.isfinite(scale)).all()):
            raise ValueError(f"scale must be positive and finite, got {scale.min().item()} to {scale.max().item()}")
        self.mean.copy_(mean)
        self.scale.copy_(scale)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return standardised rows of shape ``(..., dim)``."""
        check_tensor("x", x)
        if not x.dim() or x.shape[-1] != len(self.mean):
            raise ValueError(f"x must have shape (..., {len(self.mean)}), got {tuple(x.shape)}")
        return (x - self.mean).div_(self.scale)  # in place: rows of features can be large
