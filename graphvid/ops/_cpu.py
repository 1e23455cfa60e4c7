"""Message passing on the CPU: threads share the rows, and each row is summed in the order of its edges.

The threads are those of OpenMP, like PyTorch's and DGL's, so that no library's threads spin while others wait for work. With
one PyTorch thread, as in the workers of a data loader, OpenMP is not used, because it does not survive a fork.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphvid.ops import _cpu_kernels as kernels
from graphvid.ops import _cpu_ranges as ranges
from graphvid.ops._rows import Rows

_EDGES_PER_THREAD = 1 << 13  # with fewer edges, starting a second thread costs more than it saves
_CACHED_BYTES = 1 << 20  # size of a core's cache; rows of a larger x are prefetched
_AHEAD = 16  # edges; measured
_one_at_a_time = threading.Lock()  # not every threading layer of Numba is re-entrant


def spmm(
    rows: Rows,
    x: Tensor,
    weights: Tensor | None,
    src_scale: Tensor | None,
    dst_scale: Tensor | None,
    chosen: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Return the weighted sum over each row's edges of the rows of ``x``, (num_rows, num_heads, dim)."""
    out = _empty(rows.num_rows, *x.shape[1:], dtype=_numpy_type(x))
    given = _flat(x), _weights(weights, x), _optional(src_scale, x), _optional(dst_scale, x)
    if chosen is None:
        ahead = _AHEAD if x.numel() * x.element_size() > _CACHED_BYTES else 0
        _run("sum" if x.shape[1] == 1 else "head_sum", rows, rows.indices.numpy(), *given, relu, ahead, _flat(out))
    else:
        picked, *rest = given
        _run("chosen_sum", rows, rows.indices.numpy(), _ids(rows), picked, _flat(chosen), *rest, _flat(out))
    return out


def spmm_max(rows: Rows, x: Tensor, weights: Tensor | None, src_scale: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the largest weighted row of ``x`` of each row's edges, entry by entry, and the ids of those edges."""
    out = _empty(rows.num_rows, *x.shape[1:], dtype=_numpy_type(x))
    chosen = _empty(*out.shape, dtype=rows.indices.numpy().dtype)
    given = _flat(x), _weights(weights, x), _optional(src_scale, x)
    _run("max", rows, rows.indices.numpy(), _ids(rows), *given, _flat(out), _flat(chosen))
    return out, chosen


def mean_max(rows: Rows, x: Tensor, *, choose: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return the means and maxima of consecutive rows of ``x`` (num_elements, dim), and the rows of the maxima if asked."""
    mean, top = (_empty(rows.num_rows, x.shape[1], dtype=_numpy_type(x)) for _ in range(2))
    chosen = _empty(rows.num_rows if choose else 0, x.shape[1], dtype=rows.indices.numpy().dtype)
    _run("mean_max", rows, x.contiguous().numpy(), mean.numpy(), top.numpy(), chosen.numpy())
    return mean, top, chosen


def mean_max_backward(rows: Rows, grad_mean: Tensor, grad_top: Tensor, chosen: Tensor) -> Tensor:
    """Return the gradient of the rows of `mean_max`."""
    out = _empty(rows.indices.numel(), grad_mean.shape[1], dtype=_numpy_type(grad_mean))
    grads = grad_mean.contiguous().numpy(), grad_top.contiguous().numpy()
    _run("mean_max_backward", rows, *grads, chosen.numpy(), out.numpy())
    return out


def dot(src: Tensor, dst: Tensor, u: Tensor, v: Tensor, chosen: Tensor | None = None) -> Tensor:
    """Return the product of u[src] and v[dst] of every edge and head, (num_edges, num_heads)."""
    out = _empty(len(src), u.shape[1], dtype=_numpy_type(u))
    mask = np.empty((0, 0), src.numpy().dtype) if chosen is None else _flat(chosen)
    arguments = src.numpy(), dst.numpy(), _flat(u), _flat(v), mask, out.numpy()
    _run_ranges("dot", np.linspace(0, len(src), _num_parts(len(src)) + 1).astype(np.int64), arguments)
    return out


def softmax(rows: Rows, logits: Tensor) -> Tensor:
    """Return the softmax of the logits (num_edges, num_heads) over each row's edges, in the given order."""
    out = torch.empty_like(logits, memory_format=torch.contiguous_format)
    _run("softmax", rows, _ids(rows), logits.contiguous().numpy(), out.numpy())
    return out


def softmax_backward(rows: Rows, result: Tensor, grad: Tensor) -> Tensor:
    """Return the gradient of the logits."""
    out = torch.empty_like(result)
    _run("softmax_backward", rows, _ids(rows), result.numpy(), grad.contiguous().numpy(), out.numpy())
    return out


def _empty(*shape: int, dtype: Any) -> Tensor:
    """Return memory from NumPy, which requests large pages from Linux; PyTorch's small pages cost as much as filling them."""
    return torch.from_numpy(np.empty(shape, dtype))


def _flat(x: Tensor) -> Any:
    return x.contiguous().numpy().reshape(len(x), x.shape[1] * x.shape[2])


def _weights(weights: Tensor | None, x: Tensor) -> Any:
    return np.empty((0, 1), _numpy_type(x)) if weights is None else weights.contiguous().numpy()


def _optional(scale: Tensor | None, x: Tensor) -> Any:
    return np.empty(0, _numpy_type(x)) if scale is None else scale.numpy()


def _numpy_type(x: Tensor) -> Any:
    return np.float64 if x.dtype == torch.float64 else np.float32


def _ids(rows: Rows) -> Any:
    return np.empty(0, rows.indices.numpy().dtype) if rows.edge_ids is None else rows.edge_ids.numpy()


def _run(name: str, rows: Rows, *arguments: Any) -> None:
    """Call a kernel on ranges of rows with about equally many edges."""
    indptr, num_edges = rows.indptr.numpy(), rows.indices.numel()
    parts = _num_parts(num_edges)
    bounds = np.searchsorted(indptr, np.arange(parts + 1, dtype=indptr.dtype) * (num_edges // parts))
    bounds[0], bounds[-1] = 0, rows.num_rows
    _run_ranges(name, bounds, (indptr, *arguments))


def _num_parts(num_edges: int) -> int:
    return max(1, min(torch.get_num_threads(), num_edges // _EDGES_PER_THREAD))


def _run_ranges(name: str, bounds: Any, arguments: tuple[Any, ...]) -> None:
    """Call a kernel between consecutive bounds."""
    if len(bounds) == 2:
        getattr(kernels, f"{name}_chunk")(bounds[0], bounds[1], *arguments)
    else:
        with _one_at_a_time:
            getattr(ranges, f"{name}_ranges")(bounds, *arguments)
