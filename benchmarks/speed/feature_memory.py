"""Memory of ``graphvid train rgc`` by the size and the form of its features, as slopes between sizes.

``python -m benchmarks speed feature_memory``. A generated graph with four neighbours a video, features of random numbers,
and a whole run: read, check, train for a few steps, embed, rank by the embedding and by raw and standardised features, save.
The forms:

- in memory: a ``.npz`` of one dense array;
- memory map: a ``.npy``;
- sparse: a CSR ``.npz`` of a hundred values a video in twenty times as many columns as the dense ones.

Every run is a process of its own, in which a small run was made before. Peak is the most memory that the process had in the
run, pages of mapped files included, grown how much more that is than before the run. The slope is the growth of that between
two sizes over the growth of the features' bytes, graph and vectors included; below some 20,000 videos the blocks that a run
works in are not yet full, and it is too high. The bytes of a sparse matrix are its values, columns and starts of rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks._measure import in_own_process, measured
from benchmarks.speed import _results
from graphvid.models import RGCConfig
from graphvid.tasks import train
from graphvid.tasks.co_watch import CoWatchSource

FORMS = {"in memory": "dense.npz", "memory map": "dense.npy", "sparse": "csr.npz"}
NEIGHBORS, VALUES = 4, 100
CONFIG = RGCConfig(num_steps=20, hidden=(64,))


def main(arguments: list[str]) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed feature_memory", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[30_000, 60_000], help="videos, ascending")
    parser.add_argument("--columns", type=int, default=1536, help="of dense features")
    parser.add_argument("--forms", nargs="+", default=list(FORMS), choices=FORMS)
    parser.add_argument("--no-write", action="store_true", help="only print the table")
    options = parser.parse_args(arguments)
    rows: list[dict[str, str | float]] = []
    for form in options.forms:
        before: tuple[float, float] | None = None
        for size in options.sizes:
            with tempfile.TemporaryDirectory() as folder:
                stored = write_source(Path(folder), form, size, options.columns) / 2**20
                (peak, grown), _ = in_own_process(measure, folder, form, options.columns)
            slope = "" if before is None else (grown - before[1]) / (stored - before[0])
            before = stored, grown
            rows.append(
                {
                    "form": form,
                    "videos": size,
                    "features MiB": round(stored),
                    "peak MiB": round(peak),
                    "grown MiB": round(grown),
                    "slope": slope,
                }
            )
            print(*rows[-1].values(), file=sys.stderr, flush=True)
    title = "Memory of a run by the bytes of its features"
    print(_results.write("feature_memory", title, rows, write=not options.no_write, columns=options.columns))


def write_source(folder: Path, form: str, num_videos: int, num_columns: int) -> int:
    """Write features and edges of a run; return the bytes of the features as float32 in memory."""
    rng = np.random.default_rng(0)
    src = np.repeat(np.arange(num_videos), NEIGHBORS // 2)
    dst = (src + rng.integers(1, 50, len(src))) % num_videos
    pairs = np.unique(np.stack([src, dst]), axis=1)
    np.savetxt(folder / "edges.csv", pairs.T, fmt="%d", delimiter=",", header="src,dst", comments="")
    if form == "sparse":
        width = 20 * num_columns
        indices = rng.integers(0, width, (num_videos, VALUES), dtype=np.int32)
        parts = (
            rng.random(indices.size, np.float32),
            indices.ravel(),
            np.arange(0, indices.size + 1, VALUES, np.int32),
        )
        sparse.save_npz(folder / FORMS[form], sparse.csr_array(parts, shape=(num_videos, width)), compressed=False)
        return sum(part.nbytes for part in parts)
    table: Any = np.lib.format.open_memmap(
        folder / "dense.npy", mode="w+", dtype=np.float32, shape=(num_videos, num_columns)
    )
    for start in range(0, num_videos, 1000):
        table[start : start + 1000] = rng.standard_normal((min(1000, num_videos - start), num_columns), np.float32)
    table.flush()
    if form == "in memory":
        np.savez(folder / FORMS[form], features=table)
    return int(table.nbytes)


def measure(folder: str, form: str, num_columns: int) -> tuple[float, float]:
    """Return the peak of a run and how much it grew, kernels compiled before by a small run."""
    with tempfile.TemporaryDirectory() as small:
        write_source(Path(small), form, 500, num_columns)
        _run(Path(small), form)
    _, cost = measured(_run, Path(folder), form)
    return cost.peak_mb, cost.grown_mb


def _run(folder: Path, form: str) -> None:
    source = CoWatchSource(edges=str(folder / "edges.csv"), features=str(folder / FORMS[form]))
    train("rgc", source, folder / "run", CONFIG, progress=False)
