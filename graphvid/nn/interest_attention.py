"""Attention of a request over its interests: a softmax over its edges."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from graphvid.nn._shapes import check_shape, check_width
from graphvid.ops import Adjacency


class Attended(NamedTuple):
    """Result of attention.

    Parameters
    ----------
    states : Tensor, shape (num_requests, dim)
        Weighted sums.
    weights : Tensor, shape (num_edges,)
        Attention of every edge; those of a request sum to 1.
    """

    states: Tensor
    weights: Tensor


class InterestAttention(nn.Module):
    r"""Sum the interests of every request, with attention weights from the context of the request.

    .. math:: a_{rk} = \operatorname{softmax}_k \left( w \cdot \tanh(W_1 z_k + W_2 c_r) \right), \qquad
        h_r = \sum_k a_{rk} z_k

    An interest that is empty has no edge, so nothing is masked. A request without an edge has a learned vector.

    Parameters
    ----------
    dim, context_dim : int
        Columns of the interests and of the requests' context, at least 1.

    Attributes
    ----------
    of_interest, of_context : Linear
        :math:`W_1`, with a bias, and :math:`W_2`.
    score : Parameter of shape (dim,)
        :math:`w`.
    default : Parameter of shape (dim,)
        The state of a request without an edge; zeros at first.

    Examples
    --------
    >>> edges = Adjacency.from_rows(torch.tensor([0, 2, 2]), torch.tensor([0, 2]), num_src=3)
    >>> states, weights = InterestAttention(4, 5)(edges, torch.randn(3, 4), torch.randn(2, 5))
    >>> states.shape, round(weights.sum().item(), 4)
    (torch.Size([2, 4]), 1.0)
    """

    def __init__(self, dim: int, context_dim: int) -> None:
        super().__init__()
        self.dim, self.context_dim = check_width("dim", dim), check_width("context_dim", context_dim)
        self.of_interest = nn.Linear(dim, dim)
        self.of_context = nn.Linear(context_dim, dim, bias=False)
        self.score = nn.Parameter(torch.empty(dim))
        self.default = nn.Parameter(torch.zeros(dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial weights from PyTorch's global generator."""
        self.of_interest.reset_parameters()
        self.of_context.reset_parameters()
        nn.init.normal_(self.score, std=self.dim**-0.5)
        nn.init.zeros_(self.default)

    def forward(self, edges: Adjacency, interests: Tensor, context: Tensor) -> Attended:
        """Compute the states of the requests.

        Parameters
        ----------
        edges : Adjacency
            From the interests to the requests that have them, grouped by request, without weights.
        interests : Tensor, shape (edges.num_src, dim)
            States of the interests.
        context : Tensor, shape (edges.num_dst, context_dim)
            Context of each request.

        Returns
        -------
        Attended
        """
        check_shape("interests", interests, (edges.num_src, self.dim), "(edges.num_src, dim)")
        check_shape("context", context, (edges.num_dst, self.context_dim), "(edges.num_dst, context_dim)")
        keys = torch.tanh(edges.sddmm(self.of_interest(interests), self.of_context(context), op="add"))
        weights = edges.edge_softmax(keys @ self.score)
        states = edges.spmm(interests, weights)
        alone = edges.degrees() == 0
        return Attended(torch.where(alone[:, None], self.default, states), weights)
