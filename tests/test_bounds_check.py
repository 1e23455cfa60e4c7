"""The tests that reach a kernel once more with Numba's bounds checks: an index out of range is an error, not a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [  # one file for each module of kernels, the quickest that reaches all of them
    "test_bad_arguments.py",
    "clustering/test_undirected.py",
    "clustering/test_spanning.py",
    "clustering/test_tree.py",
    "graphs/test_co_watch.py",
    "losses/test_known_positives.py",
    "losses/test_semi_hard.py",
    "losses/test_shared_hinge.py",
    "metrics/test_item_ranks.py",
    "ops/test_distinct.py",
    "ops/test_segment.py",
    "optim/test_deferred_adam.py",
    "sampling/test_histories.py",
    "sampling/test_item_negatives.py",
    "sampling/test_kernel_searches.py",
    "sampling/test_triplets.py",
]


@pytest.mark.slow
def test_no_kernel_leaves_its_arrays(tmp_path):
    """Compiled kernels of their own, so that those without the checks stay what they are."""
    environment = {
        **os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *(str(ROOT / "tests" / f) for f in FILES),
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
