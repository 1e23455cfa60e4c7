"""Facts of a process: memory, threads, versions. Standard library only, since all peers import it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def peak_kb() -> int:
    """Return the peak of resident memory; ``ru_maxrss`` on Linux may be that of the process that started this one."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak
