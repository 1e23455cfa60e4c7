"""All items ranked for all users with `graphvid.metrics.rank_items`, beside what one writes first.

``python -m benchmarks speed full_ranking``. Users, items and interactions of Gowalla's size and of parts of it, with
skewed popularity; random vectors of 64 dimensions; training items are no candidates. Every method ends with Recall@20
and NDCG@20 over users with a test item, and all must agree:

- product: the scores alone, by the same blocks, the least that any exact ranking must compute;
- graphvid: `rank_items` and `ranking_scores`, which also give the rank of every test item;
- torch topk: blocks of 256 users, training items set to -inf, `torch.topk`, hits looked up in a boolean block;
- numpy argpartition: the same with `numpy.argpartition` and a sort of the 20 best.

``--recommend`` measures instead the lists that are shown, 20 items for each of 2,000 users, training items left out:
`top_items` beside the bare product by blocks of 256 users, `torch.topk` as above, and `implicit`'s recommend where it is
installed (in float32, by its own product). The calls take turns in one process, so that what else the machine does
strikes all of them; the table has medians.

``--impressions`` measures `rank_impressions` on 2,000 users with 50 rows each, users together and shuffled.

Every cell runs in processes of its own: one for the time, the fastest of several calls after a small one that compiles
(CPU time with one thread, which other people's work disturbs less, else wall time); one for the peak memory, the growth
of the resident set in the first call (Linux only, 0 elsewhere), where what is freed leaves the resident set at once.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.speed import _results
from graphvid.data import Interactions
from graphvid.metrics import dot_product_scorer, rank_impressions, rank_items, ranking_scores, top_items
from graphvid.metrics._item_scores import score_blocks

USERS, ITEMS, PAIRS, TEST = 29_858, 40_981, 1_027_370, 0.2115  # Gowalla
DIM, K, BATCH = 64, 20, 256
CLEAR_REFS = Path("/proc/self/clear_refs")
Scores = tuple[float, float]
Line = dict[str, str | float]
_TITLES = {
    "recommend": f"The {K} best of {ITEMS:,} items for 2,000 users, {DIM} dimensions",
    "impressions": "Ranks of the positives among 100,000 impressions",
}


class World(NamedTuple):
    """World that is ranked."""

    train: Interactions
    test: Interactions
    users: torch.Tensor
    items: torch.Tensor


def make_world(part: float) -> World:
    """Return a part of the users, the items and the interactions; the same part is the same world."""
    rng = np.random.default_rng(0)
    users, items, pairs = (max(2, round(part * size)) for size in (USERS, ITEMS, PAIRS))
    keys = np.empty(0, dtype=np.int64)
    while len(keys) < pairs:
        user, item = (users * rng.random(pairs) ** 2).astype(int), (items * rng.random(pairs) ** 2).astype(int)
        keys = np.unique(np.concatenate([keys, user * items + item]))
    keys = rng.permutation(keys)[:pairs]
    whole = Interactions.from_pairs(keys // items, keys % items, num_users=users, num_items=items)
    train, test = whole.hold_out(TEST, seed=0)
    vectors = [torch.from_numpy(rng.standard_normal((n, DIM), dtype=np.float32)) for n in (users, items)]
    return World(train, test, *vectors)


def product(world: World) -> Scores:
    """Compute the scores, and nothing with them."""
    users = torch.from_numpy(np.flatnonzero(np.diff(world.test.indptr)))
    for _ in score_blocks(dot_product_scorer(world.users, world.items), users, None, 0):
        pass
    return math.nan, math.nan


def graphvid(world: World) -> Scores:
    """Rank with graphvid."""
    train, test = ((split.indptr, split.items) for split in (world.train, world.test))
    ranks = rank_items(dot_product_scorer(world.users, world.items), test, exclude=train)
    scores = ranking_scores(ranks, test[0], k=K)
    return scores.recall, scores.ndcg


def torch_topk(world: World) -> Scores:
    """Take the best with torch."""

    def hits_of(start: int, stop: int) -> NDArray[np.bool_]:
        scores = world.users[start:stop] @ world.items.T
        rows, items = (torch.from_numpy(x) for x in _pairs(world.train, start, stop))
        scores[rows, items] = -torch.inf
        is_test = torch.zeros(scores.shape, dtype=torch.bool)
        rows, items = (torch.from_numpy(x) for x in _pairs(world.test, start, stop))
        is_test[rows, items] = True
        return is_test.gather(1, scores.topk(K).indices).numpy()

    return _mean_scores(world, hits_of)


def numpy_argpartition(world: World) -> Scores:
    """Take the best with NumPy."""
    users, items = world.users.numpy(), world.items.numpy()

    def hits_of(start: int, stop: int) -> NDArray[np.bool_]:
        scores = users[start:stop] @ items.T
        scores[_pairs(world.train, start, stop)] = -np.inf
        best = np.argpartition(-scores, K, axis=1)[:, :K]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
        is_test = np.zeros(scores.shape, dtype=bool)
        is_test[_pairs(world.test, start, stop)] = True
        return np.take_along_axis(is_test, np.take_along_axis(best, order, axis=1), axis=1)

    return _mean_scores(world, hits_of)


METHODS: dict[str, Callable[[World], Scores]] = {
    "product": product,
    "graphvid": graphvid,
    "torch topk": torch_topk,
    "numpy argpartition": numpy_argpartition,
}


def _pairs(split: Interactions, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of some users, users counted from the first of them."""
    rows = np.repeat(np.arange(stop - start), np.diff(split.indptr[start : stop + 1]))
    return rows, split.items[split.indptr[start] : split.indptr[stop]]


