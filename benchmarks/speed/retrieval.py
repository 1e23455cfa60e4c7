"""The scan of codes beside FAISS's, and what an index of each kind costs: ``python -m benchmarks speed retrieval``.

Two tables, each beside FAISS in the same run; CPU seconds of one thread, the median of rounds in which each has its turn:

- ``scan``: 100,000 items of 4, 8 and 16 bytes, the 10 best of 100 queries. `CodeIndex` and FAISS's ``IndexPQ`` hold the same
  codes of 256 codewords and must find the same scores; ``IndexPQFastScan`` has codes of 16 codewords and the same bytes.
- ``indices``: 10,000 to a million vectors of 64 dimensions (``--sizes``): bytes of the file, seconds to build, milliseconds a
  query, and the overlap of the 10 best with those of the exact search. Vectors are a mixture of 2,000 normal
  distributions in 16 dimensions, mapped to 64, with noise; queries are drawn like items and are none of them.

Rows of 10 million and a billion items are marked as extrapolated: bytes by item, which are exact but for what does not
grow; times of searches that visit a fixed share of the items, in proportion to the largest size measured. The search of a
graph (``hnsw``) visits about log(items) of them, so its time is not extrapolated.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._measure import interleaved
from benchmarks.speed import _results
from graphvid.metrics import top_k_overlap
from graphvid.retrieval import CodeIndex, VectorIndex, to_faiss

DIM, TOP_K = 64, 10
SCANNED, SCAN_QUERIES, SCAN_BYTES = 100_000, 100, (4, 8, 16)
SIZES, QUERIES, REPEATS = (10_000, 100_000, 1_000_000), 50, 9
LARGEST_GRAPH = 100_000  # a million take several minutes to build
EXTRAPOLATED = (10_000_000, 1_000_000_000)
KINDS: dict[str, dict[str, int]] = {
    "flat": {},
    "hnsw": {"ef_construction": 80},
    "pq": {"num_codebooks": 16},
    "ivfpq": {"num_codebooks": 16},
    "fastscan": {"num_codebooks": 32},
}
Line = dict[str, str | float]


def scan_rows(repeats: int) -> Iterator[Line]:
    """Give the rows of the scans."""
    rng = np.random.default_rng(0)
    queries = rng.standard_normal((SCAN_QUERIES, DIM), dtype=np.float32)
    for num_bytes in SCAN_BYTES:
        ours, small = (_random_codes(rng, *shape) for shape in ((num_bytes, 256), (2 * num_bytes, 16)))
        theirs, fast = to_faiss(ours, "pq").index, to_faiss(small, "fastscan").index
        error = float(np.abs(ours.search(queries, TOP_K).scores - theirs.search(queries, TOP_K)[0]).max())
        if error > 1e-5 * float(np.abs(ours.search(queries, 1).scores).max()):
            raise RuntimeError(f"the scores of FAISS differ from ours by {error}")
        medians = interleaved(
            {
                "graphvid CodeIndex": lambda ours=ours: ours.search(queries, TOP_K),
                "FAISS IndexPQ": lambda theirs=theirs: theirs.search(queries, TOP_K),
                "FAISS IndexPQFastScan": lambda fast=fast: fast.search(queries, TOP_K),
            },
            repeats=repeats,
            clock=time.process_time,
        )
        for method, seconds in medians.items():
            share = seconds / medians["FAISS IndexPQ"]
            yield {
                "bytes an item": num_bytes,
                "method": method,
                "ms a query": 1e3 * seconds / SCAN_QUERIES,
                "times IndexPQ": share,
            }


def index_rows(sizes: list[int]) -> Iterator[Line]:
    """Give the rows of the indices, those measured and those extrapolated from the largest size."""
    whole = make_vectors(max(sizes) + QUERIES)
    queries, items = whole[:QUERIES], whole[QUERIES:]
    largest: dict[str, Line] = {}
    for size in sizes:
        vectors = items[:size]
        exact, seconds = _timed(lambda vectors=vectors: VectorIndex(vectors))
        best = exact.search(queries, TOP_K).ids
        found = [_row(size, "graphvid VectorIndex", exact.vectors.nbytes, seconds, exact, queries, best)]
        for kind, options in KINDS.items():
            if kind == "hnsw" and size > LARGEST_GRAPH:
                continue
            index, seconds = _timed(lambda kind=kind, options=options, exact=exact: to_faiss(exact, kind, **options))
            name = f"FAISS {kind}"
            found.append(_row(size, name, _bytes_on_disk(index), seconds, index, queries, best))
            if kind == "pq":
                codes = index.to_codes()
                found.append(_row(size, "graphvid CodeIndex", _bytes_on_disk(codes), seconds, codes, queries, best))
            del index
        largest |= {str(row["index"]): row for row in found}
        yield from found
    for size in EXTRAPOLATED:
        for row in largest.values():
            grown = size / float(row["items"])
            yield {
                **row,
                "items": size,
                "MB": float(row["MB"]) * grown,
                "s to build": "",
                "overlap": "",
                "ms a query": "" if row["index"] == "FAISS hnsw" else float(row["ms a query"]) * grown,
                "how": f"extrapolated from {row['items']:,}",
            }


def make_vectors(number: int) -> NDArray[np.float32]:
    """Return vectors with neighbours: a mixture in 16 dimensions, mapped to 64, with noise."""
    rng = np.random.default_rng(1)
    centers = rng.standard_normal((2000, 16), dtype=np.float32)
    inner = centers[rng.integers(0, len(centers), number)] + 0.5 * rng.standard_normal((number, 16), dtype=np.float32)
    vectors: NDArray[np.float32] = inner @ rng.standard_normal((16, DIM), dtype=np.float32)
    return vectors + 0.3 * rng.standard_normal((number, DIM), dtype=np.float32)


def _random_codes(rng: np.random.Generator, num_codebooks: int, num_codewords: int) -> CodeIndex:
    codebooks = rng.standard_normal((num_codebooks, num_codewords, DIM // num_codebooks), dtype=np.float32)
    return CodeIndex(rng.integers(0, num_codewords, (SCANNED, num_codebooks)), codebooks)


def _row(
    size: int, name: str, num_bytes: int, seconds: float, index: Any, queries: NDArray[np.float32], best: NDArray[Any]
) -> Line:
    """Search with an index of any class, and describe it."""
    overlap = float(top_k_overlap(index.search(queries, TOP_K).ids, best).mean())
    median = interleaved({name: lambda: index.search(queries, TOP_K)}, repeats=3, clock=time.process_time)[name]
    return {
        "items": size,
        "index": name,
        "MB": num_bytes / 1e6,
        "bytes an item": num_bytes / size,
        "s to build": seconds,
        "ms a query": 1e3 * median / len(queries),
        "overlap": overlap,
        "how": "measured",
    }


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    result = function()
    return result, time.process_time() - began


def _bytes_on_disk(index: Any) -> int:
    """Return the bytes of all files that hold an index."""
    with tempfile.TemporaryDirectory() as folder:
        index.save(Path(folder) / ("x.safetensors" if isinstance(index, CodeIndex) else "x.faiss"))
        return sum(file.stat().st_size for file in Path(folder).iterdir())


def main(arguments: list[str]) -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed retrieval", description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=("scan", "indices"), default=["scan", "indices"])
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="items of the second table")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="rounds of the first table")
    options = parser.parse_args(arguments)
    import faiss
    import numba
    from threadpoolctl import threadpool_limits

    faiss.omp_set_num_threads(1)
    numba.set_num_threads(1)
    made = {
        "scan": ("retrieval_scan", f"{SCANNED:,} codes scanned, {DIM} dimensions", lambda: scan_rows(options.repeats)),
        "indices": ("retrieval_indices", f"Indices of vectors of {DIM} dimensions", lambda: index_rows(options.sizes)),
    }
    with threadpool_limits(1):
        for table in options.tables:
            name, title, rows_of = made[table]
            rows = []
            for row in rows_of():
                rows.append(row)
                print(*row.values(), flush=True)
            command = f"python -m benchmarks speed retrieval --tables {table}"
            if table == "indices" and options.sizes != list(SIZES):
                command += " --sizes " + " ".join(map(str, options.sizes))
            print(_results.write(name, title, rows, command=command, threads=1, faiss=faiss.__version__))
