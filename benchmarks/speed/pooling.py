"""Mean and maximum of sets in one pass and in two: ``python -m benchmarks speed pooling``.

Sets of random sizes one after the other, with and without the gradient; the two forms take turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.speed import _results
from graphvid.ops import segment_mean_max, segment_reduce

Form = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def two_passes(x: Tensor, indptr: Tensor) -> tuple[Tensor, Tensor]:
    """Read the rows for the mean and again for the maximum."""
    return segment_reduce(x, indptr, reduce="mean"), segment_reduce(x, indptr, reduce="max")


def main(arguments: list[str]) -> None:
    """Measure and write ``pooling.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed pooling", description=__doc__)
    parser.add_argument("--channels", type=int, nargs="+", default=[16, 128, 512])
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    indptr = torch.zeros(options.sets + 1, dtype=torch.int64)
    indptr[1:] = torch.randint(0, 40, (options.sets,), generator=generator).cumsum(0)
    rows: list[dict[str, str | float]] = []
    for dim in options.channels:
        x = torch.randn(int(indptr[-1]), dim, generator=generator)
        for gradient in (False, True):
            spent = _alternate(x, indptr, gradient, options.repeats)
            rows += [
                {
                    "channels": dim,
                    "gradient": "yes" if gradient else "no",
                    "form": form,
                    "ms": 1e3 * seconds,
                    "times faster than two passes": spent["two passes"] / seconds,
                }
                for form, seconds in spent.items()
            ]
    title = f"Mean and maximum of {options.sets:,} sets of up to 39 vectors, one thread"
    print(_results.write("pooling", title, rows, write=not options.no_write, threads=1, repeats=options.repeats))


def _alternate(x: Tensor, indptr: Tensor, gradient: bool, repeats: int) -> dict[str, float]:
    forms: dict[str, Form] = {"two passes": two_passes, "one pass": segment_mean_max}
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(repeats + 1):
        for name, form in forms.items():
            values = x.clone().requires_grad_(gradient)
            start = time.process_time()
            mean, top = form(values, indptr)
            if gradient:
                (mean.sum() + top.square().sum()).backward()
            if turn:  # the first compiles
                seconds[name].append(time.process_time() - start)
    return {name: statistics.median(found) for name, found in seconds.items()}
