"""A layer that returns the states of nodes after every round of messages, as levels of detail."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from graphvid.nn._shapes import check_width
from graphvid.nn.graph_conv import GraphConv
from graphvid.ops import Adjacency


class GraphDepth(nn.Module):
    """Return the states of the nodes after 0, 1, ..., ``num_hops`` rounds of `GraphConv` with ReLU between.

    Pooled level by level in `PyramidHybridPooling`, near and far parts of a graph both count ("jumping knowledge").

    Parameters
    ----------
    in_dim, dim : int
        Columns of the features, and of the states after a round.
    num_hops : int, default 2

    Attributes
    ----------
    dims : list of int
        Columns of the levels: ``[in_dim, dim, ..., dim]``.

    Raises
    ------
    ValueError
        A number is not an integer of at least 1.

    References
    ----------
    Xu et al., Representation Learning on Graphs with Jumping Knowledge Networks, ICML 2018.

    Examples
    --------
    >>> adjacency = Adjacency.from_coo(torch.tensor([0, 1]), torch.tensor([1, 0]), num_src=2, num_dst=2, norm="right")
    >>> [tuple(level.shape) for level in GraphDepth(3, 4)(adjacency, torch.randn(2, 3))]
    [(2, 3), (2, 4), (2, 4)]
    """

    def __init__(self, in_dim: int, dim: int, num_hops: int = 2) -> None:
        super().__init__()
        check_width("num_hops", num_hops)
        self.dims = [check_width("in_dim", in_dim), *[check_width("dim", dim)] * num_hops]
        self.layers = nn.ModuleList(
            GraphConv(before, after) for before, after in zip(self.dims, self.dims[1:], strict=False)
        )

    def forward(self, adjacency: Adjacency, x: Tensor) -> list[Tensor]:
        """Return the levels.

        Parameters
        ----------
        adjacency : Adjacency
            From the nodes to themselves.
        x : Tensor, shape (num_nodes, in_dim)

        Returns
        -------
        list of Tensor, shape (num_nodes, dims[l])
        """
        levels = [x]
        for layer in self.layers:
            levels.append(torch.relu(cast(Tensor, layer(adjacency, levels[-1]))))
        return levels
