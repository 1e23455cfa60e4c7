"""Embedding of a check-in as one vector, from its place, area, hour and weekday."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphvid.nn._shapes import check_width


class CheckInEmbedding(nn.Module):
    r"""Map check-ins to :math:`x = W [e_{poi}; e_{area}; e_{hour}; e_{weekday}] + b`.

    Parameters
    ----------
    num_pois, num_areas, num_hours : int
        Sizes; the place ``num_pois`` represents every unknown one. ``num_areas`` may be 0.
    dim : int
        Columns of the embeddings and of the result, at least 1.

    Attributes
    ----------
    poi, area, hour, weekday : Embedding
        Normal with deviation 0.1. An area, hour or weekday of -1 is zeros.
    project : Linear
        :math:`W` and :math:`b`.

    Examples
    --------
    >>> layer = CheckInEmbedding(num_pois=5, num_areas=2, num_hours=24, dim=8)
    >>> poi, area, hour, weekday = torch.tensor([[0, 5], [1, -1], [23, -1], [6, -1]])
    >>> layer(poi, area, hour, weekday).shape
    torch.Size([2, 8])
    """

    def __init__(self, num_pois: int, num_areas: int, num_hours: int, dim: int) -> None:
        super().__init__()
        check_width("num_pois", num_pois)
        check_width("num_hours", num_hours)
        check_width("dim", dim)
        self.poi = nn.Embedding(num_pois + 1, dim)
        self.area, self.hour, self.weekday = (
            nn.Embedding(size + 1, dim, padding_idx=0) for size in (num_areas, num_hours, 7)
        )
        self.project = nn.Linear(4 * dim, dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial weights from PyTorch's global generator."""
        for table in (self.poi, self.area, self.hour, self.weekday):
            nn.init.normal_(table.weight, std=0.1)
            if table.padding_idx is not None:
                nn.init.zeros_(table.weight.data[table.padding_idx])
        self.project.reset_parameters()

    def forward(self, poi: Tensor, area: Tensor, hour: Tensor, weekday: Tensor) -> Tensor:
        """Compute the vectors.

        Parameters
        ----------
        poi : Tensor of int64, shape (num_check_ins,)
            In ``[0, num_pois]``.
        area, hour, weekday : Tensor of int64, shape (num_check_ins,)
            Numbers from 0, or -1 for none.

        Returns
        -------
        Tensor, shape (num_check_ins, dim)
        """
        parts = [self.poi(poi), self.area(area + 1), self.hour(hour + 1), self.weekday(weekday + 1)]
        return self.project(torch.cat(parts, dim=1))  # type: ignore[no-any-return]
