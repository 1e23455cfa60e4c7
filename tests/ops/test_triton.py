"""Triton's interpreter runs the kernels in the other tests; here its compiler makes machine code of them, GPU or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from graphvid.ops._rows import cut_long_rows

PROGRAM = Path(__file__).parent / "compile_kernels.py"


@pytest.mark.slow
@pytest.mark.parametrize("capability", [80, 90])
def test_every_kernel_compiles_for_a_gpu(capability, tmp_path) -> None:
    pytest.importorskip("triton")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(capability)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert set(done.stdout.split()) == {
        "spmm_kernel",
        "spmm_long_kernel",
        "max_kernel",
        "max_long_kernel",
        "dot_kernel",
        "softmax_kernel",
        "softmax_long_kernel",
    }


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees_with_the_cpu() -> None:
    """Forward and backward of every operation on graphs with hubs, in every dtype; run by `python -m benchmarks gpu`."""
    from benchmarks.gpu import check_parity

    assert check_parity() > 0


def test_long_rows_are_cut_into_parts() -> None:
    first, second = torch.tensor([0, 2, 9, 9]), torch.tensor([0, 0, 1, 6])
    cut = cut_long_rows([first, second], 3)
    assert cut.rows.tolist() == [1, 2]
    assert cut.parts.tolist() == [[0, 2, 5], [0, 5, 8], [0, 8, 9], [1, 0, 1], [1, 1, 4], [1, 4, 6]]
    assert cut.indptr.tolist() == [0, 3, 4, 4, 6]
    assert cut_long_rows([torch.tensor([0])], 3).rows.tolist() == []
