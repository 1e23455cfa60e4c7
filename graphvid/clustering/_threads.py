"""Threads over ranges of rows, for kernels without the GIL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numpy.typing import DTypeLike, NDArray

from graphvid._checks import check_integer
from graphvid.clustering._kernels import HalfEdges

EDGES_PER_THREAD = 1 << 17  # with fewer edges, starting a thread costs more than it saves
_EDGES_PER_ROW = 3  # measured cost of starting a row, in edges
_BLOCKS = 1 << 12  # of rows, at whose ends the ranges are cut


class Threads:
    """Runs a kernel over ranges of rows with about equally many edges; a free thread takes the next range.

    The rows that a thread gets depend on chance; the results of the kernels must not.
    """

    def __init__(self, num_threads: int | None = None) -> None:
        check_integer("num_threads", num_threads, 1, 2**16, none=True)
        # numba.get_num_threads() would start Numba's own threads and, with OpenMP, set PyTorch's number of threads
        most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined] # read from the environment
        self.num_threads = most if num_threads is None else int(num_threads)
        self._pool = ThreadPoolExecutor(self.num_threads)  # starts threads with the first work

    def split(self, rows: HalfEdges, per_thread: int = 1) -> NDArray[np.int64]:
        """Return ranges of rows, (number of ranges, 2); several per thread balance their load."""
        num_rows = len(rows.starts)
        if self.num_threads == 1 or num_rows == 0:
            return np.array([[0, num_rows]])
        firsts = np.arange(0, num_rows, max(1, num_rows // _BLOCKS))
        work = np.add.reduceat(rows.stops, firsts) - np.add.reduceat(rows.starts, firsts)
        ends = np.cumsum(work + _EDGES_PER_ROW * np.diff(firsts, append=num_rows))
        parts = self._parts(int(ends[-1]), per_thread)
        cuts = np.searchsorted(ends, np.arange(1, parts) * int(ends[-1]) // parts)
        return pairs(np.concatenate([[0], firsts[cuts], [num_rows]]))

    def split_evenly(self, length: int) -> NDArray[np.int64]:
        """Return ranges of equal length, (number of ranges, 2)."""
        return pairs(np.linspace(0, length, self._parts(length, 1) + 1).astype(np.int64))

    def _parts(self, num_edges: int, per_thread: int) -> int:
        threads = min(self.num_threads, num_edges // EDGES_PER_THREAD)
        return per_thread * threads if threads > 1 else 1

    def tables(self, ranges: NDArray[np.int64], length: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return an empty table for each thread that works on the ranges, (number of threads, length)."""
        return np.empty((min(self.num_threads, len(ranges)), length), dtype)

    def run(
        self,
        kernel: Callable[..., Any],
        ranges: NDArray[np.int64],
        arguments: Callable[[int], tuple[Any, ...]],
        tables: NDArray[Any] | None = None,
        empty: float = 0,
    ) -> list[Any]:
        """Return ``kernel(first, last, *arguments(t))`` of every range ``t``.

        With ``tables``, the kernel's last argument is the table of the thread, filled with ``empty`` at first; a thread
        takes its ranges in ascending order.
        """
        results: list[Any] = [None] * len(ranges)
        pending = iter(enumerate(ranges.tolist()))

        def work(thread: int) -> None:
            own: tuple[Any, ...] = ()
            if tables is not None:
                tables[thread].fill(empty)
                own = (tables[thread],)
            for t, (first, last) in pending:
                results[t] = kernel(first, last, *arguments(t), *own)

        others = [self._pool.submit(work, k) for k in range(1, min(self.num_threads, len(ranges)))]
        work(0)
        for other in others:
            other.result()
        return results


def pairs(bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ranges between consecutive bounds."""
    return np.stack([bounds[:-1], bounds[1:]], axis=1)
