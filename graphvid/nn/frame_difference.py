"""Differences of consecutive frames of a video, which represent its movement."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphvid.nn._shapes import check_frames
from graphvid.ops import Adjacency


class FrameDifference(nn.Module):
    """Subtract each frame from the next one; the last real frame of a video has no difference.

    Notes
    -----
    The contest's public code wraps around to the first frame of the first video of the batch; this layer does not.

    Examples
    --------
    >>> frames, mask = torch.tensor([[[1.0], [4.0], [9.0], [0.0]]]), torch.tensor([[True, True, True, False]])
    >>> difference, known = FrameDifference()(frames, mask)
    >>> difference.flatten().tolist(), known.tolist()
    ([3.0, 5.0, 0.0, 0.0], [[True, True, False, False]])
    """

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the differences and their mask.

        Parameters
        ----------
        frames : Tensor, shape (num_videos, num_frames, dim)
        mask : Tensor of bool, shape (num_videos, num_frames)
            True for the frames, which are the first places of a row.

        Returns
        -------
        difference : Tensor, shape (num_videos, num_frames, dim)
            Zeros in places without a difference.
        known : Tensor of bool, shape (num_videos, num_frames)
        """
        check_frames(frames, mask, frames.shape[-1])
        known = torch.zeros_like(mask)
        known[:, :-1] = mask[:, 1:]
        difference = torch.zeros_like(frames)
        difference[:, :-1] = frames[:, 1:] - frames[:, :-1]
        return difference.masked_fill(~known[..., None], 0.0), known

    def of_graph(self, frames: Tensor, following: Adjacency) -> Tensor:
        """Return one difference for every edge from a frame to the next, shape (num_edges, dim).

        Parameters
        ----------
        frames : Tensor, shape (num_frames, dim)
        following : Adjacency
            Such as ``("frame", "next", "frame")`` of `graphvid.graphs.content_graph`.
        """
        return -following.sddmm(frames, frames, op="sub")  # u - v; an edge runs from a frame to the next
