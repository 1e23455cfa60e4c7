"""The number of threads of a clustering."""

from __future__ import annotations

import os
import subprocess
import sys


def test_the_default_is_numbas_and_leaves_pytorch_its_own():
    """Numba's OpenMP pool is PyTorch's too, so starting it would undo OMP_NUM_THREADS for the training that follows."""
    code = (
        "import torch\n"
        "from graphvid.clustering._threads import Threads\n"
        "print(Threads().num_threads, torch.get_num_threads())\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "1"]
