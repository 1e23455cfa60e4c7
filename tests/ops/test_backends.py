from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from graphvid import ops
from graphvid.ops import backends


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Forget what was found out about the installed backends, before and after."""
    for function in (backends._obstacle, backends._automatic):
        function.cache_clear()
    yield monkeypatch
    for function in (backends._obstacle, backends._automatic):
        function.cache_clear()


def _sum() -> float:
    adjacency = ops.Adjacency.from_coo(torch.tensor([0, 1]), torch.tensor([0, 0]), num_src=2, num_dst=1)
    return float(adjacency.spmm(torch.tensor([[1.0], [2.0]])))


def test_the_choice_ends_with_its_block_and_stays_in_its_thread() -> None:
    cpu = torch.device("cpu")
    with ops.use_backend("torch"):
        assert backends.backend_for(cpu) == "torch"
        with ops.use_backend("dgl"):
            assert backends.backend_for(cpu) == "dgl"
        assert backends.backend_for(cpu) == "torch"
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(backends.backend_for, cpu).result() == "numba"
    assert backends.backend_for(cpu) == "numba"


def test_an_unknown_backend() -> None:
    with pytest.raises(ValueError, match=r"name must be one of .*, got 'cuda'"), ops.use_backend("cuda"):
        pass


def test_triton_without_its_interpreter_says_what_to_set(fresh) -> None:
    pytest.importorskip("triton")
    fresh.delenv("TRITON_INTERPRET")
    assert "triton" not in ops.available_backends()
    message = "backend 'triton' does not work on cpu tensors: .* set TRITON_INTERPRET=1"
    with ops.use_backend("triton"), pytest.raises(RuntimeError, match=message):
        _sum()


def test_a_missing_triton_says_what_to_install(fresh) -> None:
    fresh.setattr(backends.util, "find_spec", lambda name: None)
    with ops.use_backend("triton"), pytest.raises(ImportError, match="Triton is not installed: pip install"):
        _sum()


def test_a_missing_dgl_says_what_to_install_and_the_rest_works(fresh) -> None:
    fresh.setitem(__import__("sys").modules, "graphvid._dgl", None)
    assert "dgl" not in ops.available_backends()
    assert _sum() == 3.0
    with ops.use_backend("dgl"), pytest.raises(RuntimeError, match="backend 'dgl' does not work on cpu tensors"):
        _sum()


def test_the_cpus_kernels_are_for_the_cpu() -> None:
    with ops.use_backend("numba"), pytest.raises(RuntimeError, match="its kernels are for the CPU"):
        backends.backend_for(torch.device("cuda"))


def test_a_cpu_build_of_dgl_says_so() -> None:
    if "dgl" in ops.available_backends("cuda"):
        pytest.skip("this DGL has CUDA")
    with ops.use_backend("dgl"), pytest.raises((RuntimeError, ImportError), match="was built without it"):
        backends.backend_for(torch.device("cuda"))


def test_what_is_automatic() -> None:
    assert ops.available_backends()[0] == "numba"
    assert backends._automatic(torch.device("mps")) == "torch"
