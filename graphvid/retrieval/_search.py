"""Parts of all searches: exclusion of items, the check of ``top_k``, and threads over queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from graphvid._checks import check_count
from graphvid.retrieval._ids import Ids, find


class Exclusions(NamedTuple):
    """Ascending positions of excluded items: for all queries, and as CSR for each query."""

    shared: NDArray[np.int64]
    indptr: NDArray[np.int64]
    own: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Return the number of excluded items of each query."""
        further = np.concatenate([[0], np.cumsum(~np.isin(self.own, self.shared))])
        return len(self.shared) + np.diff(further[self.indptr])


def find_exclusions(exclude: Any, exclude_each: Any, ids: Ids, num_queries: int) -> Exclusions:  # Any: see `search`
    """Return the positions of the ids to exclude; unknown ids are no error."""
    shared = _positions("exclude", exclude, ids)
    if exclude_each is None:
        return Exclusions(shared, np.zeros(num_queries + 1, np.int64), np.empty(0, np.int64))
    if not isinstance(exclude_each, Sequence) or isinstance(exclude_each, str) or len(exclude_each) != num_queries:
        got = len(exclude_each) if isinstance(exclude_each, Sequence) else type(exclude_each).__name__
        raise ValueError(f"exclude_each must be a sequence of {num_queries} lists of ids, one a query, got {got}")
    rows = [_positions(f"exclude_each[{q}]", row, ids) for q, row in enumerate(exclude_each)]
    indptr = np.cumsum([0, *(row.size for row in rows)], dtype=np.int64)
    return Exclusions(shared, indptr, np.concatenate([np.empty(0, np.int64), *rows]))


def check_top_k(top_k: Any, left_out: Exclusions, num_items: int) -> int:  # Any: whatever the caller gave
    """Return ``top_k``; raise if a query has fewer items left."""
    wanted = check_count("top_k", top_k)
    left = num_items - left_out.counts
    short = np.flatnonzero(left < wanted)
    if short.size or num_items < wanted:
        where = f" for query {short[0]}" if short.size else ""
        fewest = int(left[short[0]]) if short.size else num_items
        raise ValueError(
            f"top_k must be at most the number of items that are not excluded, got {wanted} with {fewest} left{where}"
        )
    return wanted


def over_rows(kernel: Callable[..., None], num_rows: int, *arguments: Any) -> None:  # Any: what the kernel takes
    """Run ``kernel(first, last, *arguments)`` over all rows, on PyTorch's number of threads.

    It does not use Numba's threads: Numba would start its own and change the number of PyTorch's threads.
    """
    num_threads = min(torch.get_num_threads(), num_rows)
    if num_threads < 2:
        kernel(0, num_rows, *arguments)
        return
    cuts = np.linspace(0, num_rows, num_threads + 1).astype(np.int64).tolist()
    with ThreadPoolExecutor(num_threads) as pool:
        for done in [pool.submit(kernel, *some, *arguments) for some in pairwise(cuts)]:
            done.result()


def _positions(name: str, wanted: Any, ids: Ids) -> NDArray[np.int64]:
    positions = np.unique(find(name, [] if wanted is None else wanted, ids))
    return positions[positions >= 0]
