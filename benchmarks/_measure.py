"""Time, memory and the machine: how every benchmark measures.

``interleaved`` compares functions fairly on a machine that others use too: it takes turns, and the median leaves out the
turns that were disturbed. ``measured`` gives what one long call took. ``in_own_process`` does the same in a fresh process,
whose memory holds nothing of what ran before::

    medians = interleaved({"graphvid": ours, "scipy": theirs}, repeats=5)
    edges, cost = in_own_process(build, 1_000_000)  # `build` is a function of a module
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import platform
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux


class Cost(NamedTuple):
    """Cost of a call."""

    seconds: float  # on the clock on the wall
    cpu_seconds: float  # of all threads, and of child processes that have ended
    peak_mb: float  # MiB: the most memory the process had during the call; elsewhere than on Linux, since it began
    grown_mb: float  # MiB: how much more that is than before the call


def measured(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> tuple[R, Cost]:
    """Call a function; return its result, and what it took."""
    gc.collect()
    if _CLEAR.exists():
        _CLEAR.write_text("5")  # the peak starts anew
    before, began = peak_mb(), (time.perf_counter(), cpu_seconds())
    result = function(*args, **kwargs)
    seconds, cpu, peak = time.perf_counter() - began[0], cpu_seconds() - began[1], peak_mb()
    return result, Cost(seconds, cpu, peak, peak - before)


def in_own_process(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> tuple[R, Cost]:
    """Do the same in a new process; imports of the function's module do not count.

    The function, its arguments and its result travel between processes: a function of a module, not a lambda.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (function, *args), kwargs)


def interleaved(
    functions: Mapping[str, Callable[[], object]], *, repeats: int = 5, clock: Callable[[], float] | None = None
) -> dict[str, float]:
    """Return the median seconds of each function over ``repeats`` rounds in which each has its turn.

    A first round, which is not counted, compiles and fills caches. ``clock=time.process_time`` counts the time of this
    process alone: of one thread it is the better one on a machine that others use.
    """
    now = time.perf_counter if clock is None else clock
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(1 + repeats):
        for name, function in functions.items():
            began = now()
            function()
            if turn:
                seconds[name].append(now() - began)
    return {name: statistics.median(of_name) for name, of_name in seconds.items()}


def cpu_seconds() -> float:
    """Return the CPU time of this process so far: all threads, and child processes that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def peak_mb() -> float:
    """Return the most memory that this process has had at one time, in MiB; since the last `measured` began, on Linux.

    Not ``ru_maxrss`` where Linux says it better: a process inherits that figure from the one that started it.
    """
    if _STATUS.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text(encoding="utf-8"))
        if found is not None:
            return int(found.group(1)) / 2**10
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def machine() -> dict[str, str | int | float]:
    """Return what figures of time depend on besides code, versions and threads."""
    return {"processor": _processor(), "cores": os.cpu_count() or 1, "load": round(os.getloadavg()[0], 1)}


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of installed packages, by default of those that all benchmarks stand on."""
    names = packages or ("graphvid", "torch", "dgl", "numba", "numpy", "lightning")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
