"""GraphSAGE: a layer on a node's own features and the mean or maximum of its neighbours' features."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor, nn

from graphvid._checks import check_choice, check_tensor
from graphvid.nn._shapes import check_adjacency, check_shape, check_width
from graphvid.ops import Adjacency

SageReduce = Literal["mean", "max"]


class SAGEConv(nn.Module):
    r"""Add a linear map of each node and a linear map of the messages of its in-neighbours.

    .. math:: y_v = W_\text{self} x_v + W_\text{neigh} \operatorname{reduce}_{e: dst(e) = v} a_e x_{src(e)} + b

    with :math:`a_e` from ``adjacency``: 1 without weights and norm, which is the layer of the paper. The layer has no
    activation and no normalisation; add them after it.

    Parameters
    ----------
    in_dim : int or (int, int)
        Columns of the features, at least 1; a pair for sources and destinations of different width.
    out_dim : int
        Columns of the result, at least 1.
    reduce : {"mean", "max"}, default "mean"
        The mean divides by the number of in-edges, for any weights. The maximum is entry by entry over the messages without a
        further layer; you may put the fully connected layer of the paper's pooling before it.
    bias : bool, default True
        Whether the layer has :math:`b`.

    Attributes
    ----------
    fc_self, fc_neigh : Linear
        :math:`W_\text{self}` with :math:`b`, and :math:`W_\text{neigh}`. The matrices are Xavier uniform with the gain of
        ReLU at the start, the bias is as in `torch.nn.Linear`, from PyTorch's global generator.

    Raises
    ------
    ValueError
        A width is not an integer of at least 1 or ``reduce`` is unknown.

    Notes
    -----
    A mean commutes with the linear map, so with ``out_dim`` below the width of the sources the map comes first and every
    edge carries ``out_dim`` numbers; a maximum does not commute. O(num_edges * width) time for the messages. Weights and
    their start are those of `dgl.nn.SAGEConv` with ``"mean"``, which loads the same ``state_dict``.

    References
    ----------
    Hamilton, Ying and Leskovec, Inductive Representation Learning on Large Graphs, NeurIPS 2017, algorithm 1; the
    concatenation before its matrix is the sum of two products here.

    Examples
    --------
    >>> import torch
    >>> adjacency = Adjacency.from_coo(torch.tensor([1, 2]), torch.tensor([0, 0]), num_src=3, num_dst=1)
    >>> layer = SAGEConv(1, 1, bias=False)
    >>> _ = nn.init.constant_(layer.fc_self.weight, 100.0), nn.init.ones_(layer.fc_neigh.weight)
    >>> layer(adjacency, torch.tensor([[1.0], [2.0], [4.0]])).tolist()
    [[103.0]]
    """

    def __init__(
        self, in_dim: int | tuple[int, int], out_dim: int, *, reduce: SageReduce = "mean", bias: bool = True
    ) -> None:
        super().__init__()
        self.in_src, self.in_dst = in_dim if isinstance(in_dim, tuple) else (in_dim, in_dim)
        for name, value in (("in_dim", self.in_src), ("in_dim", self.in_dst), ("out_dim", out_dim)):
            check_width(name, value)
        check_choice("reduce", reduce, get_args(SageReduce))
        self.out_dim, self.reduce = out_dim, reduce
        self.fc_neigh = nn.Linear(self.in_src, out_dim, bias=False)
        self.fc_self = nn.Linear(self.in_dst, out_dim, bias=bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Redraw the weights and the bias."""
        self.fc_self.reset_parameters()  # the bias
        for layer in (self.fc_self, self.fc_neigh):
            nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain("relu"))

    def forward(self, adjacency: Adjacency, x: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """Compute the layer.

        Parameters
        ----------
        adjacency : Adjacency
            The relation of the messages.
        x : Tensor, shape (num_src, width), or pair of Tensor
            A pair ``(x_src, x_dst)`` has the features of the two sides, shape (num_src, in_dim) and (num_dst, in_dim).
            One tensor has the features of the sources, and its first ``num_dst`` rows are the destinations, as in a block.
            This is correct for a graph of one node type and for a block; a relation between two types needs a pair.

        Returns
        -------
        Tensor, shape (num_dst, out_dim)
            A destination without an edge gets :math:`W_\\text{self} x_v + b`.

        Raises
        ------
        ValueError, TypeError
            Another shape, one tensor with ``num_dst > num_src``, or as `Adjacency.spmm` raises.
        """
        check_adjacency("adjacency", adjacency)
        x_src, x_dst = x if isinstance(x, tuple) else (x, self._first_rows(adjacency, x))
        check_shape("x_src", x_src, (adjacency.num_src, self.in_src), "(num_src, in_dim)")
        check_shape("x_dst", x_dst, (adjacency.num_dst, self.in_dst), "(num_dst, in_dim)")
        if self.reduce == "mean" and self.out_dim < self.in_src:
            neighbours = adjacency.spmm(self.fc_neigh(x_src), reduce="mean")
        else:
            neighbours = self.fc_neigh(adjacency.spmm(x_src, reduce=self.reduce))
        result: Tensor = self.fc_self(x_dst) + neighbours
        return result

    def _first_rows(self, adjacency: Adjacency, x: Tensor) -> Tensor:
        check_tensor("x", x, floating=True)
        if adjacency.num_dst > adjacency.num_src:
            raise ValueError(
                "x must be a pair (x_src, x_dst) when num_dst > num_src, got one tensor with "
                f"num_src={adjacency.num_src} and num_dst={adjacency.num_dst}"
            )
        return x[: adjacency.num_dst]

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"({self.in_src}, {self.in_dst}), {self.out_dim}, reduce={self.reduce!r}"
