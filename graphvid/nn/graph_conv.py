"""Graph convolution: a weighted sum over the neighbours and one linear map."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from graphvid.nn._shapes import check_adjacency, check_shape, check_width
from graphvid.ops import Adjacency


class GraphConv(nn.Module):
    r"""Multiply the features by the adjacency and by one matrix.

    .. math:: Y = \sigma(A X W + b)

    with :math:`A` = ``adjacency`` with its edge weights and its norm, :math:`X` = ``x``, and :math:`W`, :math:`b`,
    :math:`\sigma` = ``weight``, ``bias``, ``activation``. The adjacency defines the norm: with ``norm="both"`` and self-loops
    this is the layer of Kipf and Welling.

    Parameters
    ----------
    in_dim, out_dim : int
        Columns of the features and of the result, at least 1.
    bias : bool, default True
        Whether the layer has :math:`b`.
    activation : callable of Tensor to Tensor, optional
        Default: none, so that a loss or another relation may follow.

    Attributes
    ----------
    weight : Parameter, shape (in_dim, out_dim)
        Xavier uniform at the start, from PyTorch's global generator.
    bias : Parameter, shape (out_dim,), or None
        Zeros at the start.

    Raises
    ------
    ValueError
        A width is not an integer of at least 1.

    Notes
    -----
    The product is taken as :math:`A (X W)` if ``out_dim < in_dim`` and as :math:`(A X) W` otherwise, so that every edge
    carries ``min(in_dim, out_dim)`` numbers: O(num_edges * min(in_dim, out_dim)) time for the messages. Weights and
    their start are those of `dgl.nn.GraphConv`, which loads the same ``state_dict``.

    References
    ----------
    Kipf and Welling, Semi-Supervised Classification with Graph Convolutional Networks, ICLR 2017, eq. 2.

    Examples
    --------
    >>> adjacency = Adjacency.from_coo(torch.tensor([0, 1]), torch.tensor([2, 2]), num_src=3, num_dst=3, norm="right")
    >>> layer = GraphConv(1, 1)
    >>> _ = nn.init.constant_(layer.weight, 10.0)
    >>> layer(adjacency, torch.tensor([[1.0], [2.0], [5.0]])).tolist()
    [[0.0], [0.0], [15.0]]
    """

    def __init__(
        self, in_dim: int, out_dim: int, *, bias: bool = True, activation: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__()
        self.in_dim, self.out_dim = check_width("in_dim", in_dim), check_width("out_dim", out_dim)
        self.weight = nn.Parameter(torch.empty(in_dim, out_dim))
        self.bias = nn.Parameter(torch.empty(out_dim)) if bias else None
        self.activation = activation
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Redraw the weight and set the bias to zero."""
        nn.init.xavier_uniform_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, adjacency: Adjacency, x: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """Compute the layer.

        Parameters
        ----------
        adjacency : Adjacency
            The relation of the messages.
        x : Tensor, shape (num_src, in_dim), or pair of Tensor
            Features of the sources, of the dtype of the weight. From a pair ``(x_src, x_dst)`` the layer reads the first, so
            that `HeteroConv` can use it.

        Returns
        -------
        Tensor, shape (num_dst, out_dim)
            A destination without an edge gets :math:`\\sigma(b)`.

        Raises
        ------
        ValueError, TypeError
            ``x`` has another shape, or as `Adjacency.spmm` raises.
        """
        check_adjacency("adjacency", adjacency)
        x = x[0] if isinstance(x, tuple) else x
        check_shape("x", x, (adjacency.num_src, self.in_dim), "(num_src, in_dim)")
        if self.out_dim < self.in_dim:
            y = adjacency.spmm(x @ self.weight)
        else:
            y = adjacency.spmm(x) @ self.weight
        y = y if self.bias is None else y + self.bias
        return y if self.activation is None else self.activation(y)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"{self.in_dim}, {self.out_dim}, bias={self.bias is not None}"
