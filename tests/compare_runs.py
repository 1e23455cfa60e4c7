"""Compare run directories file by file, bit for bit but for timings: ``python tests/compare_runs.py BEFORE AFTER``.

Made for changes that must not change a result: train the same commands with both versions into two folders of runs, then
compare the folders. What only one version writes is named and not compared; ``config.json``, ``report.html``, the checkpoint,
whose form may change, and ``sessions.json``, which says when, are left out.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open

TIMINGS = ("train_seconds", "evaluate_seconds")
LEFT_OUT = ("config.json", "report.html", "sessions.json", "checkpoint.safetensors")


def content(path: Path) -> object:
    """Give what must be equal in a file."""
    if path.suffix == ".json":
        return json.dumps(_without_timings(json.loads(path.read_text())), sort_keys=True)
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return [[value for name, value in row.items() if name not in TIMINGS] for row in csv.DictReader(file)]
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return {name: (arrays[name].dtype.str, arrays[name].shape, arrays[name].tobytes()) for name in arrays.files}
    if path.suffix == ".safetensors":  # whose header lists its entries in no order
        with safe_open(path, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            metadata = stored.metadata()
        return metadata, {name: (x.dtype, tuple(x.shape), x.numpy().tobytes()) for name, x in tensors.items()}
    return path.read_bytes()


def compare(before: Path, after: Path) -> list[str]:
    """Give a line for every file: equal, different, or only in one of the folders."""
    files = [{p.relative_to(root) for p in root.rglob("*") if p.is_file()} for root in (before, after)]
    lines = []
    for name in sorted(files[0] | files[1]):
        if name.name in LEFT_OUT:
            continue
        if name not in files[0] or name not in files[1]:
            lines.append(f"only {'after' if name in files[1] else 'BEFORE'}: {name}")
        else:
            same = content(before / name) == content(after / name)
            lines.append(f"{'equal' if same else 'DIFFERENT'}: {name}")
    return lines


def _without_timings(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_timings(x) for name, x in value.items() if name not in TIMINGS}
    return [_without_timings(x) for x in value] if isinstance(value, list) else value


if __name__ == "__main__":
    found = compare(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(found))
    sys.exit(any(line.startswith(("DIFFERENT", "only BEFORE")) for line in found))
