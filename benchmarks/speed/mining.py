"""Semi-hard mining with `graphvid.losses.SemiHardMiner` beside the bare product and two dense ways.

``python -m benchmarks speed mining``. Every cell runs in a process of its own, so that its peak memory is its own:

- product: ``anchor @ negative.T`` into one whole matrix, the least that any exact miner must compute;
- dense: what one writes first: the whole matrix, a mask of the true neighbours, ``masked_fill`` and ``min``;
- pytorch-metric-learning: ``BatchEasyHardMiner`` (semi-hard negatives) by labels, one positive each; masks no neighbours.

Peak memory is the growth of the resident set during the call, beyond the batch and what a small batch before it has
loaded and compiled (Linux only, 0 elsewhere).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F

from benchmarks.speed import _results
from graphvid.losses import SemiHardMiner
from graphvid.losses._mining import Batch, mine_tensors
from graphvid.ops import NeighborTable

DIM, DEGREE, VIDEOS = 256, 50, 100_000
CLEAR_REFS = Path("/proc/self/clear_refs")
Inputs = tuple[list[torch.Tensor], list[torch.Tensor], NeighborTable]


def make_batch(rows: int) -> Inputs:
    """Return unit vectors (negatives around their anchor, as smart ones are), ids and neighbours."""
    make = torch.Generator().manual_seed(0)
    anchor, positive, negative = (torch.randn(rows, DIM, generator=make) for _ in range(3))
    vectors = [F.normalize(x, dim=1) for x in (anchor, anchor + positive, 0.5 * anchor + negative)]
    ids = [torch.randint(0, VIDEOS, (rows,), generator=make) for _ in range(3)]
    src = torch.arange(VIDEOS).repeat_interleave(DEGREE // 2)
    dst = torch.randint(0, VIDEOS, src.shape, generator=make)
    table = NeighborTable.from_edges(torch.cat([src, dst]), torch.cat([dst, src]), num_nodes=VIDEOS)
    return vectors, ids, table


def product(inputs: Inputs) -> Callable[[], object]:
    """Return the floor."""
    (anchor, _, negative), _, _ = inputs
    out = torch.empty(len(anchor), len(negative))
    return lambda: torch.mm(anchor, negative.T, out=out)


def graphvid(inputs: Inputs, **options: str) -> Callable[[], object]:
    """Return the miner."""
    vectors, ids, table = inputs
    miner = SemiHardMiner(**options)  # type: ignore[arg-type]
    return lambda: miner(*vectors, *ids, table)


def graphvid_tensors(inputs: Inputs) -> Callable[[], object]:
    """Return the path of other devices."""
    vectors, ids, table = inputs
    return lambda: mine_tensors(Batch(*vectors, *ids, table), 0.5, 512, False)


def dense(inputs: Inputs) -> Callable[[], object]:
    """Return the whole-matrix way."""
    (anchor, positive, negative), (anchor_ids, positive_ids, negative_ids), table = inputs

    def mine() -> torch.Tensor:
        near = (anchor - positive).square().sum(dim=1, keepdim=True)
        far = 2 - 2 * anchor @ negative.T
        barred = (negative_ids == anchor_ids[:, None]) | (negative_ids == positive_ids[:, None])
        for i, video in enumerate(anchor_ids.tolist()):
            barred[i] |= torch.isin(negative_ids, table.indices[table.indptr[video] : table.indptr[video + 1]])
        gap = far - near
        return far.masked_fill(barred | (gap <= 0) | (gap > 0.5), torch.inf).min(dim=1).indices

    return mine


def metric_learning(inputs: Inputs) -> Callable[[], object]:
    """Return the miner of pytorch-metric-learning."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.miners import BatchEasyHardMiner

    (anchor, positive, negative), _, _ = inputs
    distance = LpDistance(power=2, normalize_embeddings=False)
    miner = BatchEasyHardMiner("easy", "semihard", distance=distance)
    rows = torch.arange(len(anchor))
    reference = torch.cat([positive, negative])
    labels = torch.cat([rows, rows + len(rows)])
    return lambda: miner(anchor, rows, reference, labels)


METHODS: dict[str, Callable[[Inputs], Callable[[], object]]] = {
    "product": product,
    "graphvid": graphvid,
    "graphvid, farthest_easy": lambda inputs: graphvid(inputs, fallback="farthest_easy"),
    "graphvid, all candidates": lambda inputs: graphvid(inputs, candidates="all"),
    "graphvid, tensor operations": graphvid_tensors,
    "dense": dense,
    "pytorch-metric-learning": metric_learning,
}


def _reset_peak() -> int:
    """Let the peak of the resident set start anew; return the resident bytes."""
    gc.collect()
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text("5")
    return _resident("VmRSS")


def _resident(field: str) -> int:
    """Return a figure of the kernel about this process, in bytes."""
    if not CLEAR_REFS.exists():
        return 0
    lines = CLEAR_REFS.with_name("status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


def measure(method: str, rows: int, threads: int, repeats: int) -> dict[str, float]:
    """Return CPU and wall seconds of the fastest call and the growth of the peak memory, in this process."""
    torch.set_num_threads(threads)
    METHODS[method](make_batch(64))()
    run = METHODS[method](make_batch(rows))
    before = _reset_peak()
    run()
    grown = (_resident("VmHWM") - before) / 1e6
    cpu, wall = [], []
    for _ in range(repeats):
        start = time.process_time(), time.perf_counter()
        run()
        cpu.append(time.process_time() - start[0])
        wall.append(time.perf_counter() - start[1])
    return {"cpu": min(cpu), "wall": min(wall), "grown": grown}


def main(arguments: list[str]) -> None:
    """Run all sizes and methods and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed mining", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2_400, 4_800, 9_600], help="triplets of a batch")
    parser.add_argument("--cell", nargs=2, metavar=("METHOD", "ROWS"), help="measure one cell and print it as JSON")
    options = parser.parse_args(arguments)
    if options.cell:
        cell = measure(options.cell[0], int(options.cell[1]), options.threads, options.repeats)
        print(json.dumps(cell))
        return
    table: list[dict[str, str | float]] = []
    for rows in options.sizes:
        floor = 0.0
        for method in METHODS:
            command = [sys.executable, "-m", "benchmarks", "speed", "mining", "--cell", method, str(rows)]
            command += ["--repeats", str(options.repeats), "--threads", str(options.threads)]
            freed = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}  # what is freed leaves the resident set
            cell = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=freed).stdout)
            seconds = cell["cpu"] if options.threads == 1 else cell["wall"]
            floor = floor or seconds
            figures = {"ms": seconds * 1e3, "times the product": seconds / floor, "peak MB": cell["grown"]}
            table.append({"triplets": rows, "method": method} | figures)
            print(*table[-1].values(), flush=True)
    title = f"Semi-hard mining, {DIM} dimensions, {options.threads} thread{'s' * (options.threads > 1)}"
    print(_results.write("mining", title, table, threads=options.threads, repeats=options.repeats))
