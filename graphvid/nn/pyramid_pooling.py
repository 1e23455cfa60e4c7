"""Pyramid pooling: it pools several levels of detail and joins them in one vector; with the levels of a video in time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from graphvid._checks import check_choice, check_count
from graphvid.nn._shapes import check_width
from graphvid.nn.hybrid_pooling import Hybrid, HybridPooling
from graphvid.ops import segment_reduce

Level = Tensor | tuple[Tensor, Tensor]


class PyramidHybridPooling(nn.Module):
    r"""Pool several levels of detail and join them in one vector.

    Every level has its own `HybridPooling` and normalisation, and is mapped to :math:`D_l` columns with
    :math:`\sum_l D_l` = ``out_dim``; the parts are concatenated. A level is any source of sets of vectors: stages of an image
    network, states of a node after 0, 1 and 2 rounds of messages (`graphvid.nn.GraphDepth`), frames, shots and video
    (`time_levels`), or modalities.

    Parameters
    ----------
    dims : sequence of int
        Channels of the levels, one at least.
    out_dim : int
        Columns of the result, D.
    hybrid : {"concat", "mix", "channel_mix", "gem", "attention"}, default "concat"
        See `HybridPooling`.
    level_aligned : bool, default False
        Whether every codebook of a following quantiser reads only one level: of M codebooks, level l gets
        :math:`\lfloor (l + 1) M / L \rfloor - \lfloor l M / L \rfloor`. Otherwise another linear layer mixes all columns.
    num_codebooks : int, optional
        M, which divides D; needed with ``level_aligned``, and at least the number of levels.
    norm : {"layer", "batch"}, default "layer"
        Normalisation of a pooled level.
    hidden : int, default 0
        Units with ReLU between the joined columns and the result; 0 for one linear layer. Not with ``level_aligned``.

    Raises
    ------
    ValueError
        No level, an unknown choice, or numbers that do not fit together.

    References
    ----------
    After Zeng et al., Pyramid Hybrid Pooling Quantization for Efficient Fine-Grained Image Retrieval, 2021, of which
    only the abstract was available: a reconstruction, not the published layer.

    Examples
    --------
    >>> pool = PyramidHybridPooling([3, 5], out_dim=8)
    >>> pool([torch.randn(2, 3, 4, 4), (torch.randn(6, 5), torch.tensor([0, 2, 6]))]).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        dims: Sequence[int],
        out_dim: int,
        hybrid: Hybrid = "concat",
        *,
        level_aligned: bool = False,
        num_codebooks: int | None = None,
        norm: Literal["layer", "batch"] = "layer",
        hidden: int = 0,
    ) -> None:
        super().__init__()
        if not len(dims):
            raise ValueError("dims must name one level at least, got none")
        self.out_dim = check_width("out_dim", out_dim)
        check_choice("norm", norm, ("layer", "batch"))
        parts = len(dims) if num_codebooks is None else check_width("num_codebooks", num_codebooks)
        if check_count("hidden", hidden, 0) and level_aligned:
            raise ValueError(f"hidden must be 0 with level_aligned, got {hidden}")
        if level_aligned:
            if num_codebooks is None or parts < len(dims) or out_dim % parts:
                raise ValueError(
                    f"level_aligned needs num_codebooks that divides out_dim={out_dim} and is at least the {len(dims)} "
                    f"levels, got {num_codebooks}"
                )
            widths = [count * (out_dim // parts) for count in _shares(parts, len(dims))]
        else:
            widths = _shares(hidden or out_dim, len(dims))
            if not min(widths):
                raise ValueError(
                    f"{'hidden' if hidden else 'out_dim'} must be at least the {len(dims)} levels, got {hidden or out_dim}"
                )
        self.pools = nn.ModuleList(HybridPooling(dim, hybrid) for dim in dims)
        pooled = [dim * (2 if hybrid == "concat" else 1) for dim in dims]
        self.norms = nn.ModuleList(nn.LayerNorm(n) if norm == "layer" else nn.BatchNorm1d(n) for n in pooled)
        self.maps = nn.ModuleList(nn.Linear(n, width) for n, width in zip(pooled, widths, strict=True))
        self.mix: nn.Module = nn.Identity() if level_aligned else nn.Linear(out_dim, out_dim)
        if hidden:
            self.mix = nn.Sequential(nn.ReLU(), nn.Linear(hidden, out_dim))

    def forward(self, levels: Sequence[Level]) -> Tensor:
        """Pool and join.

        Parameters
        ----------
        levels : sequence of Tensor or (Tensor, Tensor)
            Input of `HybridPooling` for each level: a map, or vectors and their ``indptr``; of the same sets in the same
            order.

        Returns
        -------
        Tensor, shape (num_sets, out_dim)

        Raises
        ------
        ValueError
            Another number of levels, levels of different numbers of sets, or as `HybridPooling` raises.
        """
        if len(levels) != len(self.pools):
            raise ValueError(f"levels must be the {len(self.pools)} of dims, got {len(levels)}")
        parts = []
        for level, pool, norm, linear in zip(levels, self.pools, self.norms, self.maps, strict=True):
            parts.append(linear(norm(pool(*level) if isinstance(level, tuple) else pool(level))))
        sizes = [len(part) for part in parts]
        if len(set(sizes)) > 1:
            raise ValueError(f"levels must be of the same sets, got {sizes} of them")
        mixed: Tensor = self.mix(torch.cat(parts, dim=1))
        return mixed


def _shares(total: int, count: int) -> list[int]:
    """Cut ``total`` into ``count`` nearly equal shares: share l ends at floor((l + 1) total / count)."""
    bounds = [level * total // count for level in range(count + 1)]
    return [stop - start for start, stop in itertools.pairwise(bounds)]


def time_levels(frames: Tensor, indptr: Tensor, num_parts: Sequence[int]) -> list[Level]:
    r"""Return the levels of detail of videos in time: for each number of parts, the means of that many parts.

    Part k of P covers the frames :math:`\lfloor k T / P \rfloor` to :math:`\lfloor (k + 1) T / P \rfloor - 1` of a video
    of T frames. It is the readout of the graph frame -> shot -> video over its "part of" edges.

    Parameters
    ----------
    frames : Tensor, shape (num_frames, dim), floating
        Frames of all videos, one video after the other, in the order of time.
    indptr : Tensor, shape (num_videos + 1,), integer
        Start of every video in ``frames`` and the end of the last.
    num_parts : sequence of int
        Parts of each level, at least 1, for instance ``(4, 2, 1)``; 0 means the frames themselves.

    Returns
    -------
    list of (Tensor, Tensor)
        Vectors and ``indptr`` of each level, as `PyramidHybridPooling` takes them. A part without a frame (T < P) is
        left out, so that a video without frames is an empty set on every level.

    Raises
    ------
    ValueError, TypeError
        No level, a number below 0, or as `graphvid.ops.segment_reduce`.

    Examples
    --------
    >>> frames = torch.tensor([[1.0], [3.0], [5.0]])
    >>> [(x.flatten().tolist(), ptr.tolist()) for x, ptr in time_levels(frames, torch.tensor([0, 3]), (2, 1))]
    [([1.0, 4.0], [0, 2]), ([3.0], [0, 1])]
    """
    if not len(num_parts):
        raise ValueError("num_parts must name one level at least, got none")
    levels: list[Level] = []
    starts, lengths = indptr[:-1].long(), indptr.diff().long()
    for count in num_parts:
        check_count("num_parts", count, 0)
        if not count:
            levels.append((frames, indptr))
            continue
        steps = torch.arange(count + 1, device=indptr.device)
        bounds = starts[:, None] + steps * lengths[:, None] // count  # (num_videos, count + 1)
        filled = bounds[:, 1:] > bounds[:, :-1]
        cuts = torch.cat([bounds.new_zeros(1), bounds[:, 1:][filled]])
        of_video = torch.zeros_like(indptr, dtype=torch.int64)
        of_video[1:] = filled.sum(dim=1).cumsum(0)
        levels.append((segment_reduce(frames, cuts, reduce="mean"), of_video))
    return levels
