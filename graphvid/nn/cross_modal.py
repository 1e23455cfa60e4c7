"""Cross-modal attention of frames and words: attention within and between the two streams, as in LXMERT."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from graphvid.nn._shapes import check_width


class MultiHeadAttention(nn.Module):
    """Attention of queries to masked keys, followed by the residual and layer norm.

    Parameters
    ----------
    dim, num_heads : int
        ``num_heads`` must divide ``dim``.
    dropout : float
        Dropout of the attention and of its result.

    Notes
    -----
    A query without keys gets a context of zeros.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        if check_width("dim", dim) % check_width("num_heads", num_heads):
            raise ValueError(f"num_heads must divide the {dim} columns, got {num_heads}")
        self.num_heads, self.attention_dropout = num_heads, dropout
        self.query, self.key, self.value = (nn.Linear(dim, dim) for _ in range(3))
        self.output = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(dim, eps=1e-12)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """Let ``x`` attend to ``context`` where ``mask`` is true.

        Parameters
        ----------
        x : Tensor, shape (num_videos, num_queries, dim)
        context : Tensor, shape (num_videos, num_keys, dim)
        mask : Tensor of bool, shape (num_videos, num_keys)

        Returns
        -------
        Tensor, shape (num_videos, num_queries, dim)
        """
        query, key, value = (
            layer(y).unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for layer, y in ((self.query, x), (self.key, context), (self.value, context))
        )
        some = mask.any(1)
        allowed = (mask | ~some[:, None])[:, None, None]  # no softmax over an empty set
        found = scaled_dot_product_attention(
            query, key, value, allowed, dropout_p=self.attention_dropout if self.training else 0.0
        )
        found = (found * some[:, None, None, None]).transpose(1, 2).flatten(2)
        normed: Tensor = self.norm(x + self.dropout(self.output(found)))
        return normed


