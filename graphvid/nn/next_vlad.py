"""NeXtVLAD: pooling of frames to one vector by soft assignment to clusters in groups of columns."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from graphvid.nn._shapes import check_frames, check_width
from graphvid.ops import Adjacency

MaskMode = Literal["attention", "input"]


class NeXtVLAD(nn.Module):
    r"""Sum the differences of a video's frames from learned centres, with soft assignment in groups of columns.

    .. math::
        \dot x_i &= W_e x_i + b_e \in \mathbb R^{LN}, \qquad
        a_{ig} = \mathrm{sigmoid}(W_a \dot x_i + b_a)_g, \qquad
        \alpha_{igk} = \mathrm{softmax}_k(W_c \dot x_i + b_c)_{gk} \\
        V_k &= \sum_i m_i \sum_g a_{ig}\, \alpha_{igk}\, (\tilde x_{ig} - c_k) \in \mathbb R^{D}, \qquad
        y = W_o\, \mathrm{dropout}(\mathrm{vec}(V_k / \lVert V_k \rVert)) + b_o

    with :math:`\tilde x_{ig}` the g-th of G pieces of :math:`\dot x_i`, :math:`D = LN / G` and the centres :math:`c_k`
    shared by the groups. :math:`N, L, G, K` = ``in_dim``, ``expansion``, ``num_groups``, ``num_clusters``.

    Parameters
    ----------
    in_dim : int
        Columns of a frame.
    out_dim : int, default 1024
        Columns of the result.
    expansion, num_groups, num_clusters : int, default 2, 8 and 64
        Sizes; the defaults are those of the contest. ``num_groups`` must divide ``expansion * in_dim``.
    dropout : float, default 0.2
        Dropout of the flattened vector, in [0, 1).
    batch_norm : bool, default True
        Normalise the logits of the assignment over the real frames of the batch, instead of :math:`b_c`, as the paper's code
        does. The contest's baseline has none; the rank-4 team reports that it is necessary.
    mask_mode : {"attention", "input"}, default "attention"
        ``"attention"`` leaves padding out of the sum. ``"input"`` sets padded frames to zero and sums them, as the
        contest's baseline does: through :math:`b_e` they add to the result, which then depends on the length of the padding.

    Raises
    ------
    ValueError
        A width below 1, groups that do not divide the columns, another mask mode, a dropout outside [0, 1).

    Notes
    -----
    The flattened vector is the (D, K) matrix row by row: place ``d * K + k``, as in the reference code; loaders of foreign
    weights need that. A video without a frame gives :math:`b_o`.

    O(frames * L N (N + G K) + videos * K D out_dim) time. Only real frames are computed. Without biases it has
    :math:`LN(N + G + K(G + (H + 1) / G))` weights, H = ``out_dim``: 31,506,432 at the contest's size.

    References
    ----------
    Lin, Xiao and Fan, "NeXtVLAD: An Efficient Neural Network to Aggregate Frame-level Features for Large-scale Video
    Classification", ECCV workshops 2018, eqs. 4 to 8. The paper's reduction by a bottleneck with batch normalisation is
    one linear map here, as in the contest's baseline.

    Examples
    --------
    >>> layer = NeXtVLAD(8, 4, num_groups=2, num_clusters=3).eval()
    >>> frames, mask = torch.randn(2, 5, 8), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    >>> layer(frames, mask).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int = 1024,
        *,
        expansion: int = 2,
        num_groups: int = 8,
        num_clusters: int = 64,
        dropout: float = 0.2,
        batch_norm: bool = True,
        mask_mode: MaskMode = "attention",
    ) -> None:
        super().__init__()
        self.in_dim, self.out_dim = check_width("in_dim", in_dim), check_width("out_dim", out_dim)
        self.num_groups = check_width("num_groups", num_groups)
        self.num_clusters = check_width("num_clusters", num_clusters)
        width = check_width("expansion", expansion) * in_dim
        if width % num_groups:
            raise ValueError(f"num_groups must divide expansion * in_dim = {width}, got {num_groups}")
        if mask_mode not in get_args(MaskMode):
            raise ValueError(f"mask_mode must be one of {list(get_args(MaskMode))}, got {mask_mode!r}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout!r}")
        self.group_dim, self.mask_mode = width // num_groups, mask_mode
        self.expand = nn.Linear(in_dim, width)
        self.attention = nn.Linear(width, num_groups)
        self.assign = nn.Linear(width, num_groups * num_clusters, bias=not batch_norm)
        self.norm = nn.BatchNorm1d(num_groups * num_clusters) if batch_norm else None
        self.centres = nn.Parameter(torch.empty(num_clusters, self.group_dim))
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(num_clusters * self.group_dim, out_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Redraw the centres, with unit length on average."""
        nn.init.normal_(self.centres, std=self.group_dim**-0.5)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Compute the layer on padded frames.

        Parameters
        ----------
        frames : Tensor, shape (num_videos, num_frames, in_dim)
            Padding may hold anything finite.
        mask : Tensor of bool, shape (num_videos, num_frames)
            True for frames.

        Returns
        -------
        Tensor, shape (num_videos, out_dim)

        Raises
        ------
        ValueError
            Another shape.
        """
        check_frames(frames, mask, self.in_dim)
        if self.mask_mode == "input":
            frames, mask = frames * mask[..., None], torch.ones_like(mask)
        pieces, weight = self._assign(frames[mask])
        # back to padded rows: (num_videos, num_frames * num_groups, ...); zeros weigh nothing
        padded_pieces = frames.new_zeros(*mask.shape, self.num_groups, self.group_dim, dtype=pieces.dtype)
        padded_weight = frames.new_zeros(*mask.shape, self.num_groups, self.num_clusters, dtype=weight.dtype)
        padded_pieces[mask], padded_weight[mask] = pieces, weight
        weights = padded_weight.flatten(1, 2)
        sums = padded_pieces.flatten(1, 2).transpose(1, 2) @ weights  # (num_videos, group_dim, num_clusters)
        return self._pool(sums - self.centres.T * weights.sum(1)[:, None])

    def of_graph(self, frames: Tensor, of_video: Adjacency) -> Tensor:
        """Compute the layer by messages from frames to videos, without padding.

        Parameters
        ----------
        frames : Tensor, shape (num_frames, in_dim)
            Frames of all videos.
        of_video : Adjacency
            The relation from frames to their videos, such as ``("frame", "of", "video")`` of
            `graphvid.graphs.content_graph`.

        Returns
        -------
        Tensor, shape (num_videos, out_dim)
            As `forward`, up to rounding.

        Notes
        -----
        A frame sends ``num_clusters * group_dim`` numbers, :math:`\\sum_g a_g \\alpha_{gk} (\\tilde x_g - c_k)`:
        24,576 at the contest's size, which the dense form never stores.
        """
        pieces, weight = self._assign(frames)
        message = pieces.transpose(1, 2) @ weight - self.centres.T * weight.sum(1)[:, None]
        sums = of_video.spmm(message.flatten(1))
        return self._pool(sums.view(-1, self.group_dim, self.num_clusters))

    def _assign(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return pieces (num_frames, num_groups, group_dim) and weights (num_frames, num_groups, num_clusters)."""
        expanded = self.expand(frames)
        attention = torch.sigmoid(self.attention(expanded))
        logits = self.assign(expanded)
        if self.norm is not None:
            logits = self._normalised(logits)
        alpha = logits.view(-1, self.num_groups, self.num_clusters).softmax(2)
        return expanded.view(-1, self.num_groups, self.group_dim), attention[..., None] * alpha

    def _normalised(self, logits: Tensor) -> Tensor:
        """Normalise over the frames; a batch of at most one frame, which has no variance, uses the running statistics."""
        assert self.norm is not None
        if self.norm.training and len(logits) < 2:
            return nn.functional.batch_norm(
                logits,
                self.norm.running_mean,
                self.norm.running_var,
                self.norm.weight,
                self.norm.bias,
                eps=self.norm.eps,
            )
        normalised: Tensor = self.norm(logits)
        return normalised

    def _pool(self, sums: Tensor) -> Tensor:
        """Return the result of the sums, (num_videos, group_dim, num_clusters)."""
        pooled: Tensor = self.output(self.dropout(normalize(sums, dim=1, eps=1e-12).flatten(1)))
        return pooled

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"{self.in_dim}, {self.out_dim}, num_groups={self.num_groups}, num_clusters={self.num_clusters}"
