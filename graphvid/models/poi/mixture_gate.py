"""The gate that learns the shares of a network and of kinds of counts in a mixture."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from graphvid.models.poi.visit_lists import VisitLists

_NETWORK_SHARE, _DECAY = 0.3, -4.0


class MixtureGate(nn.Module):
    r"""Compute the shares of every request from its context and from the number of visits counted.

    .. math:: a = \operatorname{softmax}(W c + b + \gamma \odot \log(1 + n)), \qquad
        \omega_i \propto \exp(-\operatorname{softplus}(\delta_k)\, t_i)

    with :math:`c` the context, :math:`n` the counts (none for the network, the first share), and :math:`\omega_i` the
    weight of a member of list k of age :math:`t_i`.

    Parameters
    ----------
    context_dim : int
        Columns of the context.
    num_lists, num_tables : int
        Kinds of counts, the lists first; see `VisitCounts`.
    """

    def __init__(self, context_dim: int, num_lists: int, num_tables: int) -> None:
        super().__init__()
        self.of_context = nn.Linear(context_dim, 1 + num_lists + num_tables)
        self.of_amount = nn.Parameter(torch.zeros(num_lists + num_tables))
        self.decay = nn.Parameter(torch.full((num_lists,), _DECAY))

    @torch.no_grad()
    def start_at(self, mixture: Tensor) -> None:
        """Set the initial shares: 0.3 for the network; a mixture of counts, shape (num_parts,), gets the rest."""
        shares = (1 - _NETWORK_SHARE) * mixture.clamp(min=1e-3)
        nn.init.zeros_(self.of_context.weight)
        self.of_context.bias.copy_(torch.log(torch.cat([torch.tensor([_NETWORK_SHARE]), shares])))

    def forward(self, context: Tensor, amounts: Tensor) -> Tensor:
        """Return the shares, (num_requests, 1 + num_parts); a part without counted visits has share 0.

        Parameters
        ----------
        context : Tensor, shape (num_requests, context_dim)
        amounts : Tensor, shape (num_requests, num_parts)
        """
        more = pad(self.of_amount * torch.log1p(amounts), (1, 0))
        empty = pad(amounts == 0, (1, 0))
        return torch.softmax((self.of_context(context) + more).masked_fill(empty, -torch.inf), dim=1)

    def member_weights(self, lists: VisitLists) -> Tensor:
        """Return the weight of every member of every list. It falls with age; the weights of a list sum to 1."""
        rate = softplus(self.decay)
        weight = torch.exp(-rate[lists.segment % len(rate)] * lists.age)
        total = weight.new_zeros(lists.counts.numel()).index_add(0, lists.segment, weight)
        return weight / total[lists.segment]