class FeedForward(nn.Module):
    """Two linear maps with GELU between, residual and layer norm."""

    def __init__(self, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(dim, check_width("hidden", hidden)), nn.Linear(hidden, dim)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(dim, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the block on a tensor of shape (..., dim)."""
        y: Tensor = self.norm(x + self.dropout(self.outer(nn.functional.gelu(self.inner(x)))))
        return y


class SelfLayer(nn.Module):
    """A transformer layer within one stream, post-norm."""

    def __init__(self, dim: int, num_heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.feed_forward = (
            MultiHeadAttention(dim, num_heads, dropout),
            FeedForward(dim, hidden, dropout),
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Compute the layer on (num_videos, length, dim) with its mask."""
        y: Tensor = self.feed_forward(self.attention(x, x, mask))
        return y


class CrossLayer(nn.Module):
    """Attention of each stream to the other, then within each stream, then a feed-forward block for each.

    Parameters
    ----------
    dim, num_heads, hidden, dropout
        See `CrossModalTransformer`.
    share : bool
        One module for both directions of the attention between streams, as in LXMERT.
    """

    def __init__(self, dim: int, num_heads: int, hidden: int, dropout: float, share: bool) -> None:
        super().__init__()
        self.to_frames = MultiHeadAttention(dim, num_heads, dropout)
        self.to_text = self.to_frames if share else MultiHeadAttention(dim, num_heads, dropout)
        self.text, self.frames = (SelfLayer(dim, num_heads, hidden, dropout) for _ in range(2))

    def forward(self, text: Tensor, text_mask: Tensor, frames: Tensor, frame_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return both streams after the layer; both directions read the input of the layer."""
        read, seen = self.to_frames(text, frames, frame_mask), self.to_text(frames, text, text_mask)
        return self.text(read, text_mask), self.frames(seen, frame_mask)


class CrossModalTransformer(nn.Module):
    r"""Fuse the word pieces of a title and the frames of a video by attention between them.

    Frames are mapped to ``dim`` columns (Linear, ReLU) and go through ``num_frame_layers`` transformer layers; then both
    streams go through ``num_cross_layers`` cross-modal layers. Each stream is averaged without its padding, and both averages
    together go through two linear maps with ReLU.

    Parameters
    ----------
    frame_dim : int
        Columns of a frame.
    dim : int, default 768
        Columns of the text's states and of all layers.
    out_dim : int, default 256
    num_frame_layers, num_cross_layers : int, default 4 and 6
        At least 0.
    num_heads, hidden : int, default 12 and 3072
    dropout : float, default 0.1
    share_cross : bool, default False
        See `CrossLayer`.
    num_positions : int, default 0
        Number of learned positions of frames; more frames raise. 0: frames have no order, as in the public code.

    Notes
    -----
    The contest's code averages padding too; here the result does not depend on it. A video without a frame has a frame stream
    of zeros and keeps its title.

    References
    ----------
    Tan and Bansal, "LXMERT: Learning Cross-Modality Encoder Representations from Transformers", EMNLP 2019, section 2.2;
    model 3 of the rank-11 team of the QQ Browser 2021 AI contest.

    Examples
    --------
    >>> model = CrossModalTransformer(8, 16, 4, num_frame_layers=1, num_cross_layers=1, num_heads=2, hidden=32)
    >>> text, frames = torch.randn(2, 3, 16), torch.randn(2, 5, 8)
    >>> model(text, torch.ones(2, 3, dtype=torch.bool), frames, torch.ones(2, 5, dtype=torch.bool)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        frame_dim: int,
        dim: int = 768,
        out_dim: int = 256,
        *,
        num_frame_layers: int = 4,
        num_cross_layers: int = 6,
        num_heads: int = 12,
        hidden: int = 3072,
        dropout: float = 0.1,
        share_cross: bool = False,
        num_positions: int = 0,
    ) -> None:
        super().__init__()
        self.project = nn.Linear(check_width("frame_dim", frame_dim), check_width("dim", dim))
        self.positions = FramePositions(num_positions, dim) if num_positions else None
        self.frame_layers = nn.ModuleList(SelfLayer(dim, num_heads, hidden, dropout) for _ in range(num_frame_layers))
        self.cross_layers = nn.ModuleList(
            CrossLayer(dim, num_heads, hidden, dropout, share_cross) for _ in range(num_cross_layers)
        )
        self.head = nn.Sequential(nn.Linear(2 * dim, out_dim), nn.ReLU(), nn.Linear(out_dim, out_dim), nn.ReLU())

    def forward(self, text: Tensor, text_mask: Tensor, frames: Tensor, frame_mask: Tensor) -> Tensor:
        """Fuse the streams.

        Parameters
        ----------
        text : Tensor, shape (num_videos, num_tokens, dim)
            States of a text encoder.
        text_mask : Tensor of bool, shape (num_videos, num_tokens)
        frames : Tensor, shape (num_videos, num_frames, frame_dim)
        frame_mask : Tensor of bool, shape (num_videos, num_frames)

        Returns
        -------
        Tensor, shape (num_videos, out_dim)
            Values are >= 0.
        """
        seen = torch.relu(self.project(frames))
        if self.positions is not None:
            seen = self.positions(seen)
        for layer in self.frame_layers:
            seen = layer(seen, frame_mask)
        for layer in self.cross_layers:
            text, seen = layer(text, text_mask, seen, frame_mask)
        pooled = torch.cat([masked_mean(text, text_mask), masked_mean(seen, frame_mask)], dim=1)
        fused: Tensor = self.head(pooled)
        return fused


class FramePositions(nn.Module):
    """Add a learned vector for the place of a frame in its video."""

    def __init__(self, num_positions: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(check_width("num_positions", num_positions), dim))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, frames: Tensor) -> Tensor:
        """Return frames of shape (num_videos, num_frames, dim) with their places added."""
        if frames.shape[1] > len(self.weight):
            raise ValueError(f"frames must be at most the {len(self.weight)} positions, got {frames.shape[1]}")
        return frames + self.weight[: frames.shape[1]]


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the places where ``mask`` is true; zeros if there is none.

    Parameters
    ----------
    x : Tensor, shape (num_rows, length, dim)
    mask : Tensor of bool, shape (num_rows, length)

    Returns
    -------
    Tensor, shape (num_rows, dim)
    """
    weight = mask.to(x.dtype)
    return (weight[:, None] @ x)[:, 0] / weight.sum(1, keepdim=True).clamp(min=1)
