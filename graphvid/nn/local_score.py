"""A small network with bounded weights that computes a score of each candidate from a few features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphvid.nn._shapes import check_width


class LocalScore(nn.Module):
    r"""Score candidates from features, such as context, type and prior: :math:`f(x) = W_2 \max(0, W_1 x + b_1) + b_2`.

    Parameters
    ----------
    num_features : int
        Columns of the input; three in the paper.
    hidden : int, default 100
        Width of the hidden layer, the paper's.
    max_norm : float, optional
        Largest Frobenius norm of each weight matrix after `shorten`: 1 in deep-ed, 100 in mulrel-nel. Default: no bound.
    dropout : float, default 0
        Share of hidden units that training sets to zero.

    Raises
    ------
    ValueError
        A width below 1, or a norm or share out of range.

    References
    ----------
    Ganea and Hofmann, EMNLP 2017, section 4; Chen et al., AAAI 2020, section 4.

    Examples
    --------
    >>> LocalScore(3)(torch.zeros(5, 3)).shape
    torch.Size([5])
    """

    def __init__(
        self, num_features: int, hidden: int = 100, *, max_norm: float | None = None, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if max_norm is not None and not 0 < max_norm < float("inf"):
            raise ValueError(f"max_norm must be None or a finite number > 0, got {max_norm}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}")
        self.num_features, self.max_norm = check_width("num_features", num_features), max_norm
        self.first = nn.Linear(num_features, check_width("hidden", hidden))
        self.dropout = nn.Dropout(dropout)
        self.second = nn.Linear(hidden, 1)
        self.shorten()

    def forward(self, features: Tensor) -> Tensor:
        """Return the scores, shape (num_candidates,), of ``features``, shape (num_candidates, num_features)."""
        if features.dim() != 2 or features.shape[1] != self.num_features:
            raise ValueError(
                f"features must have shape (num_candidates, {self.num_features}), got {tuple(features.shape)}"
            )
        scores: Tensor = self.second(self.dropout(torch.relu(self.first(features))))[:, 0]
        return scores

    @torch.no_grad()
    def shorten(self) -> None:
        """Scale each weight matrix with a norm above ``max_norm`` down to it; call it after every step."""
        if self.max_norm is None:
            return
        for layer in (self.first, self.second):
            norm = torch.linalg.vector_norm(layer.weight)
            if norm > self.max_norm:
                layer.weight *= self.max_norm / norm