def _mean_scores(world: World, hits_of: Callable[[int, int], NDArray[np.bool_]]) -> Scores:
    """Return Recall and NDCG from which of the best items of each user are test items."""
    num_users = world.test.num_users
    hits = np.concatenate([hits_of(s, min(s + BATCH, num_users)) for s in range(0, num_users, BATCH)])
    size = np.diff(world.test.indptr)
    hits, size = hits[size > 0], size[size > 0]
    gain = 1 / np.log2(np.arange(2, K + 2))
    ideal = np.cumsum(gain)[np.minimum(size, K) - 1]
    return float((hits.sum(axis=1) / size).mean()), float((hits @ gain / ideal).mean())


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


def measure(method: str, part: float, threads: int, repeats: int) -> dict[str, float]:
    """Return the growth of the peak memory in the first call, and the least wall and CPU seconds of all."""
    torch.set_num_threads(threads)
    METHODS[method](make_world(0.002))
    world = make_world(part)
    before = _reset_peak()
    times, scores, grown = [], (math.nan, math.nan), 0.0
    for call in range(repeats):
        start = time.perf_counter(), time.process_time()
        scores = METHODS[method](world)
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
        if call == 0:
            grown = (_resident("VmHWM") - before) / 1e6
    wall, cpu = (min(column) for column in zip(*times))
    return {"wall": wall, "cpu": cpu, "grown": grown, "recall": scores[0], "ndcg": scores[1]}


def _cell(method: str, part: float, threads: int, repeats: int) -> dict[str, float]:
    """Return the figures of a method, from two processes."""
    command = [sys.executable, "-m", "benchmarks", "speed", "full_ranking", "--cell", method, str(part)]
    command += ["--threads", str(threads), "--repeats"]
    figures = []
    limits = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL", "OPENBLAS")}
    for count, more in ((repeats, {}), (1, {"MALLOC_MMAP_THRESHOLD_": "65536"})):
        done = subprocess.run(
            [*command, str(count)], check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **limits, **more}
        )
        figures.append(json.loads(done.stdout))
    return {**figures[0], "grown": figures[1]["grown"]}


def recommend(repeats: int) -> list[Line]:
    """Return the seconds of the ways to find the best items of 2,000 users, by turns."""
    world = make_world(1.0)
    asked = torch.arange(2_000)
    train, scorer = (world.train.indptr, world.train.items), dot_product_scorer(world.users, world.items)

    def bare() -> None:
        for some in asked.split(BATCH):
            scorer(some)

    def ours() -> NDArray[np.int64]:
        return top_items(scorer, asked, K, train).items.numpy()

    def topk() -> NDArray[np.int64]:
        found = []
        for some in asked.split(BATCH):
            scores = scorer(some)
            rows, items = (torch.from_numpy(x) for x in _pairs(world.train, int(some[0]), int(some[-1]) + 1))
            scores[rows, items] = -torch.inf
            found.append(scores.topk(K).indices)
        return torch.cat(found).numpy()

    methods: dict[str, Callable[[], object]] = {"product": bare, "graphvid top_items": ours, "torch topk": topk}
    try:
        from implicit.cpu.als import AlternatingLeastSquares
    except ImportError:
        pass
    else:
        model = AlternatingLeastSquares(factors=DIM, num_threads=torch.get_num_threads())
        model.user_factors, model.item_factors = world.users.numpy(), world.items.numpy()
        seen = sparse.csr_array(
            (np.ones(len(world.train.items), np.float32), world.train.items, world.train.indptr),
            shape=(len(world.users), len(world.items)),
        )
        own = sparse.csr_matrix(seen[: len(asked)])
        methods["implicit recommend"] = lambda: model.recommend(
            asked.numpy(), own, N=K, filter_already_liked_items=True
        )[0]
    return _by_turns(methods, repeats, {"users": len(asked), "items": len(world.items)})


