"""True neighbours of every video as two tensors, on any device."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class NeighborTable(NamedTuple):
    """Sorted neighbour lists of all videos: the neighbours of ``v`` are ``indices[indptr[v] : indptr[v + 1]]``.

    Parameters
    ----------
    indptr : Tensor, shape (num_nodes + 1,), int64
        Start of each list in ``indices``; ``indptr[0] == 0``.
    indices : Tensor, shape (num_edges,), int64
        Neighbour ids, ascending and distinct inside each list.

    Examples
    --------
    >>> table = NeighborTable.from_edges(torch.tensor([0, 0, 2]), torch.tensor([2, 1, 0]), num_nodes=3)
    >>> table.indptr.tolist(), table.indices.tolist()
    ([0, 2, 2, 3], [1, 2, 0])
    """

    indptr: Tensor
    indices: Tensor

    @classmethod
    def from_edges(cls, src: Tensor, dst: Tensor, *, num_nodes: int) -> NeighborTable:
        """Make the table in which ``dst[e]`` is a neighbour of ``src[e]``; repeated pairs are kept once.

        Parameters
        ----------
        src, dst : Tensor, shape (num_pairs,), integer
            Ends of directed pairs in ``[0, num_nodes)``; give both directions of an undirected edge.
        num_nodes : int
            Number of videos.

        Raises
        ------
        ValueError
            When the shapes differ or an id is out of range.

        Notes
        -----
        One sort: O(num_pairs log num_pairs) time, about 40 bytes per pair at the peak.
        """
        if src.shape != dst.shape or src.dim() != 1:
            raise ValueError(
                f"src and dst must be 1-D of equal length, got shapes {tuple(src.shape)} and {tuple(dst.shape)}"
            )
        for name, ids in (("src", src), ("dst", dst)):
            check_ids(name, ids, num_nodes)
        keys = torch.unique(src.long() * max(num_nodes, 1) + dst.long())
        rows = torch.div(keys, max(num_nodes, 1), rounding_mode="floor")
        indptr = torch.zeros(num_nodes + 1, dtype=torch.int64, device=src.device)
        torch.cumsum(torch.bincount(rows, minlength=num_nodes), dim=0, out=indptr[1:])
        return cls(indptr, keys - rows * max(num_nodes, 1))

    @property
    def num_nodes(self) -> int:
        """Number of videos."""
        return self.indptr.numel() - 1

    def to(self, device: torch.device | str) -> NeighborTable:
        """Return the table on ``device``."""
        return NeighborTable(self.indptr.to(device), self.indices.to(device))


def check_ids(name: str, ids: Tensor, num_nodes: int | None) -> None:
    """Raise unless ``ids`` are integers in ``[0, num_nodes)``."""
    if ids.is_floating_point() or ids.dtype == torch.bool:
        raise TypeError(f"{name} must be an integer tensor, got dtype {ids.dtype}")
    if num_nodes is not None and ids.numel() and (int(ids.min()) < 0 or int(ids.max()) >= num_nodes):
        raise ValueError(f"{name} must lie in [0, {num_nodes}), got {int(ids.min())} to {int(ids.max())}")


def expand_ranges(starts: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Concatenate the ranges ``[starts[i], starts[i] + counts[i])``; return their elements and the owning ``i``."""
    owner = torch.repeat_interleave(torch.arange(counts.numel(), device=counts.device), counts)
    before = torch.cumsum(counts, dim=0) - counts
    return torch.arange(owner.numel(), device=counts.device) - before[owner] + starts[owner], owner
