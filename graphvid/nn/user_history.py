"""One vector for the history of a user, by message passing from items to users."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from graphvid._checks import check_choice
from graphvid.nn._shapes import check_adjacency, check_shape, check_width
from graphvid.ops import Adjacency

Aggregator = Literal["mean", "self_attention", "user_attention"]


class UserHistory(nn.Module):
    r"""Map the items of every history to :math:`V p_u`, with :math:`p_u` a mean of them.

    .. math:: p_u = \sum_{j \in H_u} a_j e_j, \qquad k_j = \tanh(W e_j + b), \qquad
        a_j = \begin{cases} 1 / |H_u| & \text{mean} \\ \operatorname{softmax}_j(q \cdot k_j) & \text{self-attention} \\
        \operatorname{softmax}_j(e_u \cdot k_j) & \text{user attention} \end{cases}

    An empty history gives zeros.

    Parameters
    ----------
    dim : int
        Columns of items and users, at least 1.
    aggregator : {"mean", "self_attention", "user_attention"}, default "mean"
        Kind of the weights.
    padded_length : int, optional
        Add ``padded_length - |H_u|`` times ``exp(0)`` to the denominator of the softmax, as in the authors' code, whose padding
        has score zero; this shrinks the vectors of short histories. Default: padding does not count.

    Attributes
    ----------
    project : Linear
        :math:`V`, Xavier normal, without bias.
    key : Linear or None
        :math:`W` and :math:`b`, Xavier normal and zeros; only with attention.
    query : Parameter of shape (dim,) or None
        :math:`q`, normal with deviation :math:`\sqrt{2 / (1 + dim)}`; only with self-attention.

    Raises
    ------
    ValueError
        A width or a length below 1, an unknown aggregator, or a padded length without attention.

    Notes
    -----
    The key of an item is computed once, also if it is in several histories. O(num_edges * dim) time, and two products of
    dim x dim for each node.

    References
    ----------
    Mao et al., "SimpleX: A Simple and Strong Baseline for Collaborative Filtering", CIKM 2021, section 4.1.

    Examples
    --------
    >>> histories = Adjacency.from_rows(torch.tensor([0, 2, 3]), torch.tensor([0, 1, 1]), num_src=2)
    >>> layer = UserHistory(2)
    >>> layer.project.weight.data.copy_(torch.eye(2))
    tensor([[1., 0.],
            [0., 1.]])
    >>> layer(histories, torch.tensor([[1.0, 0.0], [0.0, 1.0]])).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """

    def __init__(self, dim: int, aggregator: Aggregator = "mean", *, padded_length: int | None = None) -> None:
        super().__init__()
        check_width("dim", dim)
        check_choice("aggregator", aggregator, get_args(Aggregator))
        if padded_length is not None:
            check_width("padded_length", padded_length)
            if aggregator == "mean":
                raise ValueError("padded_length must be None with aggregator 'mean', which has no softmax to pad")
        self.dim, self.aggregator, self.padded_length = dim, aggregator, padded_length
        self.project = nn.Linear(dim, dim, bias=False)
        self.key = nn.Linear(dim, dim) if aggregator != "mean" else None
        self.query = nn.Parameter(torch.empty(dim)) if aggregator == "self_attention" else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial weights from PyTorch's global generator."""
        nn.init.xavier_normal_(self.project.weight)
        if self.key is not None:
            nn.init.xavier_normal_(self.key.weight)
            nn.init.zeros_(self.key.bias)
        if self.query is not None:
            nn.init.xavier_normal_(self.query.data[None])

    def forward(self, histories: Adjacency, items: Tensor, users: Tensor | None = None) -> Tensor:
        """Compute the vectors.

        Parameters
        ----------
        histories : Adjacency
            From the items to the users with these items, without weights.
        items : Tensor, shape (histories.num_src, dim)
            Embeddings of items.
        users : Tensor, shape (histories.num_dst, dim), optional
            Embeddings of users; required for user attention, and only then.

        Returns
        -------
        Tensor, shape (histories.num_dst, dim)

        Raises
        ------
        ValueError
            A shape does not fit, or ``users`` are missing, or given without user attention.
        """
        check_adjacency("histories", histories)
        check_shape("items", items, (histories.num_src, self.dim), "(histories.num_src, dim)")
        if (users is None) == (self.aggregator == "user_attention"):
            raise ValueError(
                f"users must be given with aggregator 'user_attention' and with no other, got aggregator "
                f"{self.aggregator!r} and users {'absent' if users is None else 'given'}"
            )
        if self.key is None:
            return self.project(histories.spmm(items, reduce="mean"))  # type: ignore[no-any-return]
        keys = torch.tanh(self.key(items))
        if self.query is not None:
            scores = (keys @ self.query).index_select(0, histories.ends("src").long())
        else:
            assert users is not None
            check_shape("users", users, (histories.num_dst, self.dim), "(histories.num_dst, dim)")
            scores = histories.sddmm(keys, users)
        mean = histories.spmm(items, histories.edge_softmax(scores))
        if self.padded_length is not None:
            mean = mean * self._share_of_items(histories, scores)[:, None]
        return self.project(mean)  # type: ignore[no-any-return]

    def _share_of_items(self, histories: Adjacency, scores: Tensor) -> Tensor:
        """Return the part of the softmax's sum that is not padding, (num_dst,)."""
        assert self.padded_length is not None
        lengths = histories.degrees()
        if int(lengths.max()) > self.padded_length:
            raise ValueError(
                f"padded_length must be at least the longest history, {int(lengths.max())} items, "
                f"got {self.padded_length}"
            )
        ends = histories.ends("dst").long()
        sums = torch.zeros(histories.num_dst, dtype=scores.dtype, device=scores.device)
        sums = sums.index_add(0, ends, torch.exp(scores))  # tanh keeps the scores small
        return sums / (sums + (self.padded_length - lengths))

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        padding = "" if self.padded_length is None else f", padded_length={self.padded_length}"
        return f"{self.dim}, aggregator={self.aggregator!r}{padding}"
