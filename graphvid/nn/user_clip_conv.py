"""Two hops over a user-clip graph, from clips to users and back to clips, separately for positive and negative edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from graphvid._checks import check_choice
from graphvid.nn._shapes import check_shape, check_width
from graphvid.ops import Adjacency, Relations

Activation = Literal["relu", "sigmoid"]


class UserClipConv(nn.Module):
    r"""Convolve clips over the users who completed them and the users who left at them.

    .. math::
        H_u^r &= \sigma(\tilde R^r H_c W_r^1), \qquad r \in \{p, n\} \\
        H_c^1 &= \tfrac12 \sum_r \sigma((\tilde R^r)^\top H_u^r W_r^2)

    with :math:`\sigma` = ``activation``, :math:`\tilde R^p, \tilde R^n` = the adjacencies of positive and negative edges
    with their weights, :math:`W_r^1, W_r^2` = ``user_weight[r]``, ``clip_weight[r]``. A node without an edge in a relation gets
    :math:`\sigma(0)` from it, and the mean divides by 2 all the same.

    Parameters
    ----------
    in_dim, dim : int
        Columns of the clips and of the result, at least 1.
    share_weights : bool, default False
        One :math:`W^1` and one :math:`W^2` for both relations, as in the released code.
    activation : {"relu", "sigmoid"}, default "relu"
        Activation after each sum. The paper does not name it; a sigmoid gives 0.5 for a node without an edge.

    Attributes
    ----------
    user_weight : Parameter, shape (2, in_dim, dim), or (1, in_dim, dim) with shared weights
    clip_weight : Parameter, shape (2, dim, dim), or (1, dim, dim)
        Both start at the identity: a user is then the rectified sum of their clips, with the columns of a clip. With the Xavier
        normal start of the released code, scores that multiply the two train slower and end lower.

    Notes
    -----
    The backend ``"triton"`` computes both relations of a hop in one launch. The first hop sums clips before it multiplies,
    :math:`(\tilde R H) W = \tilde R (H W)`, because there are fewer users than clips, and earlier sums can be reused
    (`users`).

    References
    ----------
    "Learning Fine-grained User Interests for Micro-video Recommendation", SIGIR 2023. Its code stores dense matrices
    of users times clips and convolves with sparse ones made of them.

    Examples
    --------
    >>> conv = UserClipConv(1, 1)
    >>> for weight in conv.parameters():
    ...     _ = nn.init.ones_(weight)
    >>> finished = Adjacency.from_coo(torch.tensor([0, 0]), torch.tensor([0, 1]), num_src=1, num_dst=3)
    >>> left = Adjacency.from_coo(torch.tensor([0]), torch.tensor([2]), num_src=1, num_dst=3)
    >>> users, clips = conv([finished.t(), left.t()], [finished, left], torch.tensor([[1.0], [2.0], [4.0]]))
    >>> users.tolist(), clips.tolist()
    ([[[3.0]], [[4.0]]], [[1.5], [1.5], [2.0]])
    """

    def __init__(self, in_dim: int, dim: int, *, share_weights: bool = False, activation: Activation = "relu") -> None:
        super().__init__()
        self.in_dim, self.dim = check_width("in_dim", in_dim), check_width("dim", dim)
        check_choice("activation", activation, get_args(Activation))
        self.activation = activation
        sets = 1 if share_weights else 2
        self.user_weight = nn.Parameter(torch.empty(sets, in_dim, dim))
        self.clip_weight = nn.Parameter(torch.empty(sets, dim, dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weights to the identity, or to its first rows or columns."""
        for weight in (*self.user_weight, *self.clip_weight):
            nn.init.eye_(weight)

    def forward(
        self, into_users: Sequence[Adjacency], into_clips: Sequence[Adjacency], x: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Run both hops over whole relations.

        Parameters
        ----------
        into_users, into_clips : pair of Adjacency
            The positive and the negative relation from clips to users, and from users to clips. The weights of the
            edges, or the norm, are those of :math:`\\tilde R`. If all clips of a video have the same positive edges, the
            positive relation may be with videos instead: ``num_clips`` must then be a multiple of ``num_videos``, and the
            clips of video v start at ``v * num_clips // num_videos``.
        x : Tensor, shape (num_clips, in_dim)
            The clips.

        Returns
        -------
        users : Tensor, shape (2, num_users, dim)
        clips : Tensor, shape (num_clips, dim)

        Raises
        ------
        ValueError, TypeError
            A hop does not have two relations, or a size does not fit; see `Adjacency.spmm`.
        """
        _check_pair("into_users", into_users)
        check_shape("x", x, (into_users[1].num_src, self.in_dim), "(num_clips, in_dim)")
        num_videos = into_users[0].num_src
        if num_videos == 0 or len(x) % num_videos:
            raise ValueError(
                f"x must have a multiple of the {num_videos} sources of into_users[0] as rows, got {len(x)}"
            )
        positive = x
        if into_users[0].num_src != into_users[1].num_src:
            positive = x.view(into_users[0].num_src, -1, self.in_dim).sum(1)
        users = self.users(Relations(into_users).spmm([positive, x], combine="stack"))
        return users, self.clips(into_clips, users)

    def users(self, sums: Tensor) -> Tensor:
        """Return the users, (2, num_users, dim), from the sums :math:`\\tilde R^r H_c`, shape (2, num_users, in_dim)."""
        return self._activate(sums @ self.user_weight)

    def clips(self, into_clips: Sequence[Adjacency], users: Tensor) -> Tensor:
        """Return the clips, (num_clips, dim), from ``users``, shape (2, num_users, dim); relations as in `forward`."""
        _check_pair("into_clips", into_clips)
        positive, negative = (users @ self.clip_weight).unbind()
        if into_clips[0].num_dst == into_clips[1].num_dst:
            if self.activation == "relu":
                return Relations(into_clips).spmm([positive, negative], combine="mean", activation="relu")
            return torch.sigmoid(Relations(into_clips).spmm([positive, negative], combine="stack")).mean(dim=0)
        relu = self.activation == "relu"
        of_video, of_clip = into_clips[0].spmm(positive, relu=relu), into_clips[1].spmm(negative, relu=relu)
        if not relu:
            of_video, of_clip = torch.sigmoid(of_video), torch.sigmoid(of_clip)
        of_video, of_clip = of_video[:, None], of_clip.view(len(of_video), -1, self.dim)
        return (0.5 * (of_video + of_clip)).view(-1, self.dim)

    def _activate(self, sums: Tensor) -> Tensor:
        return torch.relu(sums) if self.activation == "relu" else torch.sigmoid(sums)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        other = "" if self.activation == "relu" else f", activation={self.activation!r}"
        return f"{self.in_dim}, {self.dim}, share_weights={len(self.user_weight) == 1}{other}"


def _check_pair(name: str, relations: Sequence[Adjacency]) -> None:
    if not isinstance(relations, Sequence) or any(not isinstance(x, Adjacency) for x in relations):
        raise TypeError(f"{name} must be a pair of Adjacency, got {type(relations).__name__}")
    if len(relations) != 2:
        raise ValueError(f"{name} must be a positive and a negative relation, got {len(relations)} relations")
