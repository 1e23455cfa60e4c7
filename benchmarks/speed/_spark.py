"""A session of Spark in local mode, and what its processes take: Java's, and Python's workers under it. Linux only."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._measure import Cost

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def session(memory: str) -> Iterator[SparkSession]:
    """Give a session with one thread and a limit of Java's memory; it ends with the block."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    options = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": memory,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master("local[1]")
    for name, value in options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()


def measured(spark: SparkSession, function: Callable[[], object]) -> tuple[Cost, float]:
    """Call a function; return what Spark's processes and this one took together, and the MB they shuffled."""
    java = int(spark._jvm.java.lang.ProcessHandle.current().pid())
    for pid in _family(java):
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak starts anew
    before, used, shuffled, began = _memory(java, "VmRSS"), _cpu_seconds(java), _shuffled(spark), time.perf_counter()
    function()
    seconds = time.perf_counter() - began
    peak = _memory(java, "VmHWM")
    return Cost(seconds, _cpu_seconds(java) - used, peak, peak - before), _shuffled(spark) - shuffled


def _shuffled(spark: SparkSession) -> float:
    """Return the MB that all stages so far have written for others to read."""
    executors = spark._jsc.sc().statusStore().executorList(True)
    return sum(executors.apply(at).totalShuffleWrite() for at in range(executors.size())) / 1e6


def _family(java: int) -> list[int]:
    """Return this process, Java's, and all below that one."""
    states = {int(name): _stat(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    parents = {pid: int(state[1]) for pid, state in states.items() if state}
    found = [java]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return [os.getpid(), *found]


def _stat(pid: int) -> list[str]:
    """Return what the kernel says of a process, from its state on; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_seconds(java: int) -> float:
    """Return the CPU time of the family, with that of children that have ended."""
    return sum(sum(map(int, _stat(pid)[11:15])) for pid in _family(java)) / _TICKS


def _memory(java: int, field: str) -> float:
    """Return the sum of a figure of memory over the family, in MiB."""
    total = 0
    for pid in _family(java):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        found = re.search(rf"{field}:\s+(\d+) kB", status)
        total += int(found.group(1)) if found else 0
    return total / 2**10
