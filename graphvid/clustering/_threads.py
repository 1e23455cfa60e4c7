"""Threads over ranges of rows, for kernels without the GIL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from graphvid.clustering._kernels import Rows

EDGES_PER_THREAD = 1 << 17  # with fewer edges a thread is not worth its start
_EDGES_PER_ROW = 3  # what beginning a row costs, in edges; measured


class Threads:
    """Runs a kernel over ranges of rows that hold about equally many edges, each range on one thread.

    Which rows a thread gets depends on their number; what the kernels compute must not.
    """

    def __init__(self, num_threads: int | None = None) -> None:
        self.num_threads = numba.get_num_threads() if num_threads is None else num_threads
        if self.num_threads < 1:
            raise ValueError(f"num_threads must be >= 1, got {num_threads}")
        self._pool = ThreadPoolExecutor(self.num_threads)  # starts threads when it gets work, ends them with itself

    def split(self, rows: Rows) -> NDArray[np.int64]:
        """Return ranges of rows, (number of ranges, 2)."""
        num_rows = len(rows.starts)
        if self.num_threads == 1 or num_rows == 0:
            return np.array([[0, num_rows]])
        ends = np.cumsum(rows.stops - rows.starts + _EDGES_PER_ROW)
        parts = int(max(1, min(self.num_threads, ends[-1] // EDGES_PER_THREAD)))
        cuts = np.searchsorted(ends, np.arange(1, parts) * (ends[-1] / parts))
        return _pairs(np.concatenate([[0], cuts, [num_rows]]))

    def split_evenly(self, length: int) -> NDArray[np.int64]:
        """Return ranges of equal length, (number of ranges, 2)."""
        parts = max(1, min(self.num_threads, length // EDGES_PER_THREAD))
        return _pairs(np.linspace(0, length, parts + 1).astype(np.int64))

    def run(
        self, kernel: Callable[..., Any], ranges: NDArray[np.int64], arguments: Callable[[int], tuple[Any, ...]]
    ) -> list[Any]:
        """Return ``kernel(first, last, *arguments(t))`` of every range ``t``."""
        calls = [(int(first), int(last), *arguments(t)) for t, (first, last) in enumerate(ranges)]
        if len(calls) == 1:
            return [kernel(*calls[0])]
        return list(self._pool.map(lambda call: kernel(*call), calls))


def _pairs(bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack([bounds[:-1], bounds[1:]], axis=1)
