"""Look-up of the excluded candidates of a batch: for each row its own video, its partner and its true neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

from graphvid.ops.neighbors import NeighborTable, expand_ranges


class CandidateLookup:
    """Finds all columns of a block that hold an excluded video: the row's own ids or a true neighbour.

    Parameters
    ----------
    candidate_ids : Tensor, shape (num_candidates,), int64
        Video id of each candidate column; a video may occur any number of times.
    neighbors : NeighborTable or None
        True neighbours; ``None`` masks only the row's own ids.
    """

    def __init__(self, candidate_ids: Tensor, neighbors: NeighborTable | None) -> None:
        self.sorted_ids, self.columns = torch.sort(candidate_ids)
        self.neighbors = neighbors

    def excluded(self, query_ids: Tensor, partner_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``(rows, columns)`` of all excluded entries of the block whose rows are these queries.

        Row ``i`` excludes every column that holds ``query_ids[i]``, ``partner_ids[i]`` or a neighbour of ``query_ids[i]``.
        A pair may come twice. Memory O(sum of degrees + number of excluded entries).
        """
        rows = torch.arange(query_ids.numel(), device=query_ids.device)
        all_rows, all_ids = [rows, rows], [query_ids, partner_ids]
        if self.neighbors is not None:
            owner, ids = listed_neighbors(query_ids, self.neighbors)
            all_rows.append(owner)
            all_ids.append(ids)
        return self.holding(torch.cat(all_rows), torch.cat(all_ids))

    def holding(self, rows: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``(rows, columns)`` of the entries whose column holds an id that is listed for the row."""
        first = torch.searchsorted(self.sorted_ids, ids)
        count = torch.searchsorted(self.sorted_ids, ids, right=True) - first
        slots, owner = expand_ranges(first, count)
        return rows[owner], self.columns[slots]


def listed_neighbors(query_ids: Tensor, neighbors: NeighborTable) -> tuple[Tensor, Tensor]:
    """Return the neighbours of all queries in one list: for each the row of its query, and its id."""
    starts = neighbors.indptr[query_ids]
    slots, owner = expand_ranges(starts, neighbors.indptr[query_ids + 1] - starts)
    return owner, neighbors.indices[slots]
