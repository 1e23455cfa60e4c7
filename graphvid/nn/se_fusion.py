"""Fusion of several modalities of a video into one vector with a gate on its columns (squeeze and excitation)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphvid.nn._shapes import check_width


class SEFusion(nn.Module):
    r"""Concatenate vectors, map them to one, and scale its columns by a gate computed from it.

    .. math:: h = \mathrm{relu}(W\, \mathrm{dropout}([x_1 \| x_2 \| \dots]) + b), \qquad
              y = h \odot \mathrm{sigmoid}(W_2\, \mathrm{relu}(W_1 h))

    Parameters
    ----------
    in_dims : sequence of int
        Columns of each modality.
    out_dim : int, default 256
    reduction : int, default 8
        The gate's hidden layer has ``out_dim // reduction`` columns, at least 1.
    dropout : float, default 0.2

    Notes
    -----
    :math:`W_1, W_2` have no bias and start He-normal. The result is never negative, so cosines of two results are in [0, 1].

    References
    ----------
    Hu, Shen and Sun, "Squeeze-and-Excitation Networks", CVPR 2018; ConcatDenseSE of the contest's baseline.

    Examples
    --------
    >>> y = SEFusion([3, 2], 16)([torch.randn(4, 3), torch.randn(4, 2)])
    >>> y.shape, bool((y >= 0).all())
    (torch.Size([4, 16]), True)
    """

    def __init__(self, in_dims: Sequence[int], out_dim: int = 256, *, reduction: int = 8, dropout: float = 0.2) -> None:
        super().__init__()
        if not in_dims:
            raise ValueError("in_dims must name one modality at least, got none")
        width = sum(check_width("in_dims", dim) for dim in in_dims)
        hidden = max(1, check_width("out_dim", out_dim) // check_width("reduction", reduction))
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(width, out_dim)
        self.squeeze = nn.Linear(out_dim, hidden, bias=False)
        self.excite = nn.Linear(hidden, out_dim, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Redraw the gate's weights."""
        for layer in (self.squeeze, self.excite):
            nn.init.kaiming_normal_(layer.weight)

    def forward(self, modalities: Sequence[Tensor]) -> Tensor:
        """Fuse tensors of shape (num_videos, in_dims[i]) to one of shape (num_videos, out_dim)."""
        hidden = torch.relu(self.dense(self.dropout(torch.cat(list(modalities), dim=1))))
        return hidden * torch.sigmoid(self.excite(torch.relu(self.squeeze(hidden))))
