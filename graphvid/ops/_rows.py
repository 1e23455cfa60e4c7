"""Edges grouped by one of their ends, the form that message passing reads."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Parts(NamedTuple):
    """Rows too long for one program of a GPU, cut into parts of at most a fixed number of edges.

    Parameters
    ----------
    parts : Tensor, shape (num_parts, 3), int64
        Relation, start and stop of each part, in the order of rows, relations and edges.
    rows : Tensor, shape (num_long,), int64
        The long rows.
    indptr : Tensor, shape (num_long * num_relations + 1,), int64
        Start of the parts of each long row and relation.
    owner : Tensor, shape (num_parts,), int64
        Place in ``rows`` times the number of relations, plus the relation.
    """

    parts: Tensor
    rows: Tensor
    indptr: Tensor
    owner: Tensor


class Rows:
    """Edges grouped by row, in their given order inside a row.

    Parameters
    ----------
    indptr : Tensor, shape (num_rows + 1,), int32 or int64
        Start of each row.
    indices : Tensor, shape (num_edges,), of the same dtype
        The other end of each edge.
    edge_ids : Tensor, shape (num_edges,), of the same dtype, or None
        Place of each edge in the given order; None if that order is the rows'.
    """

    __slots__ = ("_ids", "_parts", "edge_ids", "indices", "indptr")

    def __init__(self, indptr: Tensor, indices: Tensor, edge_ids: Tensor | None) -> None:
        self.indptr, self.indices, self.edge_ids = indptr, indices, edge_ids
        self._ids, self._parts = edge_ids, {}  # type: tuple[Tensor | None, dict[int, Parts]]

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return self.indptr.numel() - 1

    def take(self, values: Tensor) -> Tensor:
        """Return values of edges in the rows' order."""
        return values if self.edge_ids is None else values.index_select(0, self.edge_ids)

    def ids(self) -> Tensor:
        """Return `edge_ids`, counted up where it is None."""
        if self._ids is None:
            self._ids = torch.arange(self.indices.numel(), device=self.indices.device, dtype=self.indices.dtype)
        return self._ids

    def to(self, device: torch.device | str) -> Rows:
        """Return the same on ``device``."""
        edge_ids = None if self.edge_ids is None else self.edge_ids.to(device)
        return Rows(self.indptr.to(device), self.indices.to(device), edge_ids)

    def parts(self, longest: int) -> Parts:
        """Return the rows with more than ``longest`` edges, cut."""
        if longest not in self._parts:
            self._parts[longest] = cut_long_rows([self.indptr], longest)
        return self._parts[longest]


def group_edges(row: Tensor, column: Tensor, num_rows: int) -> Rows:
    """Group edges by ``row``; a counting sort on the CPU, a stable sort elsewhere."""
    indptr = torch.zeros(num_rows + 1, dtype=row.dtype, device=row.device)
    indptr[1:] = torch.cumsum(torch.bincount(row, minlength=num_rows), dim=0)
    if not (row[1:] < row[:-1]).any():
        return Rows(indptr, column, None)
    if row.device.type == "cpu":
        from graphvid.ops._cpu_kernels import counting_sort  # on a GPU nothing needs Numba

        edge_ids = torch.empty_like(row)
        counting_sort(row.numpy(), indptr.numpy().copy(), edge_ids.numpy())
    else:
        edge_ids = torch.sort(row, stable=True).indices.to(row.dtype)
    return Rows(indptr, column.index_select(0, edge_ids), edge_ids)


def cut_long_rows(indptrs: list[Tensor], longest: int) -> Parts:
    """Cut the rows that have more than ``longest`` edges in some relation."""
    device, num_relations = indptrs[0].device, len(indptrs)
    widths = torch.stack([indptr.diff().long() for indptr in indptrs], dim=1)
    rows = (widths.amax(dim=1) > longest).nonzero().squeeze(1) if len(widths) else widths[:, 0]
    counts = (-(-widths[rows] // longest)).flatten()
    indptr = torch.zeros(len(counts) + 1, dtype=torch.int64, device=device)
    torch.cumsum(counts, dim=0, out=indptr[1:])
    owner = torch.repeat_interleave(counts)
    relation = owner % num_relations
    starts = torch.stack([x.long() for x in indptrs])
    row = rows[owner // num_relations]
    start = starts[relation, row] + (torch.arange(len(owner), device=device) - indptr[owner]) * longest
    stop = torch.minimum(start + longest, starts[relation, row + 1])
    return Parts(torch.stack([relation, start, stop], dim=1), rows, indptr, owner)
