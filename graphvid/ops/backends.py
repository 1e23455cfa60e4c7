"""Choice of the backend of message passing, and checks of its requirements."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module, util
from types import ModuleType
from typing import Literal, get_args

import torch

from graphvid._checks import check_choice, shown

BackendName = Literal["auto", "numba", "dgl", "torch", "triton"]
_NAMES = get_args(BackendName)
_chosen: ContextVar[str] = ContextVar("graphvid.ops backend", default="auto")


@contextmanager
def use_backend(name: BackendName) -> Iterator[None]:
    """Pass messages with one backend inside a ``with`` block, in this thread.

    Parameters
    ----------
    name : {"auto", "numba", "dgl", "torch", "triton"}
        - ``"auto"``: Numba on the CPU, Triton on CUDA if it is installed, PyTorch otherwise;
        - ``"numba"``: graphvid's kernels for the CPU;
        - ``"dgl"``: DGL's own kernels, on the CPU, and on CUDA with a CUDA build of DGL;
        - ``"torch"``: PyTorch's sparse and segment operations, on any device;
        - ``"triton"``: graphvid's fused kernels for CUDA; on the CPU with ``TRITON_INTERPRET=1``, slowly, for tests.

    Raises
    ------
    ValueError
        When ``name`` is none of these.
    RuntimeError, ImportError
        Later, when an operation meets a device that the backend cannot serve: the message says why and what to install.

    Examples
    --------
    >>> from graphvid import ops
    >>> adjacency = ops.Adjacency.from_coo(torch.tensor([0, 1]), torch.tensor([1, 1]), num_src=2, num_dst=2)
    >>> with ops.use_backend("torch"):
    ...     adjacency.spmm(torch.tensor([[1.0], [2.0]])).tolist()
    [[0.0], [3.0]]
    """
    check_choice("name", name, _NAMES)
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def available_backends(device: torch.device | str = "cpu") -> list[str]:
    """Return the names of the backends that work on ``device``, the one that ``"auto"`` takes first.

    Parameters
    ----------
    device : torch.device or str
        Default: the CPU.

    Returns
    -------
    list of str
    """
    device = as_device(device)
    order = ["numba", "dgl", "torch", "triton"] if device.type == "cpu" else ["triton", "torch", "dgl"]
    return [name for name in order if not _obstacle(name, device)]


def as_device(device: torch.device | str) -> torch.device:
    """Return ``device``, or raise unless PyTorch knows it."""
    try:
        return torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device must be a device of PyTorch such as 'cpu' or 'cuda:0', got {shown(device)}"
        ) from error


def backend_for(device: torch.device) -> str:
    """Return the chosen backend, or raise if it does not work on ``device``."""
    name = _chosen.get()
    if name == "auto":
        return _automatic(device)
    obstacle = _obstacle(name, device)
    if obstacle:
        raise (ImportError if "pip install" in obstacle else RuntimeError)(
            f"backend {name!r} does not work on {device.type} tensors: {obstacle}"
        )
    return name


def kernels_of(name: str) -> ModuleType:
    """Return the module with a backend's kernels; on a graph without edges PyTorch's replace DGL's."""
    return import_module(
        {"numba": "graphvid.ops._cpu", "triton": "graphvid.ops._triton"}.get(name, "graphvid.ops._torch")
    )


@cache
def _automatic(device: torch.device) -> str:
    if device.type == "cpu":
        return "numba"
    return "triton" if not _obstacle("triton", device) else "torch"


@cache
def _obstacle(name: str, device: torch.device) -> str:
    """Return the reason why a backend does not work on a device, or an empty result."""
    if name == "torch":
        return ""
    if name == "numba":
        return "" if device.type == "cpu" else 'its kernels are for the CPU; use "triton" or "torch"'
    if name == "triton":
        if util.find_spec("triton") is None:
            return "Triton is not installed: pip install 'graphvid[triton]'"
        if device.type == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
            return "Triton compiles for GPUs; set TRITON_INTERPRET=1 before importing graphvid to interpret it"
        return "" if device.type in ("cpu", "cuda") else "Triton kernels of graphvid run on CUDA devices"
    return _dgl_obstacle(device)


def _dgl_obstacle(device: torch.device) -> str:
    try:
        from graphvid._dgl import dgl
    except ImportError as error:
        return str(error)
    if device.type == "cpu":
        return ""
    try:
        dgl.graph((torch.tensor([0]), torch.tensor([0]))).to(device)
    except Exception as error:  # DGLError, RuntimeError or AssertionError, as the build and the release have it
        reason = str(error).strip().splitlines()[-1]
        return f"DGL {dgl.__version__} was built without it ({reason}); pip install has CPU builds only, see dgl.ai"
    return ""
