"""Scores of clips for users: one small network for completed videos and one for the clips of skips."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from graphvid._checks import check_choice, check_ids, check_tensor
from graphvid.nn._shapes import check_width

Interaction = Literal["concat", "concat+hadamard"]
Branches = Literal["both", "positive"]


class ClipScorer(nn.Module):
    r"""Score the clips of videos for users, from both vectors of the user.

    .. math:: z_{uc} = \alpha_p\, s^p_{uc} - \alpha_n\, s^n_{uc} + b, \qquad
              s^r_{uc} = \mathrm{MLP}^r([h_u^r \,\|\, h_c \,(\|\, h_u^r \odot h_c)])

    A large score means that the user stays. The MLPs have one hidden layer with ReLU. :math:`\alpha_p, \alpha_n` are
    the softplus of parameters and start at 0.8 and 0.2, the constants of the released code.

    Parameters
    ----------
    dim : int
        Columns of users and clips.
    hidden : int, default 256
        Width of the hidden layers, the paper's.
    interaction : {"concat", "concat+hadamard"}, default "concat+hadamard"
        Whether the MLPs read the products of the entries of user and clip. Without them they must learn to multiply, and do
        not learn this on a small log.
    branches : {"both", "positive"}, default "both"
        ``"positive"`` is :math:`z_{uc} = s^p_{uc}`, as in the released code.

    Raises
    ------
    ValueError
        A width below 1 or an unknown choice.

    Notes
    -----
    At the start every hidden unit sums the products of all columns with one random factor, so that it reads the inner product
    of user and clip; the other weights start at a tenth of Xavier normal. From a random start of the products the network
    also finds the inner product, but later, after it has memorised single clips.

    The hidden layer is the sum of a part of the user, a part of the clip and a part of their products. The first two are
    computed once for each user and clip: O(num_pairs * dim * hidden) time with the products, else O((num_users + num_clips) *
    dim * hidden + num_pairs * hidden).

    Examples
    --------
    >>> scorer = ClipScorer(4, hidden=8)
    >>> users, clips = torch.randn(2, 3, 4), torch.randn(5, 6, 4)
    >>> scorer(users, clips, torch.tensor([0, 2]), torch.tensor([4, 1])).shape
    torch.Size([2, 6])
    """

    def __init__(
        self, dim: int, *, hidden: int = 256, interaction: Interaction = "concat+hadamard", branches: Branches = "both"
    ) -> None:
        super().__init__()
        self.dim, self.hidden = check_width("dim", dim), check_width("hidden", hidden)
        check_choice("interaction", interaction, get_args(Interaction))
        check_choice("branches", branches, get_args(Branches))
        self.interaction, self.branches = interaction, branches
        count = 2 if branches == "both" else 1
        parts = 3 if interaction == "concat+hadamard" else 2
        self.first = _linear(parts * dim, hidden, count)
        self.second = _linear(hidden, 1, count)
        for first, second in zip(self.first, self.second, strict=True):
            _start(first, dim)
            nn.init.xavier_normal_(second.weight)
            nn.init.zeros_(second.bias)
        if branches == "both":
            self.raw_alpha = nn.Parameter(torch.tensor([math.log(math.expm1(alpha)) for alpha in (0.8, 0.2)]))
            self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, users: Tensor, clips: Tensor, user_index: Tensor, video_index: Tensor) -> Tensor:
        """Score every clip of the videos of some (user, video) pairs.

        Parameters
        ----------
        users : Tensor, shape (2, num_users, dim)
            Positive and negative vector of every user.
        clips : Tensor, shape (num_videos, num_clips, dim)
        user_index, video_index : Tensor of int64, shape (num_pairs,)
            Rows of ``users[r]`` and of ``clips``.

        Returns
        -------
        Tensor, shape (num_pairs, num_clips)
            Logits.
        """
        self._check(users, clips, user_index, video_index)
        # The gradient of index_select is summed in one order with any number of threads, that of [] is not.
        pair_clips = clips.index_select(0, video_index) if self.interaction == "concat+hadamard" else None
        scores: list[Tensor] = []
        for of_user, first, second in zip(users, self.first, self.second, strict=False):
            weights = first.weight.view(self.hidden, -1, self.dim).unbind(1)
            of_users = (of_user @ weights[0].T).index_select(0, user_index)
            hidden = of_users[:, None] + (clips @ weights[1].T + first.bias).index_select(0, video_index)
            if pair_clips is not None:
                hidden = hidden + (of_user.index_select(0, user_index)[:, None] * pair_clips) @ weights[2].T
            scores.append(second(torch.relu_(hidden)).squeeze(-1))
        if self.branches == "positive":
            return scores[0]
        alpha = softplus(self.raw_alpha)
        return alpha[0] * scores[0] - alpha[1] * scores[1] + self.bias

    def _check(self, users: Tensor, clips: Tensor, user_index: Tensor, video_index: Tensor) -> None:
        """Raise unless the vectors have the shapes of `forward` and the pairs are rows of them."""
        check_tensor("users", users, floating=True)
        check_tensor("clips", clips, floating=True)
        if users.dim() != 3 or len(users) < len(self.first) or users.shape[2] != self.dim:
            least = len(self.first)
            raise ValueError(f"users must have shape ({least}, num_users, {self.dim}), got {tuple(users.shape)}")
        if clips.dim() != 3 or clips.shape[2] != self.dim:
            raise ValueError(f"clips must have shape (num_videos, num_clips, {self.dim}), got {tuple(clips.shape)}")
        check_ids("user_index", user_index, users.shape[1])
        check_ids("video_index", video_index, len(clips))
        if user_index.dim() != 1 or user_index.shape != video_index.shape:
            shapes = f"{tuple(user_index.shape)} and {tuple(video_index.shape)}"
            raise ValueError(f"user_index and video_index must have one shape (num_pairs,), got {shapes}")


def _linear(rows: int, columns: int, count: int) -> Sequence[nn.Linear]:
    return cast(Sequence[nn.Linear], nn.ModuleList(nn.Linear(rows, columns) for _ in range(count)))


def _start(layer: nn.Linear, dim: int) -> None:
    """Draw the weights of a hidden layer over a user, a clip and, if present, their products."""
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    with torch.no_grad():
        if layer.in_features > 2 * dim:
            layer.weight[:, : 2 * dim] *= 0.1
            layer.weight[:, 2 * dim :] = torch.randn(layer.out_features, 1) / math.sqrt(dim)
