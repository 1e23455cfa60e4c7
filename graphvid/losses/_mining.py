"""Mining of a batch by row blocks, in two ways: tensor operations on any device, and one fused pass on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphvid.losses import _kernels
from graphvid.losses.candidates import CandidateLookup
from graphvid.ops import NeighborTable


class Batch(NamedTuple):
    """A batch to mine: unit vectors of the rows and of the candidates, and their videos."""

    anchor: Tensor  # (batch, dim)
    positive: Tensor  # (batch, dim)
    bank: Tensor  # (num_candidates, dim)
    anchor_ids: Tensor  # (batch,)
    positive_ids: Tensor  # (batch,)
    bank_ids: Tensor  # (num_candidates,)
    neighbors: NeighborTable | None

    def blocks(self, block_size: int) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Yield the rows of each block, their cosines to all candidates, and to their positives (at most 1)."""
        buffer = self.anchor.new_empty(min(block_size, len(self.anchor)), len(self.bank))
        for start in range(0, len(self.anchor), block_size):
            rows = slice(start, min(start + block_size, len(self.anchor)))
            anchor = self.anchor[rows]
            cosine = torch.mm(anchor, self.bank.T, out=buffer[: len(anchor)])
            yield rows, cosine, (anchor * self.positive[rows]).sum(dim=1).clamp(max=1.0)


def mine_tensors(batch: Batch, margin: float, block_size: int, farthest: bool) -> Tensor:
    """Return the chosen candidate of each row in row 0 and the farthest one in row 1, -1 where there is none."""
    lookup = CandidateLookup(batch.bank_ids, batch.neighbors)
    chosen = batch.anchor_ids.new_full((2, len(batch.anchor)), -1)
    for rows, cosine, upper in batch.blocks(block_size):
        cosine[lookup.excluded(batch.anchor_ids[rows], batch.positive_ids[rows])] = torch.inf
        if farthest:
            least, index = cosine.min(dim=1)
            chosen[1, rows] = torch.where(least < torch.inf, index, -1)
        best, index = cosine.masked_fill_(cosine >= upper[:, None], -torch.inf).max(dim=1)
        chosen[0, rows] = torch.where(best >= upper - margin / 2, index, -1)
    return chosen


def mine_fused(batch: Batch, margin: float, block_size: int, farthest: bool) -> Tensor:
    """Return the result of `mine_tensors` for float32 on the CPU; after the product it reads each cosine once.

    PyTorch's number of threads share the rows of a block.
    """
    anchor_ids, positive_ids, bank_ids = (x.numpy() for x in (batch.anchor_ids, batch.positive_ids, batch.bank_ids))
    table = batch.neighbors
    if table is None:  # one row that all share
        indptr, indices = np.zeros(2, dtype=np.int64), np.empty(0, dtype=np.int64)
    else:
        indptr, indices = table.indptr.numpy(), table.indices.numpy()
    places = _kernels._place_ids(bank_ids, max(4 * len(bank_ids), 2).bit_length())
    chosen = np.empty((2, len(anchor_ids)), dtype=np.int64)
    num_threads = torch.get_num_threads()
    with ThreadPoolExecutor(num_threads) as pool:
        for rows, cosine, upper in batch.blocks(block_size):
            lower = upper - margin / 2
            block = (cosine.numpy(), upper.numpy(), lower.numpy(), anchor_ids[rows], positive_ids[rows])

            def choose(part: slice, block: tuple[np.ndarray, ...] = block, out: np.ndarray = chosen[:, rows]) -> None:
                own = (x[part] for x in block)
                _kernels._choose(*own, indptr, indices, bank_ids, *places, farthest, out[:, part])

            step = -(-len(upper) // num_threads)
            parts = [slice(k, k + step) for k in range(0, len(upper), step)]
            if len(parts) == 1:
                choose(parts[0])
            else:
                list(pool.map(choose, parts))
    return torch.from_numpy(chosen)