def impressions(repeats: int) -> list[Line]:
    """Return the seconds of `rank_impressions` and of the sort of all rows by which ties go by id."""
    rng = np.random.default_rng(0)
    size = 2_000 * 50
    user, item, score = np.repeat(np.arange(2_000), 50), rng.integers(0, ITEMS, size), rng.random(size)
    label, order = rng.random(size) < 0.2, rng.permutation(size)
    columns = (label, score, user, item)
    shuffled = tuple(column[order] for column in columns)
    return _by_turns(
        {
            "users together": lambda: rank_impressions(*columns),
            "users shuffled": lambda: rank_impressions(*shuffled),
            "ties by id, a sort of all rows": lambda: rank_impressions(*columns, ties="id"),
        },
        repeats,
        {"users": 2_000, "items": ITEMS},
    )


def _by_turns(methods: dict[str, Callable[[], object]], repeats: int, size: dict[str, int]) -> list[Line]:
    """Return the median seconds of methods that take turns, beside the first one's, after a call that compiles."""
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for turn in range(repeats + 1):
        for name, method in methods.items():
            start = time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()
            method()
            stop = time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()
            if turn:
                seconds[name].append(stop - start)
    first = float(np.median(next(iter(seconds.values()))))
    return [
        {**size, "method": name, "s": float(np.median(times)), "times the first": float(np.median(times)) / first}
        for name, times in seconds.items()
    ]


def main(arguments: list[str]) -> None:
    """Run all sizes and methods and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed full_ranking", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--parts", type=float, nargs="+", default=[0.25, 0.5, 1.0], help="of users, items and pairs")
    parser.add_argument("--cell", nargs=2, metavar=("METHOD", "PART"), help="measure one cell and print it as JSON")
    parser.add_argument("--recommend", action="store_true", help="measure top_items instead")
    parser.add_argument("--impressions", action="store_true", help="measure rank_impressions instead")
    options = parser.parse_args(arguments)
    if options.recommend or options.impressions:
        torch.set_num_threads(options.threads)
        name = "recommend" if options.recommend else "impressions"
        table = recommend(options.repeats) if options.recommend else impressions(options.repeats)
        settings = {"threads": options.threads, "repeats": options.repeats}
        command = " ".join(["python -m benchmarks speed full_ranking", *arguments])
        print(_results.write(f"full_ranking_{name}", _TITLES[name], table, command=command, **settings))
        return
    if options.cell:
        print(json.dumps(measure(options.cell[0], float(options.cell[1]), options.threads, options.repeats)))
        return
    table = []
    for part in options.parts:
        size = {"users": round(part * USERS), "items": round(part * ITEMS)}
        expected: dict[str, float] = {}
        floor = 0.0
        for method in METHODS:
            cell = _cell(method, part, options.threads, options.repeats)
            seconds = cell["cpu" if options.threads == 1 else "wall"]
            floor = floor or seconds
            if not math.isnan(cell["recall"]):
                found = {name: cell[name] for name in ("recall", "ndcg")}
                expected = expected or found
                if any(abs(found[name] - expected[name]) > 1e-6 for name in found):
                    raise RuntimeError(f"{method} found {found}, the first method {expected}")
            figures = {"s": seconds, "times the product": seconds / floor, "peak MB": cell["grown"]}
            table.append({**size, "method": method} | figures)
            print(*table[-1].values(), flush=True)
    threads = f"{options.threads} thread{'s' * (options.threads > 1)}"
    title = f"All items ranked for all users, {DIM} dimensions, {threads}"
    print(_results.write("full_ranking", title, table, threads=options.threads, repeats=options.repeats))
