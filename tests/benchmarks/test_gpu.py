"""The GPU benchmark on the CPU: Triton interpreted, tiny graphs."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
import torch

pytest.importorskip("triton", reason="Triton is not installed: pip install triton")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    return importlib.import_module("benchmarks.gpu")


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_parity_covers_every_operation_and_graph(gpu, monkeypatch, dtype) -> None:
    """With a few nodes: Triton's interpreter takes its time for every row, and the hub's edges are as many."""
    monkeypatch.setattr(gpu, "NODES", (7, 5))
    assert gpu.check_parity("cpu", [dtype]) == 2 * 3 * (3 * 3 + 2 + 2 + 3 + 3 + 2 + 3)


def test_parity_sees_a_difference(gpu, monkeypatch) -> None:
    right = gpu.Adjacency.spmm
    monkeypatch.setattr(
        gpu.Adjacency,
        "spmm",
        lambda self, x, *rest, **options: right(self, x, *rest, **options) * (1 + 1e-3 * (_backend() == "torch")),
    )
    with pytest.raises(AssertionError, match=r"torch: spmm sum on a random graph in torch\.float32"):
        gpu.check_parity("cpu")


def _backend() -> str:
    return importlib.import_module("graphvid.ops.backends")._chosen.get()


def test_rows_and_table(gpu) -> None:
    bandwidth = gpu.copy_bandwidth("cpu", num_bytes=1 << 20)
    rows = list(gpu.measure([300], [8], bandwidth, "cpu"))
    assert [(r["operation"], r["degrees"]) for r in rows] == [
        (operation, degrees) for degrees in ("uniform", "power-law") for operation in ("sum", "two relations")
    ]
    assert rows[0]["floor"] == pytest.approx(1e3 * (300 * 36 + 4 * 30 * 9) / bandwidth)
    text = gpu.table({"machine": {"chip": "none"}, "copy_gigabytes_a_second": bandwidth / 1e9, "rows": rows})
    assert text.count("| two relations | ") == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_written(gpu, tmp_path, capsys) -> None:
    assert gpu.main(["--out", str(tmp_path)]) == 1
    assert "no CUDA device" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
