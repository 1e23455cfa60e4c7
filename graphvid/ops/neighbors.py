"""True neighbours of every video as two tensors, on any device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphvid._checks import check_ids, check_indptr, check_integer, check_tensor


class _Table(NamedTuple):
    indptr: Tensor
    indices: Tensor


class NeighborTable(_Table):
    """Sorted neighbour lists of all videos: the neighbours of ``v`` are ``indices[indptr[v] : indptr[v + 1]]``.

    Parameters
    ----------
    indptr : Tensor, shape (num_nodes + 1,), int64
        Start of each list in ``indices``; ``indptr[0] == 0``.
    indices : Tensor, shape (num_edges,), int64
        Neighbour ids, >= 0, ascending and distinct inside each list; the order is not checked.

    Raises
    ------
    TypeError, ValueError
        When ``indptr`` does not rise from 0 to num_edges, or ids are not integers >= 0: kernels read by both.

    Notes
    -----
    The checks take O(num_nodes + num_edges) time once; `trusted` makes a table without them.

    Examples
    --------
    >>> table = NeighborTable.from_edges(torch.tensor([0, 0, 2]), torch.tensor([2, 1, 0]), num_nodes=3)
    >>> table.indptr.tolist(), table.indices.tolist()
    ([0, 2, 2, 3], [1, 2, 0])
    """

    __slots__ = ()

    def __new__(cls, indptr: Tensor, indices: Tensor) -> NeighborTable:
        """Return the table of checked tensors."""
        check_ids("indices", indices, None)
        if indices.dim() != 1:
            raise ValueError(f"indices must be 1-D, got shape {tuple(indices.shape)}")
        check_indptr("indptr", indptr, len(indices))
        if indptr.device != indices.device:
            raise ValueError(f"indptr and indices must be on one device, got {indptr.device} and {indices.device}")
        if len(indices) and int(indices.min()) < 0:
            raise ValueError(f"indices must be >= 0, got {int(indices.min())}")
        return super().__new__(cls, indptr, indices)

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> NeighborTable:  # type: ignore[override]  # Any as in typeshed
        return cls(*iterable)

    @classmethod
    def trusted(cls, indptr: Tensor, indices: Tensor) -> NeighborTable:
        """Return the table of already checked tensors, without checks: wrong ids crash the process."""
        return tuple.__new__(cls, (indptr, indices))

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
            The shapes differ or an id is out of range.

        Notes
        -----
        One sort: O(num_pairs log num_pairs) time, about 40 bytes per pair at the peak.
        """
        check_integer("num_nodes", num_nodes, 0, 2**31)  # so that pairs are numbers of 64 bits
        for name, ids in (("src", src), ("dst", dst)):
            check_tensor(name, ids)
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
        return cls.trusted(indptr, keys - rows * max(num_nodes, 1))

    @property
    def num_nodes(self) -> int:
        """Number of videos."""
        return self.indptr.numel() - 1

    def to(self, device: torch.device | str) -> NeighborTable:
        """Return the table on ``device``."""
        return NeighborTable.trusted(self.indptr.to(device), self.indices.to(device))


def check_table(name: str, table: NeighborTable) -> None:
    """Raise unless ``table`` is a `NeighborTable`, whose constructor has checked it."""
    if not isinstance(table, NeighborTable):
        raise TypeError(f"{name} must be a NeighborTable, got {type(table).__name__}")


def expand_ranges(starts: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Concatenate the ranges ``[starts[i], starts[i] + counts[i])``; return their elements and the owning ``i``."""
    owner = torch.repeat_interleave(torch.arange(counts.numel(), device=counts.device), counts)
    before = torch.cumsum(counts, dim=0) - counts
    return torch.arange(owner.numel(), device=counts.device) - before[owner] + starts[owner], owner
